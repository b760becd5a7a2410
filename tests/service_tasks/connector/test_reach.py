"""Nobody gets the connector to call what is inside: a corpus of URLs and addresses that attackers use."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service_tasks.connector.reach import Reach, ReachError, literal
from service_tasks.connector.target import BadUrl, read_target, refused_literally
from service_tasks.connector.transport import Forbidden, Request, Transport
from service_tasks.errors import InDoubt, NotSent, UnknownOutcome
from tests.service_tasks.connector.service import Service

INSIDE = (
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "0x7F.0X0.0.1", "127.000.000.001", "127.255.255.254", "0", "0.0.0.0", "00000000000", "10.0.0.1",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "0xc0a80001", "3232235521", "10.1", "169.254.169.254",
    "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.0.1", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "198.18.0.1",
    "192.0.2.1",
    "203.0.113.5", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]",
    "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]",
    "[2001:db8::1]", "[64:ff9b:1::a00:1]", "[2001:0:7f00:1::80ff:fffe]", "192.0.0.8", "192.88.99.1", "[3fff::1]",
    "[2a00:1450::5efe:a00:1]", "[2a00:1450::200:5efe:7f00:1]",
)
OUTSIDE = ["8.8.8.8", "1.1.1.1", "[2606:4700::1111]", "134744072", "0x08.8.8.8", "[::ffff:8.8.8.8]"]


@pytest.mark.parametrize("host", INSIDE)
def test_no_way_to_write_an_inner_address_is_allowed(host):
    target = read_target(f"http://{host}/")
    assert refused_literally(target, Reach()) is not None
    with pytest.raises(Forbidden):
        Transport(Reach()).send(request_to(f"http://{host}:9/"))


@pytest.mark.parametrize("host", OUTSIDE)
def test_public_addresses_are_allowed_however_they_are_written(host):
    assert refused_literally(read_target(f"http://{host}/"), Reach()) is None


@pytest.mark.parametrize("url", [
    "ftp://host/", "file:///etc/passwd", "gopher://host/", "//host/", "host/path", "http:///path", "http://", "",
    "http:/x",
    "javascript:alert(1)", "http://user@127.0.0.1/", "http://user:pw@host/", "http://host@evil/", "http://a@b@c/",
    "http://host\\@evil/", "http://host/\r\nX: y", "http://ho\tst/", "http://ho st/", "http://%31%32%37.0.0.1/",
    "http://host%00/", "http://[::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[127.0.0.1/", "http://[::1]x/",
    "http://::1/", "http://host:0/", "http://host:99999/", "http://host:8x/", "http://a..b/", "http://.host/",
    "http://host../", "http://-host/", "http://ho*st/", "http://ho;st/", "http://1.2.3.4.5/", "http://256.1.1.1/",
    "http://1.2.3.999/", "http://" + "a" * 300 + "/", "http://h/" + "x" * 9000, "http://host/\x7f",
    "http://host,evil/", "http://evil#@host/ \0", "http://ho\u202est/",
])
def test_urls_that_are_none_are_refused(url):
    with pytest.raises(BadUrl, match="Expected"):
        read_target(url)


@pytest.mark.parametrize(("url", "host"), [
    ("http://LOCALHOST/", "localhost"), ("http://localhost./", "localhost"), ("http://Example.COM:80/", "example.com"),
    ("http://①②⑦.0.0.1/", "127.0.0.1"), ("http://１２７.０.０.１/", "127.0.0.1"), ("http://127。0。0。1/", "127.0.0.1"),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "localhost"), ("http://münchen.de/", "xn--mnchen-3ya.de"),
    ("http://evil#@good/", "evil"), ("http://evil?@good/", "evil"), ("http://[::FFFF:127.0.0.1]/", "::ffff:127.0.0.1"),
])
def test_one_host_is_read_from_a_url(url, host):
    assert literal(host) == literal(read_target(url).host) if literal(host) else read_target(url).host == host


@pytest.mark.parametrize("url", ["http://localhost/", "http://localhost./", "http://LocalHost/", "http://x.localhost/"])
def test_this_machine_is_not_called_by_its_names(url):
    assert refused_literally(read_target(url), Reach()) is not None


@pytest.mark.parametrize(("allow", "url", "addresses", "allowed"), [
    ("", "http://shop.example/", ["8.8.8.8"], True),
    ("", "http://shop.example/", ["10.0.0.1"], False),
    ("", "http://shop.example/", ["8.8.8.8", "127.0.0.1"], True),  # only the first is connected to
    ("public", "http://shop.example/", ["8.8.8.8"], True),
    ("billing.internal", "http://billing.internal/", ["10.0.0.1"], True),
    ("billing.internal", "http://BILLING.internal./", ["10.0.0.1"], True),
    ("billing.internal", "http://billing.internal/", ["127.0.0.1"], False),
    ("billing.internal", "http://billing.internal/", ["169.254.169.254"], False),
    ("billing.internal", "http://billing.internal/", ["fd00:ec2::254"], False),
    ("billing.internal", "http://billing.internal/", ["100.64.0.1"], False),
    ("billing.internal", "http://billing.internal/", ["::ffff:127.0.0.1"], False),
    ("billing.internal", "http://shop.example/", ["8.8.8.8"], False),
    ("billing.internal", "http://evil-billing.internal/", ["8.8.8.8"], False),
    ("*.internal", "http://a.b.internal/", ["192.168.1.1"], True),
    ("*.internal", "http://internal/", ["192.168.1.1"], False),
    ("*.internal", "http://evilinternal/", ["192.168.1.1"], False),
    ("billing.internal:8443", "http://billing.internal:8443/", ["10.0.0.1"], True),
    ("billing.internal:8443", "http://billing.internal/", ["10.0.0.1"], False),
    ("10.1.0.0/16", "http://any.name/", ["10.1.2.3"], True),
    ("10.1.0.0/16", "http://any.name/", ["10.2.2.3"], False),
    ("10.1.0.0/16", "http://any.name/", ["8.8.8.8"], False),
    ("10.1.0.0/16", "http://any.name/", ["::ffff:10.1.2.3"], True),
    ("public, 10.1.0.0/16", "http://any.name/", ["8.8.8.8"], True),
    ("localhost", "http://localhost/", ["127.0.0.1"], True),
    ("localhost", "http://evil.example/", ["127.0.0.1"], False),
    ("127.0.0.1:8080", "http://127.0.0.1:8080/", ["127.0.0.1"], True),
    ("127.0.0.1:8080", "http://127.0.0.1:8081/", ["127.0.0.1"], False),
    ("[::1]:8080", "http://[::1]:8080/", ["::1"], True),
    ("fd00::/8", "http://x/", ["fd12::1"], True),
    ("169.254.169.254", "http://169.254.169.254/", ["169.254.169.254"], True),
])
def test_what_the_list_of_hosts_allows(allow, url, addresses, allowed):
    reach, target = Reach.of(allow), read_target(url)
    faults = [reach.forbids(target.host, target.port, ip_address(each)) for each in addresses]
    assert any(fault is None for fault in faults) is allowed


@pytest.mark.parametrize("entry", ["*", "http://host", "host/", "a,,http://", "*.*.x", "host:0", "host:70000",
                                   "10.0.0.0/33", "ü.de", "10.0.0.1/8", "0x7f.1", "host:"])
def test_entries_that_say_nothing_are_refused(entry):
    with pytest.raises(ReachError, match="PARTITUR_HTTP_ALLOW"):
        Reach.of(entry)


def request_to(url, **more):
    return Request(**{"method": "GET", "target": read_target(url), "headers": (), "body": b"",
                      "connect_within": 5, "answer_within": 5} | more)


def test_a_name_is_connected_to_at_the_address_that_was_checked(service):
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    transport = Transport(Reach.of("127.0.0.1"), resolve=rebinding)
    response = transport.send(request_to(f"http://rebind.example:{service.port}/"))
    assert response.status == 200
    assert asked == ["rebind.example"]
    assert service.received[0].headers["Host"] == f"rebind.example:{service.port}"


def test_of_several_addresses_only_allowed_ones_are_connected_to(service):
    transport = Transport(Reach.of("127.0.0.1"), resolve=lambda host, port: ["127.0.0.2", "10.9.9.9", "127.0.0.1"])
    assert transport.send(request_to(f"http://many.example:{service.port}/")).status == 200
    with pytest.raises(Forbidden, match=r"127\.0\.0\.2 is a loopback address"):
        Transport(Reach(), resolve=lambda host, port: ["127.0.0.2"]).send(request_to("http://inner.example/"))


def test_a_name_that_nobody_knows_was_not_called():
    def unknown(host, port):
        raise socket.gaierror("no such host")

    with pytest.raises(NotSent, match="no such host"):
        Transport(Reach(), resolve=unknown).send(request_to("http://nobody.example/"))


def test_a_proxy_of_the_environment_is_not_used(service, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert Transport(Reach.of("127.0.0.1")).send(request_to(service.url)).status == 200


def drip(piece, where):
    def answer(handler, sent):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if where == "body":
            handler.wfile.write(b"Content-Length: 100000\r\n\r\n")
        try:
            while not handler.server.stopping.wait(0.02):
                handler.wfile.write(piece)
        except OSError:
            return None

    return answer


@pytest.mark.parametrize(("piece", "where"), [(b"x", "body"), (b"X-A: b\r\n", "headers")])
def test_an_answer_that_drips_meets_the_time_limit(service, piece, where):
    service.server.stopping = threading.Event()
    service.answers["/"] = drip(piece, where)
    with pytest.raises(UnknownOutcome, match=r"within 0\.3 s"):
        Transport(Reach.of("127.0.0.1")).send(request_to(service.url, answer_within=0.3))
    service.server.stopping.set()


def test_endless_preliminary_answers_meet_the_time_limit(service):
    service.server.stopping = threading.Event()

    def answer(handler, sent):
        try:
            while not handler.server.stopping.wait(0.01):
                handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        except OSError:
            return None

    service.answers["/"] = answer
    with pytest.raises(UnknownOutcome):
        Transport(Reach.of("127.0.0.1")).send(request_to(service.url, answer_within=0.3))
    service.server.stopping.set()


@pytest.mark.parametrize(("headers", "content", "words"), [
    ({}, b"x" * 1_000_001, "at most 1000000 bytes"), ({"Content-Encoding": "gzip"}, b"\x1f\x8b", "without compression"),
])
def test_answers_that_could_burst_are_not_read(service, headers, content, words):
    service.answers["/"] = (200, headers, content)
    with pytest.raises(InDoubt, match=words):
        Transport(Reach.of("127.0.0.1")).send(request_to(service.url))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate for shop.example, and contexts of the server and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_the_certificate_is_checked_against_the_name_though_an_address_is_connected_to(tls):
    server, trusting = tls
    running = Service(tls=server)
    options = {"resolve": lambda host, port: ["127.0.0.1"], "context": trusting}
    try:
        transport = Transport(Reach.of("127.0.0.1"), **options)
        assert transport.send(request_to(f"https://shop.example:{running.port}/")).status == 200
        with pytest.raises(NotSent, match="certificate"):
            transport.send(request_to(f"https://evil.example:{running.port}/"))
        with pytest.raises(NotSent, match="certificate"):
            Transport(Reach.of("127.0.0.1"), resolve=options["resolve"]).send(
                request_to(f"https://shop.example:{running.port}/"))
        assert len(running.received) == 1
    finally:
        running.stop()
