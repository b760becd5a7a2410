"""What a task is called does not decide who does it: what was read from it does."""

from __future__ import annotations

from itertools import count

from bpmn.interpreter import Execution, compile_process
from bpmn.interpreter.journal import JobOpened
from tests.bpmn.diagrams import CAMUNDA_7, CAMUNDA_8, around, el, ext, model_of, task


def run(content: bytes) -> Execution:
    """An instance of the file's process, moved on until it waits."""
    keys = count(2)
    execution = Execution.start(compile_process(model_of(content).processes[0]), keys=keys, key=1, variables={"a": 1})
    execution.advance()
    return execution


def test_worker_may_do_a_script_task():
    # given
    script = task("A", ext(el("zeebe:taskDefinition", type="compute")), tag="scriptTask")

    # when
    execution = run(around(script, platform=CAMUNDA_8))

    # then
    assert [entry.type for entry in execution.journal if isinstance(entry, JobOpened)] == ["compute"]


def test_service_task_may_compute_an_expression():
    # when
    execution = run(around(
        task("A", tag="serviceTask", camunda__expression="${a + 1}", camunda__resultVariable="b"), platform=CAMUNDA_7
    ))

    # then
    assert execution.variables()["b"] == 2
