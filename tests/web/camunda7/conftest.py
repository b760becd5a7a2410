"""The interface on a real engine whose clock the tests turn, and on a real server for what needs connections."""

from __future__ import annotations

import io

import pytest

from engine import scheduler
from tests.web.camunda7 import drawing
from tests.web.camunda8.conftest import app, engine, server

__all__ = ["app", "engine", "server"]  # fixtures that both interfaces share


class Api:
    """A client: what it sends, and what it expects to be answered."""

    def __init__(self, app, engine) -> None:
        self.client = app.test_client()
        self.engine = engine

    def get(self, path, status=200):
        return self._checked(self.client.get(f"/engine-rest{path}"), status)

    def post(self, path, body=None, status=200):
        return self.send("POST", path, body if body is not None else {}, status)

    def send(self, method, path, body=None, status=204):
        return self._checked(self.client.open(f"/engine-rest{path}", method=method, json=body), status)

    def _checked(self, response, status):
        assert response.status_code == status, response.text
        if not response.data:
            return None
        assert response.headers["Content-Type"] == "application/json"
        return response.get_json()

    def deploy(self, *parts, status=200, name="test.bpmn", **settings):
        return self.upload({name: drawing.file(*parts)}, status=status, **settings)

    def upload(self, files, status=200, **settings):
        data = {name.replace("_", "-"): value for name, value in settings.items()}
        data |= {name: (io.BytesIO(content), name) for name, content in files.items()}
        return self._checked(self.client.post("/engine-rest/deployment/create", data=data), status)

    def start(self, process_id, variables=None, **more):
        """Start an instance with variables that need no type."""
        typed = {name: {"value": value} for name, value in (variables or {}).items()}
        return self.post(f"/process-definition/key/{process_id}/start", {"variables": typed, **more})["id"]

    def fetch(self, *topics, most=10, worker="w", lock=60_000, **more):
        listed = [{"topicName": topic, "lockDuration": lock, **more} for topic in topics]
        return self.post("/external-task/fetchAndLock", {"workerId": worker, "maxTasks": most, "topics": listed})

    def ended(self, id):
        return self.get(f"/history/process-instance/{id}")["endTime"] is not None

    def variables(self, id):
        """The variables of an instance, over or not."""
        found = self.get(f"/history/variable-instance?processInstanceId={id}")
        return {each["name"]: (each["type"], each["value"]) for each in found}

    def pass_time(self, clock, **duration):
        clock.advance(**duration)
        scheduler.run_once(self.engine)


@pytest.fixture
def api(app, engine):
    return Api(app, engine)
