"""Unmodified clients against a `partitur serve` that asks who they are."""

from __future__ import annotations

import base64
import os
import shutil

import httpx
import pytest

from tests.acceptance.test_camunda7_clients import OWN
from tests.acceptance.test_camunda7_clients import clients as camunda7_clients
from tests.acceptance.test_camunda8_clients import DRIVERS, clients, had, passed, run, server
from tests.engine import drawing
from web.auth import secrets
from web.auth.accessfile import AccessFile, Content, Token, User

__all__ = ["camunda7_clients", "clients", "server"]  # fixtures

PASSWORD, TOKEN = "correct: horse", "ptt_of-the-worker"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not DRIVERS.is_dir(), reason=f"The client drivers are not there ({DRIVERS.name})."),
]


@pytest.fixture(autouse=True)
def users(tmp_path):
    """Somebody may come in, before the server starts."""
    data = tmp_path / "data"
    data.mkdir()
    AccessFile(data / "users.json").write(Content(
        users={"ann": User(secrets.hash_of(PASSWORD))}, tokens={"worker": Token(secrets.digest_of(TOKEN))},
    ))


def basic(name, password):
    return {**os.environ, "CAMUNDA_BASIC_AUTH_USERNAME": name, "CAMUNDA_BASIC_AUTH_PASSWORD": password}


def test_the_client_that_camunda_modeler_uses_with_a_password(users, server, clients):
    node = had(clients["modeler"])
    passed(run(node, "c8_sdk.cjs", server, cwd=clients["drivers"], env=basic("ann", PASSWORD)))
    wrong = run(node, "c8_sdk.cjs", server, cwd=clients["drivers"], env=basic("ann", "wrong"))
    assert wrong.returncode != 0


def test_the_client_that_camunda_modeler_uses_as_an_oauth_client(users, server, clients):
    node = had(clients["modeler"])
    shutil.copy(OWN / "c8_oauth.cjs", clients["drivers"])
    resource = drawing.file(drawing.process("pay", drawing.start(), drawing.service("charge"), drawing.end()))
    deployed = httpx.post(f"{server}/v2/deployments", auth=("worker", TOKEN), trust_env=False,
                          files={"resources": ("pay.bpmn", resource.content)})
    assert deployed.status_code == 200, deployed.text
    passed(run(node, "c8_oauth.cjs", server, "worker", TOKEN, "pay", "charge", cwd=clients["drivers"]))


def test_the_python_client_with_a_token_as_its_password(users, server, clients):
    python = had(clients["python"])
    passed(run(python, "c8_python.py", server, cwd=clients["drivers"], env=basic("worker", TOKEN)))


def test_the_external_task_client(users, server, clients):
    node = had(clients["modeler"])
    passed(run(node, "c7_external_task.mjs", f"{server}/engine-rest", cwd=clients["drivers"],
               env=basic("ann", PASSWORD)))


@pytest.mark.parametrize("shown", [
    {"ENGINE_REST_AUTHORIZATION": f"Basic {base64.b64encode(f'ann:{PASSWORD}'.encode()).decode()}"},
    {"OAUTH2_CLIENT_ID": "worker", "OAUTH2_CLIENT_SECRET": TOKEN},
])
def test_the_clients_of_operaton(users, server, camunda7_clients, shown):
    python = had(camunda7_clients["python"])
    if "OAUTH2_CLIENT_ID" in shown:
        shown = shown | {"OAUTH2_TOKEN_URL": f"{server}/oauth/token"}
    command = [python, "c7_operaton.py", f"{server}/engine-rest", str(camunda7_clients["drivers"] / "fixtures")]
    assert "PASS  clean up" in passed(run(*command, cwd=OWN, env={**os.environ, **shown}))
    assert run(*command, cwd=OWN).returncode != 0    # nobody may come in without showing anything
