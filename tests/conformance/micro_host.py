"""Runs the micro diagrams on the interpreter alone: instances in a list, messages and timers in memory.

Their script tasks hold a little Python for the test to run: each becomes a job, worked on at once by `Host`.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from lxml import etree

from bpmn import parser
from bpmn.interpreter import Execution, compile_process, journal
from bpmn.model import EventKind
from tests.conformance.micro_clock import next_times

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
SCRIPT = "script:"


class BpmnError(Exception):
    """Raised by a script task of the micro diagrams."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Message:
    name: str
    payload: dict[str, Any]
    kind: str = "MESSAGE"


@dataclass
class Signal(Message):
    kind: str = "SIGNAL"


def as_jobs(xml: str) -> bytes:
    """The diagram with its Python script tasks as jobs of type `script:<code>`, in the dialect it is drawn in."""
    try:
        root = etree.fromstring(xml.encode())
    except etree.XMLSyntaxError:
        return xml.encode()
    body = re.sub(r"xmlns:\w+=\"[^\"]*\"", "", xml)
    zeebe = "zeebe:" in body
    for task in list(root.iter(f"{{{BPMN}}}scriptTask")):
        if task.get("scriptFormat") != "python":
            continue
        script = task.find(f"{{{BPMN}}}script")
        job_type = SCRIPT + base64.b32encode((script.text or "").encode()).decode()
        task.remove(script)
        task.tag = f"{{{BPMN}}}serviceTask"
        del task.attrib["scriptFormat"]
        if zeebe:
            extensions = task.find(f"{{{BPMN}}}extensionElements")
            if extensions is None:
                extensions = etree.Element(f"{{{BPMN}}}extensionElements")
                task.insert(0, extensions)
            etree.SubElement(extensions, f"{{{ZEEBE}}}taskDefinition", type=job_type)
        else:
            task.set(f"{{{CAMUNDA}}}type", "external")
            task.set(f"{{{CAMUNDA}}}topic", job_type)
    text = etree.tostring(root)
    return xml.encode() if "<!DOCTYPE" in xml else text


@dataclass
class Wait:
    """Something open: a job, a user task, a timer, a subscription or a call."""

    entry: Any
    due: list[datetime] = field(default_factory=list)


class Instance:
    def __init__(self, host: Host, process_id: str, run: Execution, caller: tuple[Instance, int] | None) -> None:
        self.host, self.process_id, self.run, self.caller = host, process_id, run, caller
        self.waits: dict[int, list[Wait]] = {}
        self.values: dict[int, dict[str, Any]] = {}
        self.incidents: dict[int, str] = {}
        self.calls: dict[int, Instance] = {}
        self.error = None

    @property
    def wf(self) -> Any:
        """What the micro drivers look at of SpiffWorkflow's workflow."""
        from SpiffWorkflow.util.task import TaskState

        open_tasks = [SimpleNamespace(task_spec=SimpleNamespace(name=w.entry.element.id), state=TaskState.READY)
                      for waits in self.waits.values() for w in waits if isinstance(w.entry, journal.UserTaskOpened)]
        return SimpleNamespace(all_tasks=lambda: open_tasks, subprocesses={})


class Host:
    """`h` of the micro drivers. With `reload` every instance is dumped, dropped and loaded between all steps."""

    def __init__(self, reload: bool = False) -> None:
        self.reload = reload
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.trace: list[Any] = []
        self.programs: dict[str, Any] = {}
        self.instances: list[Instance] = []
        self.keys = itertools.count(1000)
        self.starts: list[list[Any]] = []
        self.final: Any = None
        self.verbose = False
        self.mid: list[str] = []

    # -- what the drivers call
    def deploy(self, xml: str) -> None:
        model = parser.parse(as_jobs(xml), "micro.bpmn")
        for process in model.processes:
            self.programs[process.id] = compile_process(process)

    def start(self, process_id: str, start_id: str | None = None, **variables: Any) -> Instance:
        instance = self._new(process_id, variables, start_id)
        self._settle(instance)
        return instance

    def start_timers(self) -> None:
        for process_id, program in self.programs.items():
            for node in program.spec.task_specs.values():
                for event in node.element.events:
                    if node.element.type == "START_EVENT" and event.kind == EventKind.TIMER:
                        due = next_times(event.timer_kind, str(event.timer.evaluate({})), self.now)
                        self.starts.append([process_id, node.element.id, due])

    def deliver(self, event: Message) -> None:
        self._publish(event.kind, event.name, event.payload, None)

    def correlate(self, name: str, key: Any = None, **payload: Any) -> None:
        self._publish("MESSAGE", name, payload, None if key is None else str(key))

    def complete(self, instance: Instance, token: int, variables: dict[str, Any]) -> None:
        self._closed(instance, token)
        instance.run.complete(token, json.loads(json.dumps(variables)))
        self._settle(instance)

    def complete_all(self, instance: Instance) -> None:
        for token, waits in list(instance.waits.items()):
            for wait in waits:
                if isinstance(wait.entry, journal.JobOpened) and not wait.entry.type.startswith(SCRIPT):
                    self.complete(instance, token, {})

    def set_vars(self, instance: Instance, **variables: Any) -> None:
        instance.run.set_variables(instance.run.key, variables)
        self._settle(instance)

    def wait(self, milliseconds: float, step: float = 1.0) -> None:
        end = self.now + timedelta(milliseconds=milliseconds)
        while self.now <= end:
            self.now += timedelta(seconds=step)
            for start in self.starts:
                while start[2] and start[2][0] <= self.now:
                    start[2].pop(0)
                    self.start(start[0], start[1])
            while self._fire_one_timer():
                pass

    def state(self, instance: Instance) -> str:
        if instance.incidents:
            return "incident: " + "; ".join(instance.incidents.values())
        return "completed" if instance.run.state != "ACTIVE" else "open: " + str(instance.run.open_tokens())

    @property
    def incidents(self) -> list[tuple[str, Exception]]:
        return [(i.process_id, Exception(text)) for i in self.instances for text in i.incidents.values()]

    def drain(self, instance: Instance) -> None:
        self._settle(instance)

    def route(self) -> None:
        """Messages are delivered as they are thrown."""

    # -- inside
    def _new(self, process_id: str, variables: dict[str, Any], start_id: str | None = None,
             caller: tuple[Instance, int] | None = None) -> Instance:
        run = Execution.start(self.programs[process_id], key=next(self.keys), keys=self.keys, variables=variables,
                              start_event=start_id, has_caller=caller is not None, decide=decide)
        instance = Instance(self, process_id, run, caller)
        self.instances.append(instance)
        return instance

    def _fire_one_timer(self) -> bool:
        for instance in self.instances:
            for token, waits in list(instance.waits.items()):
                for wait in waits:
                    if wait.due and wait.due[0] <= self.now:
                        wait.due.pop(0)
                        if not wait.due:
                            waits.remove(wait)
                        instance.run.trigger(token, wait.entry.index)
                        self._settle(instance)
                        return True
        return False

    def _closed(self, instance: Instance, token: int) -> None:
        instance.waits.pop(token, None)

    def _settle(self, instance: Instance) -> None:
        while True:
            if self.reload:
                self._reload(instance)
            instance.run.advance()
            thrown = self._read_journal(instance)
            self._save(instance)
            if not thrown and not self._work(instance):
                return
            for entry in thrown:
                self._thrown(instance, entry)

    def _save(self, instance: Instance) -> None:
        changes = instance.run.changes()
        for scope, name, value in changes.set:
            instance.values.setdefault(scope, {})[name] = json.loads(json.dumps(value))
        for scope in changes.ended:
            instance.values.pop(scope, None)

    def _reload(self, instance: Instance) -> None:
        run = instance.run
        if run.state != "ACTIVE":
            return
        self._save(instance)
        tokens = run.dump()
        rows = [(scope, name, value) for scope, names in instance.values.items() for name, value in names.items()]
        entries = list(run.journal)
        fresh = Execution.load(run.program, tokens, rows, key=run.key, keys=self.keys,
                               has_caller=instance.caller is not None, decide=decide)
        assert fresh.dump() == tokens
        fresh.journal.extend(entries)
        instance.run = fresh

    def _read_journal(self, instance: Instance) -> list[Any]:
        thrown = []
        for entry in instance.run.journal:
            match entry:
                case journal.JobOpened() | journal.UserTaskOpened() | journal.SubscriptionOpened():
                    instance.waits.setdefault(entry.key, []).append(Wait(entry))
                case journal.TimerOpened():
                    due = next_times(entry.kind, entry.text, self.now)
                    instance.waits.setdefault(entry.key, []).append(Wait(entry, due if entry.repeats else due[:1]))
                case journal.WaitClosed():
                    self._closed(instance, entry.key)
                    child = instance.calls.pop(entry.key, None)
                    if child is not None and child.run.state == "ACTIVE":
                        child.run.cancel()
                        self._read_journal(child)
                case journal.Failed():
                    instance.incidents[entry.key] = entry.message
                case journal.Recovered():
                    instance.incidents.pop(entry.key, None)
                case journal.CallOpened() | journal.Thrown() | journal.Completed() | journal.ErrorEscaped() \
                        | journal.EscalationEscaped():
                    thrown.append(entry)
        instance.run.journal.clear()
        return thrown

    def _thrown(self, instance: Instance, entry: Any) -> None:
        match entry:
            case journal.CallOpened():
                if entry.process_id not in self.programs:
                    instance.run.fail(entry.key, "CALLED_ELEMENT_ERROR", f"no process {entry.process_id}")
                    self._settle(instance)
                    return
                child = self._new(entry.process_id, dict(entry.variables), caller=(instance, entry.key))
                instance.calls[entry.key] = child
                self._settle(child)
            case journal.Thrown():
                self._publish(entry.kind, entry.name, dict(entry.variables), entry.correlation_key, instance)
            case journal.Completed() if instance.caller is not None:
                parent, token = instance.caller
                parent.calls.pop(token, None)
                parent.run.complete(token, instance.run.variables())
                self._settle(parent)
            case journal.ErrorEscaped():
                assert instance.caller is not None
                parent, token = instance.caller
                parent.calls.pop(token, None)
                parent.run.throw_error(token, entry.code, entry.message, entry.variables)
                self._settle(parent)
            case journal.EscalationEscaped() if instance.caller is not None:
                parent, token = instance.caller
                parent.run.throw_escalation(token, entry.code)
                self._settle(parent)

    def _work(self, instance: Instance) -> bool:
        for token, waits in list(instance.waits.items()):
            for wait in waits:
                if isinstance(wait.entry, journal.JobOpened) and wait.entry.type.startswith(SCRIPT):
                    self._closed(instance, token)
                    self._run_script(instance, token, wait.entry)
                    return True
        return False

    def _run_script(self, instance: Instance, token: int, entry: journal.JobOpened) -> None:
        code = base64.b32decode(entry.type.removeprefix(SCRIPT)).decode()
        variables = instance.run.variables(token)
        before = json.dumps(variables)
        names: dict[str, Any] = {
            "log": lambda *values: self.trace.append(" ".join(str(v) for v in values)), "BpmnError": BpmnError}
        scope = dict(variables)
        try:
            exec(code, names, scope)
        except BpmnError as error:
            instance.run.throw_error(token, error.code)
            return
        except Exception as error:
            instance.run.fail(token, "JOB_NO_RETRIES", str(error))
            return
        old = json.loads(before)
        for name in [n for n in old if n not in scope]:
            self._delete(instance, token, name)
        instance.run.complete(token, {n: v for n, v in scope.items() if n not in old or old[n] != v})

    def _delete(self, instance: Instance, token: int, name: str) -> None:
        scope = instance.run.workflow.index[token].scope
        while scope is not None:
            dict.pop(scope, name, None)
            scope = scope.up
        for values in instance.values.values():
            values.pop(name, None)

    def _publish(self, kind: str, name: str, payload: dict[str, Any], key: str | None,
                 source: Instance | None = None) -> None:
        for instance in list(self.instances):
            if (kind == "SIGNAL" and instance is source) or instance.run.state != "ACTIVE":
                continue
            hits = [(token, wait) for token, waits in instance.waits.items() for wait in waits
                    if isinstance(wait.entry, journal.SubscriptionOpened) and wait.entry.kind == kind
                    and wait.entry.name == name
                    and (key is None or wait.entry.correlation_key in (None, key))]
            for token, wait in hits[:1] if kind == "MESSAGE" else hits:
                if token not in instance.run.workflow.index:
                    continue
                if wait.entry.interrupting:
                    instance.waits[token] = [w for w in instance.waits.get(token, []) if w is not wait]
                instance.run.trigger(token, wait.entry.index, payload)
            if hits:
                self._settle(instance)
                if kind == "MESSAGE":
                    return
        for process_id, program in self.programs.items():
            for node in program.spec.task_specs.values():
                for event in node.element.events if node.element.type == "START_EVENT" else ():
                    if event.kind == kind and event.name.evaluate({}) == name:
                        self._settle(self._new(process_id, payload, node.element.id))


def decide(called: Any, decision_id: str, variables: dict[str, Any], token: int) -> Any:
    """The micro diagrams only ask that the decision is evaluated, not what it says."""
    return None


def done(host: Host, instance: Instance, name: str, **data: Any) -> None:
    """Complete the first open job or user task at the element `name`."""
    for token, waits in instance.waits.items():
        for wait in waits:
            if wait.entry.element.id == name and isinstance(wait.entry, journal.JobOpened | journal.UserTaskOpened):
                host.complete(instance, token, data)
                return
    raise AssertionError(f"nothing open at {name}")
