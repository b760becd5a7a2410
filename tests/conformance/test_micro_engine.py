"""The 192 small diagrams on the whole engine, kept in memory and reloaded from the database at every transaction."""

from __future__ import annotations

import pytest

from tests.conformance import engine_host
from tests.conformance.test_micro import CASES, MODULE

INTERPRETER_ONLY = {
    "scope_delete_var": "a job's answer cannot delete a variable; tests/conformance/test_micro.py runs it",
}

STUCK = {"and_join_two_tokens_same_flow", "and_join_extra_token_late", "receive_task_no_msg"}
"""What they draw waits for ever: a join whose other token never comes, a receive task without a message."""


@pytest.mark.skipif(not CASES, reason="the micro diagrams are not on this machine (../shared/conformance)")
@pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.breaks_database("the diagram waits for ever by design")) if name in STUCK
    else name for name in CASES if name not in INTERPRETER_ONLY])
def test_diagram_runs_as_camunda_runs_it(name, reload, sqlite_url, monkeypatch):
    case = CASES[name]
    monkeypatch.setattr(MODULE, "done", engine_host.done)
    host = engine_host.EngineHost(sqlite_url, reload)
    try:
        found, why = MODULE.run_case(case, lambda: host)
        assert MODULE.judge(case, found, why), (
            f"expected {case['expect']}, got {host.trace} {why} "
            f"{host.final or [host.state(i) for i in host.instances]}")
    finally:
        host.engine.close()
