"""`range("[1..5]")`: a range from its text (DMN 1.5 §10.3.4.9)."""

from __future__ import annotations

import operator
import re

from bpmn.feel import syntax
from bpmn.feel.compiler import Compiler
from bpmn.feel.errors import FeelSyntaxError
from bpmn.feel.library.registry import BUILTINS, Unfit, builtin
from bpmn.feel.operations import compare
from bpmn.feel.parser import parse_expression
from bpmn.feel.scanner import Names
from bpmn.feel.syntax import Node
from bpmn.feel.values import Range, Value

_TEXT = re.compile(r"\s*([\[(\]])(.*)\.\.(.*)([\])\[])\s*", re.DOTALL)
_CONSTRUCTORS = ("date", "time", "date and time", "duration")
_NAMES = Names(_CONSTRUCTORS)


@builtin("range", "from: text")
def range_of(text: str) -> Range:
    """The range that a text writes; its ends are literals."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise Unfit(f"Expected a range such as [1..5], but it is {text[:60]!r}.")
    start, end = _end(match[2]), _end(match[3])
    start_included, end_included = match[1] == "[", match[4] == "]"
    if start is None and end is None:
        raise Unfit("Expected a range with a start or an end, but it has neither.")
    if (start is None and start_included) or (end is None and end_included):
        raise Unfit("Expected an end that is left open not to belong to the range, but its bracket says so.")
    if start is not None and end is not None and compare(start, end, operator.le) is not True:
        raise Unfit("Expected a range from the smaller to the greater value of one type, but it is not.")
    return Range(start, end, start_included, end_included)


def _end(text: str) -> Value:
    if not text.strip():
        return None
    try:
        node = parse_expression(text, (), _NAMES)
    except FeelSyntaxError as error:
        raise Unfit(f"Expected a literal as end of the range, but: {error.message}") from error
    if not _is_literal(node):
        raise Unfit(f"Expected a literal as end of the range, but it is {text.strip()[:60]!r}.")
    value = Compiler(BUILTINS).compile(node)({})
    if value is None:
        raise Unfit(f"Expected a literal as end of the range, but it is {text.strip()[:60]!r}.")
    return value


def _is_literal(node: Node) -> bool:
    if isinstance(node, syntax.Negation):
        node = node.operand
    if isinstance(node, syntax.Call):
        known = isinstance(node.function, syntax.Name) and node.function.name in _CONSTRUCTORS
        return known and all(isinstance(argument, syntax.Constant) for argument in node.arguments)
    return isinstance(node, syntax.Constant)
