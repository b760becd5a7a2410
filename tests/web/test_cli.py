"""The command line: what each command does, says and answers to programs."""

from __future__ import annotations

import inspect
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from web.cli import COMMANDS, app
from web.cli.group import first_words

EXAMPLE = Path(__file__).parents[2] / "examples" / "order-fulfilment"
NO_WAY_OUT = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
             xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="file" targetNamespace="http://example.org"
             modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">
  <process id="gate" isExecutable="true">
    <startEvent id="begin"><outgoing>in</outgoing></startEvent>
    <sequenceFlow id="in" sourceRef="begin" targetRef="decide" />
    <exclusiveGateway id="decide"><incoming>in</incoming><outgoing>a</outgoing><outgoing>b</outgoing></exclusiveGateway>
    <sequenceFlow id="a" sourceRef="decide" targetRef="end">
      <conditionExpression xsi:type="tFormalExpression">=1 > 2</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="b" sourceRef="decide" targetRef="end">
      <conditionExpression xsi:type="tFormalExpression">=2 > 3</conditionExpression>
    </sequenceFlow>
    <endEvent id="end"><incoming>a</incoming><incoming>b</incoming></endEvent>
  </process>
</definitions>
"""
LARGE_ORDER = {"orderId": "A-1", "items": [{"sku": "KB-104", "quantity": 20, "unitPrice": 99}]}


@pytest.fixture
def partitur(data_dir, monkeypatch):
    """Runs the command line on a database of its own; answers in JSON unless told otherwise."""
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setenv("SQLITE_SYNCHRONOUS", "NORMAL")
    for name in ("DATABASE_URL", "PARTITUR_URL", "PARTITUR_HOST", "PORT", "TIME_ZONE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, code=0, as_json=True):
        result = CliRunner().invoke(app, [*map(str, arguments), *(["--json"] if as_json else [])])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if as_json and code != 2 else result

    return run


@pytest.fixture
def waiting(partitur):
    """The key of an order that waits for its review."""
    partitur("deploy", EXAMPLE)
    return partitur("start", "order-fulfilment", "--variables", json.dumps(LARGE_ORDER), "--business-id", "A-1")["key"]


def test_a_folder_is_deployed_once(partitur, data_dir):
    shutil.rmtree(data_dir)     # the first command of all sets up its database
    first, second = partitur("deploy", EXAMPLE), partitur("deploy", EXAMPLE)
    assert [definition["created"] for definition in first["definitions"]] == [True, True]
    assert [definition["created"] for definition in second["definitions"]] == [False, False]
    assert first["definitions"][0]["key"] == second["definitions"][0]["key"]


def test_a_refused_deployment_lists_the_problems_of_every_file_and_deploys_nothing(partitur, tmp_path):
    # given a good file and two bad ones
    (tmp_path / "text.bpmn").write_text("not a diagram")
    (tmp_path / "empty.bpmn").write_text("")

    # when they are deployed together
    refusal = partitur("deploy", EXAMPLE / "script-order.bpmn", tmp_path / "text.bpmn", tmp_path / "empty.bpmn", code=1)

    # then both bad ones are named and the good one is not there
    assert {problem["resource_name"] for problem in refusal["details"]} == {"text.bpmn", "empty.bpmn"}
    assert "not to be deployed" not in refusal["error"]
    partitur("start", "script-order", code=1)


def test_people_get_the_problems_as_a_table_on_standard_error(partitur, tmp_path):
    (tmp_path / "text.bpmn").write_text("not a diagram")
    result = partitur("deploy", tmp_path / "text.bpmn", code=1, as_json=False)
    assert "text.bpmn" in result.stderr
    assert "Nothing was deployed: 1 error." in result.stderr
    assert result.stdout == ""


def test_a_service_that_is_nearly_one_of_ours_is_refused_with_the_right_name(partitur, tmp_path):
    diagram = (EXAMPLE / "order-fulfilment.bpmn").read_text()
    (tmp_path / "typo.bpmn").write_text(diagram.replace('"reserve-inventory"', '"reserve-inventroy"'))
    refusal = partitur("deploy", tmp_path / "typo.bpmn", "--services", EXAMPLE, code=1)
    assert any("'reserve-inventory'" in problem["message"] for problem in refusal["details"])


def test_a_missing_file_is_a_sentence(partitur):
    assert partitur("deploy", "nowhere.bpmn", code=1)["error"].startswith("Expected to read nowhere.bpmn")


def test_an_instance_is_started_with_the_variables_of_a_file(partitur, tmp_path):
    partitur("deploy", EXAMPLE / "script-order.bpmn")
    (tmp_path / "order.json").write_text(json.dumps({"items": [{"quantity": 2, "unitPrice": 100}]}))
    key = partitur("start", "script-order", "--variables", f"@{tmp_path / 'order.json'}")["key"]
    shown = partitur("show", key)
    assert shown["row"]["state"] == "COMPLETED"
    assert {variable["name"]: variable["value"] for variable in shown["variables"]}["total"] == 200


def test_a_start_key_starts_once(partitur):
    partitur("deploy", EXAMPLE / "script-order.bpmn")
    options = ("--variables", '{"items": []}', "--start-key", "k")
    first, second = (partitur("start", "script-order", *options) for _ in "12")
    assert (first["created"], second["created"], first["key"]) == (True, False, second["key"])


@pytest.mark.parametrize("variables", ["{", "[1]", "@nowhere.json", '{"a": NaN}', '{"a": ' + "[" * 100_000])
def test_variables_that_are_no_object_are_refused(partitur, variables):
    assert "Expected" in partitur("start", "script-order", "--variables", variables, code=1)["error"]


def test_instances_are_found_by_what_they_are(partitur, waiting):
    partitur("start", "script-order", "--variables", '{"items": []}')

    def found(*options):
        return [row["key"] for row in partitur("instances", *options)["instances"]]

    assert len(found()) == 2
    for options in (("--state", "waiting"), ("--process", "order-fulfilment"), ("--element", "ReviewOrder"),
                    ("--business-id", "A-1"), ("--variable", "orderId=A-1"), ("--variable", "amount=1980"),
                    ("--variable", "orderId")):
        assert found(*options) == [waiting], options
    assert found("--state", "incident") == []
    assert found("--variable", "amount=1") == []


def test_an_unknown_state_is_refused_with_those_there_are(partitur):
    assert "stalled" in partitur("instances", "--state", "sleeping", code=1)["error"]


def test_the_list_tells_how_many_more_there_are(partitur):
    partitur("deploy", EXAMPLE / "script-order.bpmn")
    for _ in range(3):
        partitur("start", "script-order", "--variables", '{"items": []}')
    page = partitur("instances", "--limit", "1", "--offset", "1")
    assert (page["total"], len(page["instances"])) == (3, 1)
    assert "1 of 3" in partitur("instances", "--limit", "1", as_json=False).stdout


def test_show_draws_elements_variables_and_tasks_for_people(partitur, waiting):
    shown = partitur("show", waiting, as_json=False).stdout
    for text in ("Order fulfilment", "ReviewOrder", "user task", "waiting", "reviewers", "amount", "1980"):
        assert text in shown


def test_suspending_resuming_and_cancelling_are_audited_with_reason_and_name(partitur, waiting, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    partitur("suspend", waiting, "--reason", "lunch")
    assert partitur("instances", "--state", "suspended")["total"] == 1
    partitur("resume", waiting, "--reason", "back")
    partitur("cancel", waiting, "--reason", "customer left")
    shown = partitur("show", waiting)
    assert (shown["row"]["state"], shown["row"]["end_reason"]) == ("TERMINATED", "customer left")
    trail = [(row["operation"], row["reason"], row["actor"]) for row in shown["audit"] if row["reason"]]
    assert sorted(trail) == [("CANCEL", "customer left", "ada"), ("RESUME", "back", "ada"), ("SUSPEND", "lunch", "ada")]


@pytest.mark.parametrize("command", ["suspend", "resume", "cancel", "retry"])
def test_an_operation_without_reason_is_a_usage_error(partitur, waiting, command):
    partitur(command, waiting, code=2)


def test_an_operation_on_what_is_not_there_is_refused(partitur):
    assert "there is none" in partitur("cancel", 4711, "--reason", "x", code=1)["error"]
    assert "there is neither" in partitur("retry", 4711, "--reason", "x", code=1)["error"]


def test_a_failed_instance_is_listed_with_its_error_and_tried_again(partitur, tmp_path):
    # given an instance that finds no way out of its gateway
    (tmp_path / "gate.bpmn").write_text(NO_WAY_OUT)
    partitur("deploy", tmp_path / "gate.bpmn")
    key = partitur("start", "gate")["key"]
    [incident] = partitur("incidents")["incidents"]
    assert incident["instance_key"] == key
    assert incident["element_id"] in partitur("incidents", as_json=False).stdout

    # when it is tried again as it is
    assert partitur("retry", key, "--reason", "x")["resolved"] == [incident["key"]]

    # then it fails again, with a new incident
    [again] = partitur("incidents", "--instance", key)["incidents"]
    assert again["key"] != incident["key"]


def test_nothing_to_retry_is_said(partitur, waiting):
    assert "it has none" in partitur("retry", waiting, "--reason", "x", code=1)["error"]


def test_templates_are_written_for_each_service_and_dialect(partitur, tmp_path):
    files = partitur("templates", "sync", tmp_path / "templates", "--services", EXAMPLE)["files"]
    assert files
    assert all(json.loads(Path(file).read_text()) for file in files)


def test_services_that_cannot_be_loaded_are_a_sentence(partitur, tmp_path):
    assert "no_such_module" in partitur("templates", "sync", tmp_path, "--services", "no_such_module", code=1)["error"]
    assert "none was given" in partitur("templates", "sync", tmp_path, code=1)["error"]


def test_upgrade_sets_up_a_fresh_database_and_then_leaves_it_alone(partitur, data_dir):
    shutil.rmtree(data_dir)
    first, second = partitur("upgrade"), partitur("upgrade")
    assert first["before"] is None
    assert second["before"] == second["after"] == first["after"]


def test_upgrade_says_in_a_sentence_which_database_it_cannot_open(partitur, data_dir, monkeypatch):
    (data_dir / "partitur.db").write_text("This is no database, although it is called so.")
    assert partitur("upgrade", code=1)["error"].startswith("Expected to open the database sqlite:")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DATABASE_URL", f"postgresql://ann:secret@127.0.0.1:{nobody.getsockname()[1]}/none")
        said = partitur("upgrade", code=1)["error"]
    assert said.startswith("Expected to open the database postgresql://ann:…@127.0.0.1:")
    assert "refused" in said


def test_a_database_of_another_version_is_refused_by_every_command_and_by_the_doctor(partitur, tmp_path):
    import sqlite3

    partitur("upgrade")
    with sqlite3.connect(tmp_path / "data" / "partitur.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in ("instances", "upgrade"):
        error = partitur(command, code=1)["error"]
        assert "9999" in error
        assert "install the version that did" in error
    [failed] = [check for check in partitur("doctor", code=1)["checks"] if check["result"] == "failed"]
    assert failed["name"] == "Database"
    assert "9999" in failed["found"]
    assert "install the version" in failed["advice"]
    with sqlite3.connect(tmp_path / "data" / "partitur.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0003x'")
    assert "install the version that did" in partitur("upgrade", code=1)["error"]


def test_the_doctor_finds_a_data_directory_that_cannot_be(partitur, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    failed = {check["name"]: check for check in partitur("doctor", code=1)["checks"] if check["result"] == "failed"}
    assert "DATA_DIR" in failed["Disk"]["advice"]


def test_the_doctor_hides_the_password_of_the_database():
    from web.cli.settings import shown_url

    assert shown_url("postgresql://ada:secret@host/db") == "postgresql://ada:…@host/db"


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "postgresql://ada:secret@127.0.0.1:1/db"])
def test_a_database_that_cannot_be_opened_is_a_sentence_without_the_password(partitur, monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    sentence = partitur("instances", code=1)["error"]
    assert "Expected" in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(("name", "value"), [("PORT", "abc"), ("PORT", "70000"), ("TIME_ZONE", "Mars/Olympus"),
                                             ("TIME_ZONE", "../etc/passwd"), ("SQLITE_SYNCHRONOUS", "OFF; DROP")])
def test_a_setting_that_cannot_be_is_a_sentence(partitur, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert partitur("instances", code=1)["error"].startswith(f"Expected {name} to be")


def test_help_names_every_command(partitur):
    shown = CliRunner().invoke(app, ["--help"]).output
    for name in ("demo", "serve", "worker", "deploy", "start", "instances", "show", "incidents", "retry", "cancel",
                 "suspend", "resume", "doctor", "upgrade", "templates", "check", "effects", "decide", "hold",
                 "release"):
        assert name in shown


def test_an_unknown_command_is_a_usage_error():
    assert CliRunner().invoke(app, ["dance"]).exit_code == 2


def test_help_names_every_command_without_reading_the_engine():
    # given what each command says of itself, once its module is read
    told = {name: inspect.getdoc(command.callback).split("\n\n")[0]
            for name, command in get_command(app).commands.items()}

    # then the help of all has the same words from their sources
    assert {name: first_words(where) for name, where in COMMANDS.items()} == {
        name: " ".join(words.split()) for name, words in told.items()}
    script = "import sys; from web.cli import app; app(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert all(f"│ {name} " in shown for name in COMMANDS)
    assert "'engine" not in shown
    assert "sqlalchemy" not in shown
