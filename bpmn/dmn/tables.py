"""Decision tables (DMN 1.5 §8): compiled once, evaluated rule by rule, with the rules that matched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bpmn.dmn.texts import from_text
from bpmn.dmn.xml import child, children, name_of, text_of
from bpmn.feel import functions
from bpmn.feel.closures import Code, Scope
from bpmn.feel.errors import FeelError
from bpmn.feel.library import BUILTINS
from bpmn.feel.limits import spend, warn
from bpmn.feel.operations import equal
from bpmn.feel.program import Tests
from bpmn.feel.types import Type
from bpmn.feel.values import Value, show
from bpmn.reading.nodes import Node

if TYPE_CHECKING:
    from bpmn.dmn.boxed import Boxes

Names = tuple[str, ...]
_AGGREGATORS = {"SUM": "sum", "MIN": "min", "MAX": "max", "COUNT": "count"}
_SINGLE = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})
HIT_POLICIES = {"U": "UNIQUE", "A": "ANY", "F": "FIRST", "P": "PRIORITY", "C": "COLLECT", "O": "OUTPUT ORDER",
                "R": "RULE ORDER", **{name: name for name in (*_SINGLE, "COLLECT", "OUTPUT ORDER", "RULE ORDER")}}


class UniqueViolated(FeelError):
    """Several rules match although the hit policy allows one."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input column."""

    id: str
    name: str
    text: str
    code: Code
    type: Type | None
    values: Tests | None
    names: frozenset[str]
    """The variables that it reads."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output column; `values` are the allowed values in order of priority."""

    id: str
    name: str
    type: Type | None
    values: Tests | None
    ranks: Sequence[Value] | None
    default: Code | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: tests that are not `-` by their column, and an expression for each output."""

    id: str
    index: int
    cells: tuple[Tests, ...]
    tests: tuple[tuple[int, Tests], ...]
    outputs: tuple[Code, ...]


@dataclass(slots=True)
class Hits:
    """What came of a table: its value, the inputs' values, and the rules that matched with their outputs' values."""

    value: Value = None
    inputs: list[Value] = field(default_factory=list)
    rules: list[tuple[Rule, list[Value]]] = field(default_factory=list)


class Table:
    """One decision table."""

    def __init__(self, node: Node, names: Names, boxes: Boxes) -> None:
        self.id = node.get("id") or ""
        self.policy = HIT_POLICIES.get((node.get("hitPolicy") or "UNIQUE").upper(), "UNIQUE")
        self.aggregator = _AGGREGATORS.get(node.get("aggregation") or "")
        self.inputs = [_read_input(column, names, boxes) for column in children(node, "input")]
        self.outputs = [_read_output(column, names, boxes) for column in children(node, "output")]
        self.rules = [_read_rule(row, index, names, boxes) for index, row in enumerate(children(node, "rule"), 1)]
        self._check_shape(node, boxes)

    def _check_shape(self, node: Node, boxes: Boxes) -> None:
        """Each rule has a cell for each column (DMN 1.5 §8.2.11); what a ragged one means nobody can tell."""
        for rule, row in zip(self.rules, children(node, "rule"), strict=True):
            for kind, cells, columns in (("input", rule.cells, self.inputs), ("output", rule.outputs, self.outputs)):
                if len(cells) != len(columns):
                    boxes.refuse(f"Expected {len(columns)} {kind} entries in rule {rule.index}, one for each column, "
                                 f"but it has {len(cells)}.", row)

    def evaluate(self, scope: Scope) -> Hits:
        """Apply the table. Raises UniqueViolated, and FeelError if a budget runs out."""
        hits = Hits()
        if self._read_inputs(scope, hits):
            self._match(scope, hits)
        results = [self._result(values) for _, values in hits.rules]
        hits.value = self._no_hit(scope) if not results else _POLICIES[self.policy](self, results)
        return hits

    def _read_inputs(self, scope: Scope, hits: Hits) -> bool:
        """Evaluate the input columns; False if a value is not allowed."""
        allowed = True
        for column in self.inputs:
            value = column.code(scope)
            if column.type is not None and value is not None:
                value = column.type.convert(from_text(value, column.type))
            hits.inputs.append(value)
            if value is not None and column.values is not None and not _allows(column.values, scope, value):
                warn(f"Expected an allowed value of the input `{column.name}`, but it is {show(value, True)[:60]}.")
                allowed = False
        return allowed

    def _match(self, scope: Scope, hits: Hits) -> None:
        values = hits.inputs
        first_only = self.policy == "FIRST"
        spend(len(self.rules))
        for rule in self.rules:
            for column, tests in rule.tests:
                if not tests.passes(scope, values[column]):
                    break
            else:
                hits.rules.append((rule, [self._output(index, code(scope)) for index, code in enumerate(rule.outputs)]))
                if first_only:
                    return

    def _output(self, index: int, value: Value) -> Value:
        kind = self.outputs[index].type if index < len(self.outputs) else None
        return value if kind is None or value is None else kind.convert(value)

    def _result(self, values: list[Value]) -> Value:
        if len(self.outputs) == 1:
            return values[0]
        return {column.name: value for column, value in zip(self.outputs, values, strict=False)}

    def _no_hit(self, scope: Scope) -> Value:
        if any(column.default is not None for column in self.outputs):
            return self._result([None if column.default is None else column.default(scope) for column in self.outputs])
        return None if self.policy in _SINGLE or self.aggregator else []

    def unique(self, results: list[Value]) -> Value:
        """UNIQUE: one rule, or it is an error of the model."""
        if len(results) > 1:
            raise UniqueViolated(f"Expected one rule to match under the hit policy UNIQUE, but {len(results)} match.")
        return results[0]

    def any(self, results: list[Value]) -> Value:
        """ANY: all rules that match give the same."""
        if not all(equal(result, results[0]) is True for result in results[1:]):
            raise UniqueViolated("Expected all matching rules to give the same under the hit policy ANY, "
                                 "but they give different results.")
        return results[0]

    def first(self, results: list[Value]) -> Value:
        """FIRST: the first rule that matches."""
        return results[0]

    def priority(self, results: list[Value]) -> Value:
        """PRIORITY: the result that stands first in the output values."""
        return min(results, key=self._rank)

    def output_order(self, results: list[Value]) -> Value:
        """OUTPUT ORDER: all, in the order of the output values."""
        return sorted(results, key=self._rank)

    def collect(self, results: list[Value]) -> Value:
        """COLLECT and RULE ORDER: all, or what the aggregator makes of them."""
        if self.aggregator is None:
            return results
        return functions.call(BUILTINS[self.aggregator], [results])

    def _rank(self, result: Value) -> list[int]:
        ranks: list[int] = []
        for column in self.outputs:
            value = result if len(self.outputs) == 1 else result.get(column.name)
            if column.ranks is not None:
                ranks.append(next((place for place, known in enumerate(column.ranks) if equal(value, known) is True),
                                  len(column.ranks)))
        return ranks


_POLICIES: Mapping[str, Callable[[Table, list[Value]], Value]] = {
    "UNIQUE": Table.unique,
    "ANY": Table.any,
    "FIRST": Table.first,
    "PRIORITY": Table.priority,
    "COLLECT": Table.collect,
    "RULE ORDER": Table.collect,
    "OUTPUT ORDER": Table.output_order,
}


def _allows(tests: Tests, scope: Scope, value: Value) -> bool:
    return tests.passes(scope, value) or (type(value) is list and all(tests.passes(scope, item) for item in value))


def _values(node: Node | None, names: Names, boxes: Boxes) -> Tests | None:
    text = text_of(node)
    return boxes.tests(text, names, node) if node is not None and text else None


def _read_input(node: Node, names: Names, boxes: Boxes) -> Input:
    expression = child(node, "inputExpression")
    text = text_of(expression)
    kind = boxes.types.find(expression.get("typeRef")) if expression is not None else None
    program = boxes.program(text, names, expression) if expression is not None and text else None
    return Input(node.get("id") or "", node.get("label") or text, text,
                 (lambda scope: None) if program is None else program.evaluate_feel, kind,
                 _values(child(node, "inputValues"), names, boxes), frozenset() if program is None else program.names)


def _read_output(node: Node, names: Names, boxes: Boxes) -> Output:
    values = child(node, "outputValues")
    default = child(node, "defaultOutputEntry")
    ranks: Value = None
    if values is not None and text_of(values):
        ranks = boxes.feel(f"[{text_of(values)}]", names, values)({})
    return Output(node.get("id") or "", name_of(node), boxes.types.find(node.get("typeRef")),
                  _values(values, names, boxes), ranks,
                  boxes.literal(default, names) if default is not None and text_of(default) else None)


def _read_rule(node: Node, index: int, names: Names, boxes: Boxes) -> Rule:
    cells = tuple(boxes.tests(text_of(cell), names, cell) for cell in children(node, "inputEntry"))
    tests = tuple((column, cell) for column, cell in enumerate(cells) if not cell.pass_all)
    outputs = tuple(boxes.literal(cell, names) for cell in children(node, "outputEntry"))
    return Rule(node.get("id") or "", index, cells, tests, outputs)
