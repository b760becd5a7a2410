"""The decision requirement graph (DMN 1.5 §6): decisions, inputs, business knowledge, services, and who needs whom."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpmn.dmn.boxed import Boxes, convert
from bpmn.dmn.outcome import DecisionError
from bpmn.dmn.tables import Table
from bpmn.dmn.texts import from_text
from bpmn.dmn.xml import child, children, expression_of, name_of
from bpmn.feel.closures import Code
from bpmn.feel.scope import Local
from bpmn.feel.types import FunctionType, Type
from bpmn.feel.values import Function, Value
from bpmn.reading.nodes import DAYS, ZEEBE, Node, local_name

if TYPE_CHECKING:
    from bpmn.dmn.evaluation import Evaluation
    from bpmn.dmn.models import DecisionModel

_NOTHING: Mapping[str, Any] = {}
_KINDS = {"decisionTable": "DECISION_TABLE", "literalExpression": "LITERAL_EXPRESSION"}
_CAMUNDA_VERSION_TAG = "{http://camunda.org/schema/1.0/dmn}versionTag"
_CAMUNDA_HISTORY = "{http://camunda.org/schema/1.0/dmn}historyTimeToLive"


@dataclass(frozen=True, slots=True)
class Required:
    """An element that another one needs; `alias` is the import that it comes from, if it does."""

    element: Element
    alias: str | None


class Element(ABC):
    """A named part of the graph. `key` tells it from those of other models."""

    def __init__(self, node: Node, model: DecisionModel) -> None:
        self.node = node
        self.model = model
        self.id = node.get("id") or name_of(node)
        self.name = name_of(node)
        self.key = (model.namespace, self.id)
        self.requires: tuple[Required, ...] = ()
        variable = child(node, "variable")
        self._reference = None if variable is None else variable.get("typeRef")
        self.problem: str | None = None
        """Why it cannot be evaluated."""

    @property
    def boxes(self) -> Boxes:
        """The compiler for its model's expressions."""
        return self.model.boxes

    @property
    def type(self) -> Type | None:
        """The type that its variable declares."""
        return None if self._reference is None else self.model.types.find(self._reference)

    def compile(self) -> None:  # noqa: B027 - most elements have nothing to prepare
        """Prepare the element, once all models are linked; its boxes note what fails."""

    @abstractmethod
    def value(self, run: Evaluation) -> Value:
        """Its value in an evaluation. Raises DecisionError."""

    def known_names(self) -> tuple[str, ...]:
        """The names that its expressions may use."""
        names: list[str] = []
        for required in self.requires:
            names += [required.alias] if required.alias else required.element.names()
        return tuple(dict.fromkeys(names))

    def names(self) -> list[str]:
        """What others may call it."""
        return [self.name]

    def scope(self, run: Evaluation, outer: Mapping[str, Any]) -> Local:
        """The values of what it requires, over an outer scope."""
        scope = Local(outer)
        for required in self.requires:
            value = run.value_of(required.element)
            if required.alias:
                scope[required.alias] = {**scope.get(required.alias, {}), required.element.name: value}
            else:
                required.element.publish(scope, value)
        return scope

    def publish(self, scope: Local, value: Value) -> None:
        """Make its value known to what requires it."""
        scope[self.name] = value


class InputData(Element):
    """A value from outside."""

    def value(self, run: Evaluation) -> Value:
        return convert(from_text(run.input(self), self.type), self.type)


class Decision(Element):
    """A decision: `table` if it is a decision table, else only `code`."""

    def __init__(self, node: Node, model: DecisionModel) -> None:
        super().__init__(node, model)
        self.table: Table | None = None
        self.code: Code | None = None

        expression = expression_of(node)
        self.kind = _KINDS.get("" if expression is None else local_name(expression), "UNKNOWN")
        """Camunda 8's word for its kind of logic."""

    @property
    def version_tag(self) -> str | None:
        """The version tag that the Modeler gave it, in either dialect."""
        extension = self.node.find(f"{{*}}extensionElements/{ZEEBE}versionTag")
        return self.node.get(_CAMUNDA_VERSION_TAG) if extension is None else extension.get("value")

    @property
    def history_ttl(self) -> str:
        """For how long its author wants kept what it said, as it is written; empty if it is not."""
        return self.node.get(_CAMUNDA_HISTORY) or ""

    @property
    def history_ttl_days(self) -> int | None:
        """The same in days (Camunda 7 manual, "History Time To Live"); None too if it is none that can be read."""
        match = DAYS.match(self.history_ttl)
        return int(match.group(1) or match.group(2)) if match else None

    def names(self) -> list[str]:
        """Its name, its variable's, and (as Camunda has it) its id; in Camunda 7 its output columns too."""
        variable = child(self.node, "variable")
        names = [self.name, name_of(variable) if variable is not None else "", self.id]
        if self.model.is_camunda7 and self.table is not None and self.table.policy not in ("COLLECT", "RULE ORDER"):
            names += [output.name for output in self.table.outputs]
        return list(dict.fromkeys(filter(None, names)))

    def publish(self, scope: Local, value: Value) -> None:
        for name in self.names()[::-1]:
            scope[name] = value
        if self.model.is_camunda7 and self.table is not None and isinstance(value, dict):
            scope.update(value)

    def compile(self) -> None:
        expression = expression_of(self.node)
        if expression is None:
            return
        if local_name(expression) == "decisionTable":
            self.table = Table(expression, self.known_names(), self.boxes)
        else:
            self.code = self.boxes.compile(expression, self.known_names())

    def value(self, run: Evaluation) -> Value:
        if self.problem is not None:
            raise DecisionError(self.problem, self.id)
        overridden, value = run.override(self)
        if overridden:
            return convert(value, self.type)
        scope = self.scope(run, run.variables)
        hits = self.table.evaluate(scope) if self.table is not None else None
        if hits is not None:
            value = hits.value
        elif self.code is not None:
            value = self.code(scope)
        value = convert(value, self.type)
        run.record(self, value, hits)
        return value


class Knowledge(Element):
    """A business knowledge model: a function."""

    def __init__(self, node: Node, model: DecisionModel) -> None:
        super().__init__(node, model)
        self.code: Code | None = None

    def compile(self) -> None:
        logic = child(self.node, "encapsulatedLogic")
        if logic is not None:
            self.code = self.boxes.function(logic, (*self.known_names(), self.name))

    def value(self, run: Evaluation) -> Value:
        if self.problem is not None:
            raise DecisionError(self.problem, self.id)
        if self.code is None:
            return None
        scope = Local(_NOTHING)
        function = self.code(scope)
        if type(function) is Function:
            function.name = self.name
            kind = self.type
            function.result = kind.result if isinstance(kind, FunctionType) else _function_result(kind)
        # It knows itself, so that it can call itself, and what it requires.
        run.remember(self, function)
        scope[self.name] = function
        scope.update(self.scope(run, _NOTHING))
        return function


def _function_result(kind: Type | None) -> Type | None:
    base = getattr(kind, "base", None)
    return base.result if isinstance(base, FunctionType) else kind


class Service(Element):
    """A decision service: a function of its input decisions and input data (DMN 1.5 §6.3.10 and §10.4)."""

    def __init__(self, node: Node, model: DecisionModel) -> None:
        super().__init__(node, model)
        self.inputs: Sequence[Element] = ()
        self.outputs: Sequence[Element] = ()

    def link(self) -> None:
        """Find its inputs and outputs."""
        self.inputs = [self.model.resolve(reference).element for tag in ("inputData", "inputDecision")
                       for reference in children(self.node, tag)]
        self.outputs = [self.model.resolve(reference).element for reference in children(self.node, "outputDecision")]

    def value(self, run: Evaluation) -> Value:
        names = [element.name for element in self.inputs]
        return Function(names, lambda arguments: self.run(run, dict(zip(names, arguments, strict=True))), self.name,
                        types=[element.type for element in self.inputs])

    def run(self, outer: Evaluation, arguments: Mapping[str, Value]) -> Value:
        """The output for these arguments: one value, or a context if there are several output decisions."""
        run = outer.inner()
        for element in self.inputs:
            run.remember(element, convert(arguments.get(element.name), element.type))
        values = {element.name: run.value_of(element) for element in self.outputs}
        value = next(iter(values.values())) if len(values) == 1 else values
        kind = self.type
        return convert(value, kind.result if isinstance(kind, FunctionType) else _function_result(kind))
