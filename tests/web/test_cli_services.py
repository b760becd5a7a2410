"""The commands about services: check, effects, decide, hold and release."""

from __future__ import annotations

import json
import shutil

import pytest

from engine import services
from engine.contracts import JobContract
from engine.engine import Engine
from engine.queries import drills as drill_lists
from engine.queries import lists
from engine.states import EffectState
from engine.work import activation, jobs
from tests.web.test_cli import EXAMPLE, NO_WAY_OUT, partitur

__all__ = ["partitur"]

SMALL_ORDER = {"orderId": "A-1", "items": [{"sku": "KB-104", "quantity": 1, "unitPrice": 9}]}
ORDER = EXAMPLE / "order-fulfilment.bpmn"


@pytest.fixture
def doubt(partitur, tmp_path):
    """An order whose reservation may have happened; the key of its incident."""
    partitur("deploy", EXAMPLE)
    partitur("start", "order-fulfilment", "--variables", json.dumps(SMALL_ORDER))
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
    [waiting] = lists.jobs(engine).items
    engine.contracts[waiting.type] = JobContract(repeatable=False)
    [job] = engine.execute(activation.activate, None, "w")
    engine.execute(jobs.fail, job.key, "The reply was lost.", retries=0, effect=EffectState.IN_DOUBT)
    [incident] = lists.incidents(engine).items
    engine.close()
    return str(incident.key)


def test_a_diagram_is_checked_against_the_services_without_a_database(partitur, data_dir):
    shutil.rmtree(data_dir)
    found = partitur("check", EXAMPLE, "--services", EXAMPLE, "--external-types", "none-*")
    assert (found["deployable"], found["errors"]) == (True, 0)
    assert not data_dir.exists()


def test_a_diagram_that_cannot_run_fails_the_check(partitur, tmp_path):
    broken = tmp_path / "broken.bpmn"
    broken.write_text(ORDER.read_text().replace("reserve-inventory", "reserve-inventry"))
    found = partitur("check", broken, "--services", EXAMPLE, code=1)
    assert found["deployable"] is False
    assert "Did you mean 'reserve-inventory'?" in str(found["problems"])


def test_strict_makes_warnings_refuse(partitur):
    assert partitur("check", ORDER)["warnings"] > 0
    assert partitur("check", ORDER, "--strict", code=1)["deployable"] is False


def test_a_check_is_readable(partitur, tmp_path):
    broken = tmp_path / "gate.bpmn"
    broken.write_text(NO_WAY_OUT.replace('sourceRef="decide"', 'sourceRef="nowhere"', 1))
    assert "Would be refused" in partitur("check", broken, code=1, as_json=False).output


def test_effects_are_listed_and_filtered(partitur, doubt):
    [effect] = partitur("effects", "--state", "in_doubt")["effects"]
    assert effect["effect"] == "IN_DOUBT"
    assert partitur("effects", "--state", "CONFIRMED")["total"] == 0
    assert partitur("effects", "--service", effect["service"], "--instance", effect["instance_key"])["total"] == 1


def test_a_call_in_doubt_is_decided_with_a_reason_and_not_retried(partitur, doubt):
    assert "in doubt" in partitur("retry", doubt, "--reason", "x", code=1)["error"]
    assert partitur("decide", doubt, "repeat", code=2).exit_code == 2
    assert "probe" in partitur("decide", doubt, "ask", "--reason", "x", code=1)["error"]
    partitur("decide", doubt, "happened", "--reason", "seen in the warehouse", "--variables", '{"reservationId": "R"}')
    [effect] = partitur("effects", "--state", "CONFIRMED")["effects"]
    assert effect["evidence"] == "seen in the warehouse"


def test_results_belong_to_what_happened_only(partitur, doubt):
    refused = partitur("decide", doubt, "repeat", "--reason", "x", "--variables", '{"a": 1}', code=1)
    assert "only for a call that happened" in refused["error"]


def test_only_a_service_that_something_knows_is_held(partitur):
    assert "knows 'release-inventry'" in partitur("hold", "release-inventry", "--reason", "down", code=1)["error"]
    partitur("deploy", EXAMPLE)
    refused = partitur("hold", "release-inventry", "--reason", "down", code=1)["error"]
    assert "Did you mean 'release-inventory'?" in refused
    assert partitur("effects")["held"] == []
    partitur("hold", "release-inventory", "--reason", "down")


def test_a_service_is_held_and_released(partitur, tmp_path):
    assert partitur("effects")["held"] == []
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
    engine.execute(services.publish, {"pay": JobContract()})
    engine.close()
    partitur("hold", "pay", "--reason", "down")
    assert partitur("effects")["held"][0]["reason"] == "down"
    assert "held" in partitur("effects", as_json=False).output
    assert "holds it already" in partitur("hold", "pay", "--reason", "down", code=1)["error"]
    partitur("release", "pay", "--reason", "up")
    assert partitur("effects")["held"] == []


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_strict_deployment_is_refused_for_a_warning(partitur, monkeypatch, how):
    options = ["--strict"] if how == "option" else []
    if how == "environment":
        monkeypatch.setenv("PARTITUR_STRICT", "on")

    refused = partitur("deploy", ORDER, *options, code=1)

    assert "0 errors, 5 warnings (strict: they refuse, too)" in refused["error"]
    assert partitur("check", ORDER, *options, code=1)["deployable"] is False
    monkeypatch.delenv("PARTITUR_STRICT", raising=False)
    assert partitur("deploy", ORDER)["problems"]


def test_strictness_is_the_server_s_own(partitur):
    refused = partitur("deploy", ORDER, "--strict", "--url", "http://x", code=1)
    assert "a server is strict or not by itself" in refused["error"]


def test_a_deployed_process_is_drilled_and_the_result_kept(partitur, tmp_path):
    partitur("deploy", EXAMPLE)

    found = partitur("drill", "order-fulfilment", "--services", EXAMPLE)

    assert (found["clean"], found["unreached"]) == (True, [])
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
    [row] = drill_lists.latest(engine, [int(found["definition_key"])]).values()
    assert (row.clean, row.failures, row.remained) == (True, 6, 0)
    assert drill_lists.report(engine, row.key)["trials"] == found["trials"]
    [entry] = lists.audit(engine, entity="DEFINITION").items
    assert entry.operation == "DRILL"
    engine.close()


def test_a_file_is_drilled_without_a_database_and_fails_when_something_is_left(
        partitur, data_dir, tmp_path):
    shutil.rmtree(data_dir)
    forgotten = tmp_path / "order.bpmn"
    forgotten.write_text(ORDER.read_text().replace(
        '<bpmn:compensateEventDefinition id="UndoOrderDefinition" />', ""))
    assert "UndoOrderDefinition" not in forgotten.read_text()

    found = partitur("drill", forgotten, "--services", EXAMPLE, code=1)

    assert found["clean"] is False
    left = {trial["code"]: [effect["service"] for effect in trial["remained"]] for trial in found["trials"]}
    assert left["NO_CARRIER"] == ["authorize-payment", "reserve-inventory"]
    assert not data_dir.exists()
    shown = partitur("drill", forgotten, "--services", EXAMPLE, code=1, as_json=False).output
    assert "2 left something undone" in shown


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["nobody"], 1, "neither"), (["a", "b"], 2, ""),
    ([ORDER, "--good-end", "Nowhere"], 1, "no element 'Nowhere'"),
    ([ORDER, "--results", '{"a": 1}'], 1, "to be an object"), ([ORDER, "--variables", "[]"], 1, "object"),
])
def test_a_drill_that_makes_no_sense_is_refused(partitur, arguments, code, said):
    answer = partitur("drill", *arguments, code=code, as_json=code != 2)
    assert said in str(answer["error"] if code == 1 else "")
