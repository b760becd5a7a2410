"""Several installations behind the proxy of docs/deploy/nginx.conf: each request reaches its database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from engine.engine import Engine
from engine.queries.instances import InstanceFilter, search
from tests.engine import drawing
from web.app import create_app
from web.cli.web_server import WebServer

CONFIGURATION = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
EU, US, ALL, ORDERS = (f"{name}partitur.example" for name in ("eu.", "us.", "", "orders."))
ORDER = drawing.file(
    drawing.message_of("paid", "Paid", "=orderId"),
    drawing.process("order", drawing.start(), drawing.catch("payment", drawing.message("paid")), drawing.end()),
    # Larger than what nginx takes when nobody tells it otherwise.
    f"<!--{'x' * 2_000_000}-->",
).content


@pytest.fixture
def installations(postgres_template):
    """Two of them, by name: the server and the engine of each."""
    urls = {name: postgres_template() for name in "ab"}
    engines = {name: Engine(url) for name, url in urls.items()}
    servers = {name: WebServer(create_app(engine, secret_key="test", hosts=(EU, US, ALL, ORDERS)), "127.0.0.1", 0,
                               threads=4, proxies=1) for name, engine in engines.items()}
    for server in servers.values():
        server.start()
    yield {name: (servers[name], engines[name]) for name in urls}
    for name, engine in engines.items():
        servers[name].drain(5)
        engine.close()
        postgres_template.leave(urls[name])


@pytest.fixture
def proxy(installations, tmp_path):
    """The address of the proxy, which has the file as it is, but for addresses and folders."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("Expected nginx (Debian's nginx-light; .ci/brokers brings it), but it is not there.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folders = "".join(f"{kind}_temp_path {tmp_path / kind};" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = CONFIGURATION.read_text()
    for shown, real in (("127.0.0.1:8081", f"127.0.0.1:{installations['a'][0].port}"),
                        ("127.0.0.1:8082", f"127.0.0.1:{installations['b'][0].port}"),
                        ("listen 8080", f"listen {port}"),
                        ("http {", f"http {{ access_log off; {folders}")):
        assert text.count(shown) == 1
        text = text.replace(shown, real)
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    rights = "user root;" if os.geteuid() == 0 else ""
    command = [program, "-p", str(tmp_path), "-e", str(tmp_path / "errors"), "-c", str(file),
               "-g", f"{rights} pid {tmp_path / 'pid'};"]
    # Returns when it listens.
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    yield f"http://127.0.0.1:{port}"
    subprocess.run([*command, "-s", "quit"], check=True, capture_output=True, timeout=60)


def found(installations, name, **narrowed):
    return search(installations[name][1], InstanceFilter(**narrowed), limit=100).items


def test_each_request_reaches_the_database_of_its_tenant_or_of_its_order(installations, proxy):
    with httpx.Client(base_url=proxy, timeout=60) as client:
        def ask(host, method, path, headers=None, **request):
            return client.request(method, path, headers={"Host": host, **(headers or {})}, **request)

        def start(host, id, headers=None):
            body = {"processDefinitionId": "order", "businessId": id, "variables": {"orderId": id}}
            return ask(host, "POST", "/v2/process-instances", headers, json=body)

        # given the process in both, deployed by name and by the header of the tenant
        upload = {"resources": ("order.bpmn", ORDER)}
        assert ask(EU, "POST", "/v2/deployments", files=upload).status_code == 200
        assert ask(ALL, "POST", "/v2/deployments", {"X-Tenant": "us"}, files=upload).status_code == 200

        # when instances are started by either, then each is in the database of its tenant, where keys are its own
        keys = {}
        for name, host, headers in (("a", EU, {}), ("b", US, {}), ("a", ALL, {"X-Tenant": "eu"})):
            answer = start(host, f"{host}-1", headers)
            assert (answer.status_code, answer.headers["X-Installation"]) == (200, name), answer.text
            keys[host] = answer.json()["processInstanceKey"]
        assert keys[EU] == keys[US]
        assert {len(found(installations, name)) for name in "ab"} == {2, 1}
        for door in ("/engine-rest/process-instance/count", "/instances", "/ready"):
            assert ask(US, "GET", door).status_code == 200
        assert ask(US, "GET", "/engine-rest/process-instance/count").json() == {"count": 1}

        # when nothing says where a request is for, then it goes nowhere
        for host, headers in ((ALL, {}), (ALL, {"X-Tenant": "asia"}), ("other.example", {}), (ORDERS, {}),
                              (ORDERS, {"X-Installation": "c", "X-Business-Id": "1"})):
            refused = start(host, "lost", headers)
            assert (refused.status_code, refused.json()["title"]) == (421, "MISDIRECTED")
        assert not [each for name in "ab" for each in found(installations, name, business_id="lost")]

        # when orders are spread by their business ids, then both have some, and an order is found again by either
        # what it was spread by or what the answer said
        where = {}
        for number in range(20):
            id = {"X-Business-Id": f"order-{number}"}
            answer = start(ORDERS, f"order-{number}", id)
            at = {"X-Installation": answer.headers["X-Installation"]}
            where[f"order-{number}"] = at["X-Installation"]
            paid = {"name": "Paid", "correlationKey": f"order-{number}"}
            assert ask(ORDERS, "POST", "/v2/messages/correlation", id, json=paid).status_code == 200
            seen = ask(ORDERS, "GET", f"/v2/process-instances/{answer.json()['processInstanceKey']}", at).json()
            assert (seen["state"], seen["businessId"]) == ("COMPLETED", f"order-{number}")
        assert set(where.values()) == {"a", "b"}
        for id, name in where.items():
            assert [each.business_id for each in found(installations, name, business_id=id)] == [id]

        # when one installation leaves, the other goes on
        installations["b"][0].drain(5)
        assert ask(US, "GET", "/ready").status_code == 503
        assert start(EU, "still").status_code == 200
