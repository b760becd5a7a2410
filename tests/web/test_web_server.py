"""The server takes its leave in order."""

from __future__ import annotations

import threading

import httpx
import pytest

from tests.web.camunda8.conftest import engine
from web.app import create_app
from web.cli import web_server
from web.cli.web_server import WebServer

__all__ = ["engine"]


@pytest.fixture
def application():
    """Answers /slow only when told to."""
    class Application:
        def __init__(self):
            self.entered, self.release = threading.Event(), threading.Event()

        def __call__(self, environ, start_response):
            if environ["PATH_INFO"] == "/slow":
                self.entered.set()
                self.release.wait(10)
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"done"]

    made = Application()
    yield made
    made.release.set()


@pytest.fixture
def server(application):
    made = WebServer(application, "127.0.0.1", 0, threads=4)
    made.start()
    return made


def test_a_request_under_way_is_finished_before_the_server_leaves(server, application):
    # given a request that takes its time
    answers = []
    address = f"http://127.0.0.1:{server.port}/slow"
    client = threading.Thread(target=lambda: answers.append(httpx.get(address, trust_env=False).text))
    client.start()
    assert application.entered.wait(5)

    # when the server is told to leave
    drained = []
    leaving = threading.Thread(target=lambda: drained.append(server.drain(10)))
    leaving.start()
    application.release.set()
    leaving.join(10)
    client.join(10)

    # then the client got its answer
    assert drained == [True]
    assert answers == ["done"]


def test_a_leaving_server_sends_new_requests_away(server):
    assert server.drain(1)
    answer = httpx.get(f"http://127.0.0.1:{server.port}/", trust_env=False)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_request_that_does_not_end_is_reported(server, application):
    address = f"http://127.0.0.1:{server.port}/slow"
    client = threading.Thread(target=lambda: httpx.get(address, trust_env=False))
    client.start()
    assert application.entered.wait(5)
    assert not server.drain(0)
    application.release.set()
    client.join(10)


def test_a_taken_port_is_an_error(server):
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        WebServer(lambda environ, start: [], "127.0.0.1", server.port)


@pytest.mark.parametrize(("path", "fields"), [
    ("/v2/messages/publication", {"type", "title", "status", "detail", "instance"}),
    ("/v2/incidents/1/resolution", {"type", "title", "status", "detail", "instance"}),
    ("/engine-rest/message", {"type", "message", "code"}),
    ("/api/instances", {"type", "title", "status", "detail", "instance"}),
    ("/tasks/1/completion", None),
])
@pytest.mark.parametrize("how", ["by length", "in chunks"])
def test_a_body_that_is_not_even_read_is_refused_in_the_words_of_the_door(engine, monkeypatch, path, fields, how):
    monkeypatch.setattr(web_server, "LARGEST_BODY", 1_000)
    server = WebServer(create_app(engine, secret_key="test"), "127.0.0.1", 0, threads=2)
    server.start()
    content = b"x" * 50_000
    answer = httpx.post(
        f"http://127.0.0.1:{server.port}{path}", content=content if how == "by length" else iter([content]),
        headers={"Content-Type": "application/json"}, trust_env=False,
    )
    assert answer.status_code == 413
    assert answer.headers["Connection"] == "close"
    if fields is None:
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert answer.json().keys() == fields
    assert server.drain(10)


@pytest.mark.parametrize(("proxies", "seen"), [
    (0, "127.0.0.1 http 127.0.0.1"), (1, "192.0.2.2 https partitur.example"),
    (2, "192.0.2.1 https partitur.example"),
])
def test_the_word_of_as_many_proxies_counts_as_there_are(proxies, seen):
    def tell(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        host = environ["HTTP_HOST"].partition(":")[0]
        return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']} {host}".encode()]

    server = WebServer(tell, "127.0.0.1", 0, threads=4, proxies=proxies)
    server.start()
    # what the client itself says stands first, and each proxy adds whom it got the request from
    said = {"X-Forwarded-For": "6.6.6.6, 192.0.2.1, 192.0.2.2", "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "partitur.example"}
    assert httpx.get(f"http://127.0.0.1:{server.port}/", headers=said, trust_env=False).text == seen
    server.drain(1)
