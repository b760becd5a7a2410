"""The interface on a real engine whose clock the tests turn, and on a real server for what needs connections."""

from __future__ import annotations

import io

import pytest

from tests.web.camunda7 import drawing
from tests.web.camunda8 import conftest as camunda8
from tests.web.camunda8.conftest import app, engine, server

__all__ = ["app", "engine", "server"]  # fixtures that both interfaces share


class Api(camunda8.Api):
    """A client: what it sends, and what it expects to be answered."""

    prefix = "/engine-rest"

    def _checked(self, response, status):
        assert not response.data or response.headers["Content-Type"] == "application/json"
        return super()._checked(response, status)

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


@pytest.fixture
def api(app, engine):
    return Api(app, engine)
