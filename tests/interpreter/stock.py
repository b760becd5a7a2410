"""SpiffWorkflow as it comes, to show that a hazard is one."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState


class Stock:
    """The library with its own parser, specs, workflow and script engine; `trace` is what scripts logged."""

    def __init__(self, *files: bytes) -> None:
        self.trace: list[Any] = []
        self.parsers = [BpmnParser() for _ in files]
        for parser, content in zip(self.parsers, files, strict=True):
            parser.add_bpmn_xml(etree.fromstring(content).getroottree())
        self.workflow: BpmnWorkflow

    def start(self, process_id: str = "P", called: str | None = None, **variables: Any) -> BpmnWorkflow:
        """Run an instance of a process of the first file, which may call one of the last."""
        first, last = self.parsers[0], self.parsers[-1]
        inside = first.get_subprocess_specs(process_id, require_call_activity_specs=False)
        if called is not None:
            inside = {**inside, called: last.get_spec(called), **last.get_subprocess_specs(called)}
        engine = PythonScriptEngine(environment=TaskDataEnvironment({"log": self.trace.append}))
        self.workflow = BpmnWorkflow(first.get_spec(process_id), inside, script_engine=engine)
        self.workflow.task_tree.data.update(variables)
        self.workflow.do_engine_steps()
        return self.workflow

    def done(self, element: str, **variables: Any) -> None:
        """Complete the user task at an element."""
        [task] = [t for t in self.workflow.get_tasks(state=TaskState.READY) if t.task_spec.name == element]
        task.data.update(variables)
        task.run()
        self.workflow.do_engine_steps()

    def reload(self) -> None:
        """Save the instance and take it up again."""
        serializer = BpmnWorkflowSerializer()
        self.workflow = serializer.deserialize_json(serializer.serialize_json(self.workflow))
