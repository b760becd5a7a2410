"""What an operator does to one instance by Camunda's own interfaces leaves a report, as by a dialog of the console."""

from __future__ import annotations

from engine.queries import operations
from tests.web.doors import ACTS, World

KINDS = {
    "camunda8.cancel": "CANCEL", "camunda8.modify": "MODIFY", "camunda8.migrate": "MIGRATE",
    "camunda8.resolve_incident": "RETRY", "camunda8.resolve_incidents": "RETRY",
    "camunda7.delete_instance": "CANCEL", "camunda7.suspend_instance": "SUSPEND", "camunda7.modify": "MODIFY",
    "camunda7.execute": "MIGRATE", "camunda7.execute_job": "RETRY", "camunda7.set_job_retries": "RETRY",
    "camunda7.resolve_incident": "RETRY",
}


def test_acts_by_camundas_interfaces_are_planned_applied_and_reported(app, engine):
    world = World(app, engine)
    for endpoint, kind in KINDS.items():
        before = operations.operations(engine).total
        response = ACTS[endpoint](world)
        assert response.status_code in (200, 204), (endpoint, response.text)
        rows = operations.operations(engine)
        assert rows.total == before + 1, endpoint
        row = rows.items[0]
        assert (row.kind, row.total) == (kind, 1), endpoint
        assert "REST" in row.author, endpoint
        assert "through the REST interface" in row.reason, endpoint
        [item] = operations.items(engine, row.key).items
        assert item.changes, endpoint
        # one that fails again at once says so
        assert item.state in ("FIXED", "FAILED_AGAIN", "WATCHING"), endpoint


def test_what_is_refused_leaves_no_report(app, engine):
    world = World(app, engine)
    key = world.work()
    assert world.v2("POST", f"/process-instances/{key}/cancellation").status_code == 204
    before = operations.operations(engine).total
    assert world.v2("POST", f"/process-instances/{key}/cancellation").status_code == 409
    assert world.v2("POST", "/incidents/9/resolution").status_code == 404
    assert world.c7("DELETE", "/incident/9").status_code == 404
    assert world.v2("POST", f"/process-instances/{key}/modification", {
        "activateInstructions": [{"elementId": "look"}]}).status_code == 409
    assert operations.operations(engine).total == before
