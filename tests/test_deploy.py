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
from web.health import ALIVE, READY

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
KUBERNETES = list(yaml.safe_load_all((ROOT / "docs" / "deploy" / "kubernetes.yaml").read_text()))
DOCKERFILE = (ROOT / "Dockerfile").read_text()

NODES = {name: each for name, each in COMPOSE["services"].items() if name not in ("postgres", "example")}
PODS = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in KUBERNETES
        if each["kind"] in ("Job", "Deployment")}
DEPLOYMENTS = {name: pod for name, pod in PODS.items() if "upgrade" not in name}


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
    assert set(node["environment"]) - {"ORDER_SERVICES_URL"} == {"DATABASE_URL", "PARTITUR_SESSION_KEY"}
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
    [web] = [each for each in KUBERNETES if each["metadata"]["name"] == "partitur-web" and each["kind"] == "Deployment"]
    assert service["spec"]["selector"] == web["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_kubernetes_asks_each_node_at_a_port_where_it_answers(name):
    [container] = DEPLOYMENTS[name]["containers"]
    [port] = container["ports"]
    asked = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {each["port"] for each in asked.values()} == {port["name"]}
    # Alive although the database is away: to start a node anew brings no database back.
    assert asked["startupProbe"]["path"] == asked["livenessProbe"]["path"] == ALIVE[0]
    assert asked["readinessProbe"]["path"] == READY[0]
    arguments = container["args"]
    if "web" in name:
        assert arguments[arguments.index("--host") + 1] == "0.0.0.0"
        assert port["containerPort"] == Settings.of().port
    else:
        assert int(arguments[arguments.index("--metrics-port") + 1]) == port["containerPort"]
        assert {"name": "PARTITUR_HOST", "value": "0.0.0.0"} in container["env"]


@pytest.mark.parametrize("name", NODES)
def test_compose_asks_each_node_that_stays_whether_it_is_ready(name):
    node = NODES[name]
    if name == "upgrade":
        assert (node["command"], node["restart"]) == (["upgrade"], "no")
        return
    command = node["command"]
    port = command[command.index("--metrics-port") + 1] if "--metrics-port" in command else "8080"
    assert f"http://127.0.0.1:{port}{READY[0]}" in node["healthcheck"]["test"][-1]


def test_nobody_is_root_and_nothing_but_the_data_is_written_to():
    user = int(re.search(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)[1])
    for node in NODES.values():
        assert (node["read_only"], node["cap_drop"], node["tmpfs"]) == (True, ["ALL"], ["/tmp"])
        assert node["security_opt"] == ["no-new-privileges:true"]
    for pod in PODS.values():
        assert pod["securityContext"] == {"runAsNonRoot": True, "runAsUser": user,
                                          "seccompProfile": {"type": "RuntimeDefault"}}
        [container] = pod["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        written = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
        assert written == {"/data", "/tmp"}
        assert container["resources"]["limits"]["memory"]


def test_kubernetes_empties_a_machine_without_taking_all_nodes_of_a_kind():
    budgets = {each["metadata"]["name"]: each["spec"] for each in KUBERNETES if each["kind"] == "PodDisruptionBudget"}
    for each in KUBERNETES:
        if each["kind"] == "Deployment":
            budget = budgets.pop(each["metadata"]["name"])
            assert budget["selector"] == each["spec"]["selector"]
            assert budget["maxUnavailable"] < each["spec"]["replicas"]
    assert not budgets


def test_kubernetes_would_take_all_of_it():
    validating = pytest.importorskip("kubernetes_validate", reason="needs the schemas of Kubernetes: "
                                                                   "pip install kubernetes-validate")
    for each in KUBERNETES:
        validating.validate(each, validating.latest_version(), strict=True)


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
