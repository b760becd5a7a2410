"""One expression tried out: for the command line, the playground of the console, and whoever wonders about a null."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpmn.feel.errors import FeelError
from bpmn.feel.limits import running
from bpmn.feel.program import compile_feel
from bpmn.feel.values import show, to_json, type_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of an expression. `error` says why there is no result; `text` is the value as FEEL writes it."""

    result: Any = None
    text: str = "null"
    type: str = "Null"
    warnings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """The variables that it reads."""
    error: str | None = None


def try_out(expression: str, context: Mapping[str, Any]) -> Trial:
    """Evaluate an expression once, with every reason for a null. A leading `=`, as Camunda 8 writes it, is allowed.

    A value that cannot be stored (a range, a function) has a text and a type, but no result.
    Raises FeelSyntaxError, whose position is that in the text without the leading `=`.
    """
    program = compile_feel(without_sign(expression), frozenset(_spaced(context)))
    names, warnings = tuple(sorted(program.names)), list[str]()
    try:
        with running(warnings):
            value = program.evaluate_feel(context)
            text = show(value, True)
            try:
                result = to_json(value)
            except FeelError as error:
                result = None
                warnings.append(str(error))
    except FeelError as error:
        return Trial(error=str(error), warnings=tuple(warnings), names=names)
    return Trial(result=result, text=text, type=type_name(value), warnings=tuple(warnings), names=names)


def without_sign(expression: str) -> str:
    """The text without the `=` that Camunda 8 puts before an expression."""
    stripped = expression.strip()
    return stripped[1:].strip() if stripped.startswith("=") else stripped


def _spaced(values: Iterable[str]) -> Iterator[str]:
    """Names that are no plain identifiers."""
    return (name for name in values if isinstance(name, str) and name and not name.isidentifier())


def caret(text: str, position: int) -> str:
    """The line of a text that an error is in, and below it a mark where it begins."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].split("\n")[0]
    shown, before = line, position - start
    if len(line) > 100:
        cut = max(0, before - 50)
        shown, before = line[cut:cut + 100], before - cut
    return f"{shown}\n{' ' * before}^"
