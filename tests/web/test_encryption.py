"""Connections that others can read are told, and refused where that is asked for; certificates are always checked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from engine.engine import Engine
from engine.events import addresses, targets
from service_tasks.brokers import Login, open_sender
from service_tasks.connector import Reach
from service_tasks.connector.reach import is_this_machine
from service_tasks.connector.target import read_target
from service_tasks.connector.transport import Forbidden, Request, Transport
from service_tasks.errors import NotSent
from tests.web.test_tls import issued
from web.clamd import Scanner
from web.cli import app as command_line
from web.cli import checks, encryption
from web.cli.settings import Settings

REMOTE = "postgresql://partitur:secret@db.example/partitur"


def settings(tmp_path, monkeypatch, **said):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    return Settings.of()


@pytest.mark.parametrize(("url", "plain"), [
    ("sqlite:///x.db", False), ("postgresql:///partitur", False), ("postgresql://u@localhost/x", False),
    ("postgresql://u@[::1]/x", False), ("postgresql:///x?host=/run/postgresql", False), (REMOTE, True),
    (f"{REMOTE}?sslmode=prefer", True), (f"{REMOTE}?sslmode=require", True), (f"{REMOTE}?sslmode=verify-full", False),
    (f"{REMOTE}?sslmode=verify-ca", False), ("postgresql:///x?host=127.0.0.1,db.example", True),
])
def test_databases_elsewhere_need_a_certificate_that_is_checked(tmp_path, monkeypatch, url, plain):
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert [each.setting for each in encryption.found(settings(tmp_path, monkeypatch, DATABASE_URL=url), {})] == (
        ["DATABASE_URL"] if plain else [])
    if "sslmode" not in url:     # what is said in the address counts more
        assert [*encryption.found(Settings.of(), {"PGSSLMODE": "verify-full"})] == []


def test_what_settings_lead_to_is_told_and_refused(tmp_path, monkeypatch):
    said = settings(tmp_path, monkeypatch, PARTITUR_LIMIT_STORAGE="redis://cache.example/0", DATABASE_URL=REMOTE,
                    PARTITUR_SCANNER="clamd://av.example", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.example")
    check = checks.check_encryption(encryption.found(said), said)
    assert check.result.value == "warning"
    for name in ("DATABASE_URL", "PARTITUR_LIMIT_STORAGE", "PARTITUR_SCANNER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert f"{name} leads to" in check.found
    assert "secret" not in check.found
    monkeypatch.setenv("PARTITUR_PLAIN_CONNECTIONS", "refuse")
    for command in (["instances"], ["upgrade"], ["serve"]):
        refused = CliRunner().invoke(command_line, command)
        assert refused.exit_code == 1, refused.output
        assert "but DATABASE_URL leads to db.example with sslmode=prefer." in " ".join(refused.output.split())
    monkeypatch.setenv("PARTITUR_PLAIN_CONNECTIONS", "perhaps")
    assert "to be allow or refuse" in " ".join(CliRunner().invoke(command_line, ["instances"]).output.split())


def test_a_server_that_others_reach_speaks_tls_or_says_so(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "PARTITUR_SCANNER", "PARTITUR_LIMIT_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    said = settings(tmp_path, monkeypatch, PARTITUR_HOST="0.0.0.0", PARTITUR_PLAIN_CONNECTIONS="refuse", PORT="0")
    assert [each.setting for each in encryption.listening(said)] == ["PARTITUR_HOST"]
    refused = CliRunner().invoke(command_line, ["serve"])
    assert (refused.exit_code, "but PARTITUR_HOST leads to http://0.0.0.0." in " ".join(refused.output.split())) == (
        1, True)
    certificate, key = issued(tmp_path)
    assert [*encryption.listening(Settings.of(tls_certificate=certificate, tls_key=key))] == []
    assert [*encryption.listening(Settings.of(host="127.0.0.1"))] == []
    sent = CliRunner().invoke(command_line, ["start", "x", "--url", "http://partitur.example"])
    assert "but PARTITUR_URL leads to http://partitur.example." in " ".join(sent.output.split())


def test_what_people_draw_and_set_up_is_refused_when_it_is_connected_to(tmp_path):
    calls = Transport(Reach(encrypted=True), resolve=lambda host, port: ["93.184.216.34"])
    request = Request(method="GET", target=read_target("http://shop.example/"), headers=(), body=b"", connect_within=1,
                      answer_within=1)
    with pytest.raises(Forbidden, match=r"an encrypted connection to shop\.example:80, but it has no TLS"):
        calls.send(request)
    with pytest.raises(Forbidden, match="PARTITUR_PLAIN_CONNECTIONS refuses that"):
        calls.check("queue.example", 5672, False)
    calls.check("queue.example", 5671, True)
    Transport(Reach.of("localhost"), resolve=lambda host, port: ["127.0.0.1"]).check("localhost", 5672, False)
    engine = Engine(f"sqlite:///{tmp_path}/p.db", synchronous="OFF")
    for name, address in {"a": "https://x.example/", "b": "http://x.example/", "c": "amqp://localhost?queue=q",
                          "d": "kafka://k1.example,k2.example?topic=t"}.items():
        engine.execute(targets.add, name, address)
    assert sorted(each.shown for each in encryption.stored(engine)) == [
        "http://x.example", "kafka://k1.example,k2.example"]
    engine.close()


@pytest.mark.parametrize(("host", "here"), [
    ("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True),
    ("a.localhost", True),
    ("::ffff:127.0.0.1", True), ("0.0.0.0", False), ("::", False), ("localhost.example", False), ("10.0.0.1", False),
    ("", False), ("::ffff:10.0.0.1", False)])
def test_what_stays_on_this_machine(host, here):
    assert is_this_machine(host) is here


def test_no_broker_is_told_anything_before_its_certificate_was_checked(tmp_path):
    """Nobody vouches for this one; whoever comes must go before a word was said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued(tmp_path))
    heard, refused = [], threading.Event()

    async def listen(reader, writer):
        heard.append(await reader.read(1000))

    async def attempt():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, trouble: refused.set())
        server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        for address in (f"amqps://localhost:{port}?queue=q", f"rediss://localhost:{port}?stream=s",
                        f"kafka+tls://localhost:{port}?topic=t&sasl=PLAIN"):
            with pytest.raises(Exception, match=r"(?i)certificate|unable to bootstrap|ssl"):
                await asyncio.wait_for(open_sender(addresses.read(address, addresses.OUT), Login("ann", "secret")), 20)
        server.close()

    _run(attempt())
    assert b"".join(heard) == b""
    # and nobody tries a usual password at somebody else's broker
    with pytest.raises(NotSent, match="Expected a secret to log in with at RabbitMQ"):
        _run(open_sender(addresses.read("amqps://queue.example?queue=q", addresses.OUT), None))


def _run(work):
    """Run it in a thread of its own: the one of the tests has a loop, once a browser was used in it."""
    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, work).result()


def test_a_scanner_of_this_machine_needs_none(tmp_path, monkeypatch):
    said = settings(tmp_path, monkeypatch, PARTITUR_SCANNER="clamd://localhost")
    assert said.scanner == Scanner(host="localhost")
    assert [*encryption.found(said, {})] == []
