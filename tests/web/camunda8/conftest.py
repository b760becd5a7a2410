"""The interface on a real engine whose clock the tests turn, and on a real server for what needs connections."""

from __future__ import annotations

import io

import pytest

from engine.cluster import scheduler
from engine.engine import Engine
from tests.engine import drawing
from web.app import create_app
from web.cli.web_server import WebServer


@pytest.fixture
def engine(database_url, clock):
    made = Engine(database_url, clock=clock, synchronous="OFF")
    yield made
    made.close()


@pytest.fixture
def app(engine):
    return create_app(engine, secret_key="test")


class Api:
    """A client: what it sends, and what it expects to be answered."""

    prefix = "/v2"

    def __init__(self, app, engine) -> None:
        self.client = app.test_client()
        self.engine = engine

    def get(self, path, status=200):
        return self._checked(self.client.get(f"{self.prefix}{path}"), status)

    def post(self, path, body=None, status=200):
        return self._checked(self.client.post(f"{self.prefix}{path}", json=body if body is not None else {}), status)

    def send(self, method, path, body=None, status=204):
        return self._checked(self.client.open(f"{self.prefix}{path}", method=method, json=body), status)

    def _checked(self, response, status):
        assert response.status_code == status, response.text
        return response.get_json() if response.data else None

    def items(self, kind, filter=None, **more):
        return self.post(f"/{kind}/search", {"filter": filter or {}, **more})["items"]

    def deploy(self, *parts, name="test.bpmn", status=200):
        return self.upload((name, drawing.file(*parts).content), status=status)

    def upload(self, *files, status=200, **form):
        parts = [(io.BytesIO(content), name, "application/octet-stream") for name, content in files]
        response = self.client.post("/v2/deployments", data={"resources": parts, **form})
        return self._checked(response, status)

    def start(self, process_id, variables=None, **more):
        body = {"processDefinitionId": process_id, "variables": variables or {}, **more}
        return self.post("/process-instances", body)["processInstanceKey"]

    def take(self, type, **more):
        asked = {"type": type, "timeout": 30_000, "maxJobsToActivate": 5, "worker": "w", "requestTimeout": -1, **more}
        return self.post("/jobs/activation", asked)["jobs"]

    def instance(self, key):
        return self.get(f"/process-instances/{key}")

    def history(self, key):
        return [(each["elementId"], each["state"]) for each in
                self.items("element-instances", {"processInstanceKey": key})]

    def pass_time(self, clock, **duration):
        clock.advance(**duration)
        scheduler.run_once(self.engine)


@pytest.fixture
def api(app, engine):
    return Api(app, engine)


@pytest.fixture
def server(app):
    """The application behind the server that `partitur serve` runs."""
    made = WebServer(app, "127.0.0.1", 0, threads=8)
    made.start()
    yield made
    made.drain(5)
