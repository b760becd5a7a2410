"""192 small diagrams, each with what Camunda does with it; also saved, dropped and loaded between all steps."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from SpiffWorkflow.util.task import TaskState

from tests.conformance import micro_host

MICRO = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "micro"


def load() -> Any:
    """The diagrams and their drivers, bound to our host; None if they are not on this machine."""
    if not MICRO.is_dir():
        return None
    adapter = types.ModuleType("adapter")
    vars(adapter).update(TaskState=TaskState, BpmnEvent=None, MessageEventDefinition=None, SignalEventDefinition=None)
    sys.modules["adapter"] = adapter
    sys.path.insert(0, str(MICRO))
    try:
        import micro
    finally:
        sys.path.remove(str(MICRO))
    vars(micro).update(done=micro_host.done, M=lambda name, **payload: micro_host.Message(name, payload),
                       S=lambda name, **payload: micro_host.Signal(name, payload))
    return micro


MODULE = load()
CASES = {case["name"]: case for case in MODULE.CASES} if MODULE else {}


@pytest.mark.skipif(not CASES, reason="the micro diagrams are not on this machine (../shared/conformance)")
@pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])
@pytest.mark.parametrize("name", CASES)
def test_diagram_runs_as_camunda_runs_it(name: str, reload: bool) -> None:
    case = CASES[name]
    host, why = MODULE.run_case(case, lambda: micro_host.Host(reload))
    assert MODULE.judge(case, host, why), (
        f"expected {case['expect']}, got {host.trace} {why} {host.final or [host.state(i) for i in host.instances]}")
