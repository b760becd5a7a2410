"""A service on a real port, an engine with the connector, and workers."""

from __future__ import annotations

import pytest

from engine import secrets
from engine.keyring import Keyring
from service_tasks import Registry
from service_tasks.checks import Catalogue
from service_tasks.connector import ConnectorChecks, HttpConnector, Reach
from tests.service_tasks.connector.drawing import rest_task
from tests.service_tasks.connector.service import Service

SECRET = "s3cr3t+Tök/en=of the bank"


@pytest.fixture
def service():
    running = Service()
    yield running
    running.stop()


class Rest:
    """The stage with the HTTP connector on it."""

    def __init__(self, stage, service):
        self.stage, self.service = stage, service
        self.connector = HttpConnector(stage.engine, Reach.of("127.0.0.1"))
        self.registry = Registry()
        self.registry.build_in(self.connector)
        Catalogue(registry=self.registry).connect(stage.engine)
        stage.engine.checks.append(ConnectorChecks(self.connector).check)

    def store(self, **values):
        for name, value in values.items():
            self.stage.engine.execute(secrets.put, name, value)

    def deploy(self, inputs, headers=None, **options):
        filled = {"url": f"{self.service.url}/thing", **inputs}
        return self.stage.deploy("rest.bpmn", rest_task(filled, headers, **options))

    def run(self, inputs, headers=None, variables=None, **options):
        """Deploy a diagram, start it with a worker; the key of the instance."""
        self.deploy(inputs, headers, **options)
        if not self.stage.workers:
            self.stage.hire(self.registry)
        return self.stage.start("rest", **(variables or {}))

    def completed(self, *args, **options):
        """Run to the end; the variables then."""
        key = self.run(*args, **options)
        seen = self.stage.ended(key)
        assert seen.row.state == "COMPLETED", seen
        return self.stage.variables(key)

    def incident(self, *args, **options):
        """Run into an incident; its message."""
        return self.stage.incident(self.run(*args, **options)).message


@pytest.fixture
def rest(stage, service, tmp_path):
    stage.engine.keyring = Keyring(path=tmp_path / "secrets_key")
    return Rest(stage, service)
