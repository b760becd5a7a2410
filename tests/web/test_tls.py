"""The server speaks TLS by itself: what it offers, to whom, and with which certificate."""

from __future__ import annotations

import dataclasses
import datetime
import os
import socket
import ssl
import threading

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from web.app import create_app
from web.cli import checks
from web.cli.settings import Settings
from web.cli.tls import CIPHERS, Certificate, CertificateError, certificate_of
from web.cli.web_server import WebServer


def issued(folder, name="one", days=30, password=None):
    """Writes a certificate for this machine and its key, and gives their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=40))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256()))
    paths = folder / "server.pem", folder / "server.key"
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    return paths


def done(environ, begin):
    begin("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]


@pytest.fixture
def certificate(tmp_path):
    return Certificate(*issued(tmp_path))


@pytest.fixture
def start(certificate):
    started = []

    def start(application):
        server = WebServer(application, "127.0.0.1", 0, threads=4, certificate=certificate)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        assert server.drain(10)


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate.certificate))


def get(server, certificate, path="/", **more):
    with httpx.Client(verify=trusting(certificate), trust_env=False) as client:
        return client.get(f"https://localhost:{server.port}{path}", **more)


def spoken(server, **demands):
    """What is agreed on with a client that insists on something: version, cipher, protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    ciphers = demands.pop("ciphers", None)
    if ciphers:
        context.set_ciphers(ciphers)
    for name, value in demands.items():
        setattr(context, name, value)
    with (socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
          context.wrap_socket(plain, server_hostname="localhost") as connection):
        return connection.version(), connection.cipher()[0]


def test_pages_come_by_https_and_by_nothing_else(engine, start, certificate):
    server = start(create_app(engine, secret_key="test"))
    answer = get(server, certificate, "/deployments/new")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    (cookie,) = answer.headers.get_list("Set-Cookie")
    assert cookie.startswith("__Host-partitur=")
    assert "Secure" in cookie
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{server.port}/", trust_env=False, timeout=10)
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"https://localhost:{server.port}/", trust_env=False)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_versions_and_ciphers_that_are_recommended(start):
    server = start(done)
    newest = spoken(server)
    assert newest[0] == "TLSv1.3"
    before = spoken(server, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert before[0] == "TLSv1.2"
    assert before[1].startswith("ECDHE-ECDSA-")
    for demand in ({"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1,
                    "ciphers": "ALL:@SECLEVEL=0"},
                   {"maximum_version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA"}):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            spoken(server, **demand)
    assert "AESGCM" in CIPHERS


def test_who_asks_and_all_that_is_sent_come_through(start, certificate):
    def tell(environ, begin):
        body = environ["wsgi.input"].read()
        begin("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']} ".encode(), body * 2]

    server = start(tell)
    sent = os.urandom(5_000_000)
    with httpx.Client(verify=trusting(certificate), trust_env=False) as client:
        for _ in range(3):      # one connection carries them all
            answer = client.post(f"https://localhost:{server.port}/", content=sent)
            assert answer.content == b"127.0.0.1 https " + sent * 2


def test_many_come_at_once_and_who_says_nothing_holds_up_nobody(start, certificate):
    server = start(done)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(get(server, certificate).text)) for _ in range(20)]
    for each in askers:
        each.start()
    for each in askers:
        each.join(30)
    assert answers == ["done"] * 20
    for each in silent:
        each.close()


def test_a_renewed_certificate_is_used_without_a_restart(start, certificate, tmp_path):
    server = start(done)
    old = trusting(certificate)
    assert not certificate.renew()
    # a half-written one is not taken
    key = certificate.key.read_bytes()
    certificate.key.write_bytes(key[:40])
    os.utime(certificate.key, (1, 1))
    assert not certificate.renew()
    assert get(server, certificate).text == "done"
    issued(tmp_path, "two")
    os.utime(certificate.key, (2, 2))
    assert certificate.renew()
    assert get(server, certificate).text == "done"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://localhost:{server.port}/", verify=old, trust_env=False)


@pytest.mark.parametrize(("days", "result"), [(30, "ok"), (5, "warning"), (-1, "failed")])
def test_the_doctor_says_when_it_ends(tmp_path, days, result):
    certificate, key = issued(tmp_path, days=days)
    settings = Settings.of(data_dir=tmp_path, tls_certificate=certificate, tls_key=key)
    (check,) = checks.check_certificate(settings, datetime.datetime.now(datetime.UTC))
    assert check.result.value == result
    alone = dataclasses.replace(settings, tls_key=None)
    (check,) = checks.check_certificate(alone, datetime.datetime.now(datetime.UTC))
    assert check.result.value == "failed"


def test_what_cannot_be_a_certificate_is_refused_in_a_sentence(tmp_path):
    settings = Settings.of(data_dir=tmp_path, tls_certificate=tmp_path / "none.pem")
    with pytest.raises(CertificateError, match="one of them is missing"):
        certificate_of(settings)
    with pytest.raises(CertificateError, match=r"Expected to read .*none\.pem"):
        certificate_of(Settings.of(data_dir=tmp_path, tls_certificate=tmp_path / "none.pem", tls_key=tmp_path / "k"))
    with pytest.raises(CertificateError, match="without a password"):
        Certificate(*issued(tmp_path, password=b"secret"))


@pytest.mark.browser
def test_every_cookie_is_for_this_host_only_and_goes_by_https_only(engine, start, browser):
    server = start(create_app(engine, secret_key="test"))
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"https://localhost:{server.port}/")
    page.get_by_role("button", name="Switch between light and dark").click()
    page.locator("button[name=language][value=de]").click()
    page.wait_for_selector("html[lang=de]")
    # what was chosen counts, and no script gets at what no script needs
    assert page.locator("html").get_attribute("data-theme") == "dark"
    found = {each["name"]: each for each in context.cookies()}
    assert found.keys() == {"__Host-partitur", "__Host-theme", "__Host-language"}
    for each in found.values():
        assert (each["secure"], each["path"], each["sameSite"]) == (True, "/", "Lax"), each
    assert [name for name, each in found.items() if not each["httpOnly"]] == ["__Host-theme"]
    assert page.evaluate("document.cookie") == "__Host-theme=dark"
    context.close()
