"""What is given for containers fits the program: every command in it is one, and every part has what it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer.main
import yaml

from service_tasks import Registry
from web.cli import app
from web.cli.node import GRACE, secret_key
from web.cli.settings import Settings, SettingsError

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
KUBERNETES = list(yaml.safe_load_all((ROOT / "docs" / "deploy" / "kubernetes.yaml").read_text()))
DOCKERFILE = (ROOT / "Dockerfile").read_text()

NODES = {name: each for name, each in COMPOSE["services"].items() if name != "postgres"}
PODS = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in KUBERNETES if each["kind"] != "Service"}


def commands():
    yield "Dockerfile", json.loads(re.search(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[1])
    for name, each in NODES.items():
        yield f"compose {name}", each["command"]
    for name, each in PODS.items():
        yield f"kubernetes {name}", each["containers"][0]["args"]


@pytest.mark.parametrize(("place", "arguments"), list(commands()))
def test_every_command_is_one(place, arguments):
    name, *options = arguments
    command = typer.main.get_command(app).commands[name]
    # Reads the options and carries nothing out; raises what the command line would refuse.
    command.make_context(name, options)


def test_a_command_that_is_none_is_noticed():
    command = typer.main.get_command(app).commands["serve"]
    with pytest.raises(Exception, match="--no-such-option"):
        command.make_context("serve", ["--no-such-option"])


@pytest.mark.parametrize("name", NODES)
def test_compose_gives_each_node_the_database_time_to_finish_and_a_schema(name):
    node = NODES[name]
    assert set(node["environment"]) == {"DATABASE_URL", "PARTITUR_SESSION_KEY"}
    assert int(node["stop_grace_period"].removesuffix("s")) > GRACE.total_seconds()
    waits = node["depends_on"]
    assert waits == ({"postgres": {"condition": "service_healthy"}} if name == "upgrade"
                     else {"upgrade": {"condition": "service_completed_successfully"}})
    named = {volume.partition(":")[0] for volume in node["volumes"] if volume[0] not in ".$"}
    assert set(COMPOSE["volumes"]) >= named


@pytest.mark.parametrize("name", NODES)
def test_compose_comes_up_as_it_is_given_with_services_that_are_there(name):
    # Docker makes a folder that is missing, and a node with an empty one does not start.
    given = [volume for volume in NODES[name]["volumes"] if ":/services" in volume]
    folder = re.sub(r"\$\{SERVICES:-(.+?)\}", r"\1", given[0]).partition(":")[0]
    registry = Registry()
    registry.load(ROOT / folder)
    assert registry.contracts


@pytest.mark.parametrize("name", PODS)
def test_kubernetes_gives_each_node_the_database_and_time_to_finish(name):
    [container] = PODS[name]["containers"]
    given = {each["name"] for each in container["env"]}
    # Nodes share no folder, so a key of secrets that each made for itself would be another one in each.
    assert given >= {"DATABASE_URL"} | (set() if "upgrade" in name else {"PARTITUR_SECRETS_KEY"})
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in PODS[name]["volumes"]}
    if "upgrade" not in name:
        assert PODS[name]["terminationGracePeriodSeconds"] > GRACE.total_seconds() + 5


def test_kubernetes_sends_requests_to_servers_that_are_ready():
    [service] = [each for each in KUBERNETES if each["kind"] == "Service"]
    [container] = PODS["partitur-web"]["containers"]
    [web] = [each for each in KUBERNETES if each["metadata"]["name"] == "partitur-web"]
    assert service["spec"]["selector"] == web["spec"]["template"]["metadata"]["labels"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


def test_no_secret_is_written_down():
    for text in (DOCKERFILE, (ROOT / "docker-compose.yml").read_text()):
        assert not re.search(r"(PASSWORD|KEY)[:=] ?[\w-]", text)


def test_servers_share_a_key_that_is_long_enough(monkeypatch, tmp_path):
    settings = Settings.of(data_dir=tmp_path)
    kept = secret_key(settings)
    assert secret_key(settings) == kept
    monkeypatch.setenv("PARTITUR_SESSION_KEY", "x" * 32)
    assert secret_key(settings) == "x" * 32
    monkeypatch.setenv("PARTITUR_SESSION_KEY", "short")
    with pytest.raises(SettingsError, match="at least 32 characters"):
        secret_key(settings)
