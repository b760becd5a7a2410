"""Expressions of a model, whatever language they are in: one compiled type for all.

A Camunda 8 text is FEEL if it begins with `=`, else a constant; a Camunda 7 text is JUEL if it holds `${` or `#{`,
else a constant. Everything is compiled when the model is read, so that a text that does not parse is a problem at
deploy, never at run time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bpmn import juel
from bpmn.feel import FeelError, FeelSyntaxError, compile_feel

Scope = Mapping[str, Any]


class ExpressionError(ValueError):
    """A text does not parse. `position` is the 0-based offset in `text` where the trouble begins."""

    def __init__(self, message: str, position: int, text: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.text = text


class EvaluationError(Exception):
    """An expression could not be evaluated; the message is a sentence for an incident."""

    @property
    def reason(self) -> str:
        """What came instead of what was expected, to be told within a larger sentence."""
        _, found, reason = str(self).partition(", but ")
        return reason if found else str(self)


LANGUAGE_ERRORS = (FeelError, juel.JuelError, EvaluationError)
"""What `Expression.function` may raise."""


class Expression(ABC):
    """A compiled expression. Two are equal if they are of one language and one text.

    `function` takes the scope and gives a JSON-native value, for code that evaluates often; unlike `evaluate` it
    lets the errors of the language through. Values that stand in the scope are given as they are, not copied.
    """

    __slots__ = ("function", "names", "text")
    is_static: bool = False
    """Whether it is a constant."""

    def __init__(self, text: str, function: Callable[[Scope], Any], names: Iterable[str] = ()) -> None:
        self.text = text
        self.function = function
        self.names: frozenset[str] = frozenset(names)
        """The variables it reads."""

    @abstractmethod
    def evaluate(self, scope: Scope) -> Any:
        """The value, JSON-native. Raises EvaluationError."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and type(other) is type(self) and self.text == other.text

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.text))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Literal(Expression):
    """A constant; `value` is the text itself unless another one is given."""

    __slots__ = ("value",)
    is_static = True

    def __init__(self, text: str, value: Any = None) -> None:
        constant = text if value is None else value
        super().__init__(text, lambda scope: constant)
        self.value = constant

    def evaluate(self, scope: Scope) -> Any:
        return self.value


class Feel(Expression):
    """FEEL; `text` goes without the leading `=`. Raises ExpressionError."""

    __slots__ = ("program",)

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        try:
            self.program = compile_feel(text, names)
        except FeelSyntaxError as error:
            raise ExpressionError(error.message, error.position, text) from error
        super().__init__(text, self.program.function, self.program.names)

    def evaluate(self, scope: Scope) -> Any:
        try:
            return self.function(scope)
        except FeelError as error:
            raise EvaluationError(f"Expected to evaluate `{shorten(self.text)}`, but it failed: {error}") from error
        except RecursionError as error:
            raise EvaluationError("Expected variables that nest less deeply, "
                                  f"but evaluating `{shorten(self.text)}` ran out of room.") from error

    def explain(self, scope: Scope) -> tuple[Any, list[str]]:
        """The value and the warnings that say why something in it is null. Raises EvaluationError."""
        warnings: list[str] = []
        try:
            return self.program.evaluate(scope, warnings), warnings
        except FeelError as error:
            raise EvaluationError(f"Expected to evaluate `{shorten(self.text)}`, but it failed: {error}") from error


class Juel(Expression):
    """JUEL; `text` is the whole with its `${…}`. Raises ExpressionError."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        try:
            template = juel.compile_juel(text)
        except juel.JuelSyntaxError as error:
            raise ExpressionError(error.message, error.position, text) from error
        super().__init__(text, template.evaluate, template.names)

    def evaluate(self, scope: Scope) -> Any:
        try:
            return self.function(scope)
        except juel.JuelError as error:
            raise EvaluationError(f"Expected to evaluate `{shorten(self.text)}`, but it failed: {error}") from error


def camunda8(text: str, names: Iterable[str] = ()) -> Expression:
    """An attribute's value of the Camunda 8 dialect: FEEL behind a leading `=`, else a constant.

    `names` are known variables whose names have spaces. Raises ExpressionError.
    """
    stripped = text.strip()
    return Feel(stripped[1:].strip(), names) if stripped.startswith("=") else Literal(text)


def camunda7(text: str) -> Expression:
    """An attribute's value of the Camunda 7 dialect: JUEL if it holds `${` or `#{`, else a constant.

    Raises ExpressionError.
    """
    return Juel(text) if "${" in text or "#{" in text else Literal(text)


def feel(text: str, names: Iterable[str] = ()) -> Expression:
    """A text that is FEEL, with or without a leading `=`.

    `names` are known variables whose names have spaces. Raises ExpressionError.
    """
    stripped = text.strip()
    return Feel(stripped[1:].strip() if stripped.startswith("=") else stripped, names)


def truth(value: Any) -> bool:
    """What a condition's value means: only true is true, and null is false.

    Raises EvaluationError if it is neither true, false nor null.
    """
    if value is True:
        return True
    if value is False or value is None:
        return False
    raise EvaluationError(f"Expected the condition to give true or false, but it gave {_literally(value)}.")


def shorten(text: str) -> str:
    """A text short enough for a message."""
    return text if len(text) <= 60 else text[:57] + "…"


def _literally(value: Any) -> str:
    return shorten(f'"{value}"' if isinstance(value, str) else str(value))
