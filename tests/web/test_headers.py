"""What every answer says to browsers, whichever address was asked and whatever came of it."""

from __future__ import annotations

import re

import pytest

from engine.engine import Engine
from tests.web.every import all_keys, candidates, furnish
from web.app import HEADERS, MAX_UPLOAD, create_app
from web.cli import identity
from web.cli.settings import SettingsError

OURS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}
FORM = "multipart/form-data; boundary=x"
POLICY = {
    "default-src": "'self'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
    "object-src": "'none'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    engine = Engine(f"sqlite:///{tmp_path_factory.mktemp('headers')}/headers.db", synchronous="OFF")
    furnish(engine)
    yield create_app(engine, secret_key="test")
    engine.close()


@pytest.fixture(scope="module")
def answered(app):
    """The answers of every route and method: to what is there, and to what is not."""
    return [*answers(app)]


def answers(app):
    client = app.test_client()
    keys = all_keys(app)[:25]
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods):
            if method != "GET" or rule.endpoint == "static":
                yield client.open(re.sub(r"<(?:\w+:)?\w+>", "1", rule.rule), method=method)
                continue
            for address in [*candidates(rule, keys)][:6]:
                answer = client.get(address)
                yield answer
                if answer.status_code == 200:
                    break


def test_every_answer_tells_browsers_to_be_careful(answered):
    kinds = set()
    for answer in answered:
        kinds.add((answer.status_code // 100, answer.mimetype))
        said = (answer.request.method, answer.request.path, answer.status)
        for name, value in OURS.items():
            assert answer.headers.getlist(name) == [value], (said, name)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy == POLICY, said
        assert "Server" not in answer.headers, said
        assert "X-Powered-By" not in answer.headers, said
        assert answer.mimetype or answer.status_code in (204, 304) or not answer.data, said
    assert {(2, "text/html"), (4, "text/html"), (4, "application/problem+json"), (4, "application/json"),
            (2, "application/json")} <= kinds


def test_the_policy_allows_nothing_inline():
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "http:" not in HEADERS["Content-Security-Policy"]


def test_https_stays_https(app):
    client = app.test_client()
    assert "Strict-Transport-Security" not in client.get("/").headers
    answer = client.get("/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(("said", "sent"), [
    ("", "max-age=31536000; includeSubDomains"), ("off", None), ("max-age=63072000", "max-age=63072000")])
def test_who_runs_the_server_says_for_how_long_and_for_which_names(app, monkeypatch, said, sent):
    monkeypatch.setenv("PARTITUR_HSTS", said)
    # behind a proxy that speaks https, whether or not it says so
    other = create_app(app.extensions["engine"], secret_key="test", public_url="https://partitur.example",
                       strict_transport=identity.strict_transport())
    assert other.test_client().get("/health").headers.get("Strict-Transport-Security") == sent
    monkeypatch.setenv("PARTITUR_HSTS", "max-age=1\r\nX: y")
    with pytest.raises(SettingsError, match="Expected PARTITUR_HSTS to be off"):
        identity.strict_transport()


def test_errors_of_the_framework_have_them_too(app):
    client = app.test_client()
    for answer in (client.get("/nowhere"), client.delete("/"), client.get("/static/none.js"),
                   client.post("/deployments", data=b"x" * (MAX_UPLOAD + 1), content_type=FORM),
                   client.get("/v2/%00"), client.post("/v2/deployments", data=b"x", content_type="text/plain")):
        assert answer.status_code >= 400
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Security-Policy" in answer.headers


def test_a_form_with_too_many_parts_is_refused(app):
    client = app.test_client()
    fields = {f"x{number}": "y" for number in range(1_001)}
    for path in ("/deployments", "/v2/deployments", "/engine-rest/deployment/create"):
        answer = client.post(path, data=fields, content_type="multipart/form-data")
        assert answer.status_code == 413, path


def test_downloads_are_never_shown_as_pages(app, answered):
    """What somebody uploaded comes back as a file of a harmless type."""
    for answer in answered:
        if answer.status_code == 200 and "attachment" in answer.headers.get("Content-Disposition", ""):
            assert answer.mimetype not in ("text/html", "image/svg+xml", "text/javascript"), answer.request.path
    assert app.test_client().get("/").headers.get("Access-Control-Allow-Origin") is None
