"""A compiled expression, ready to be evaluated as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from bpmn.feel import syntax
from bpmn.feel.closures import Code
from bpmn.feel.compiler import Compiler
from bpmn.feel.library import BUILTIN_NAMES, BUILTINS
from bpmn.feel.limits import running
from bpmn.feel.parser import parse_expression, parse_tests
from bpmn.feel.syntax import Node
from bpmn.feel.types import Type
from bpmn.feel.values import Value, to_json

_TRUTHS = (syntax.Comparison, syntax.Logic, syntax.In, syntax.Between, syntax.InstanceOf)
_PLAIN = frozenset({bool, int, str, type(None)})


class Program:
    """One expression: its text, the variables it reads, and its code.

    `names` holds every variable that it may read; those inside a filter may be entries of the elements instead.
    `function` is the fastest way to evaluate it: it takes the scope and gives a JSON-native value, without warnings.
    A value that stands in the scope is given as it is, not copied.
    """

    __slots__ = ("_bounded", "_code", "function", "names", "node", "text")

    def __init__(self, text: str, node: Node, declared: Iterable[str] = ()) -> None:
        compiler = Compiler(BUILTINS, declared)
        self.text = text
        self.node = node
        self._code = compiler.compile(node)
        self._bounded = compiler.bounded
        self.names = frozenset(compiler.free)
        self.function: Callable[[Mapping[str, Any]], Any] = self._finished()

    def _finished(self) -> Callable[[Mapping[str, Any]], Any]:
        code = self._code
        if self._bounded:
            return _bounded(code)
        if isinstance(self.node, _TRUTHS) or _is_plain(self.node):
            return code
        return _converted(code)

    def evaluate(self, scope: Mapping[str, Any], warnings: list[str] | None = None) -> Any:
        """The value as JSON stores it; the reasons for nulls are appended to `warnings`.

        Raises FeelError if a budget runs out, an assertion fails or the value cannot be stored.
        """
        if warnings is None:
            return self.function(scope)
        with running(warnings):
            return to_json(self._code(scope))

    def evaluate_feel(self, scope: Mapping[str, Any]) -> Value:
        """The value as FEEL has it, for DMN; the caller bounds the run (`bpmn.feel.limits.running`)."""
        return self._code(scope)

    def __repr__(self) -> str:
        return f"Program({self.text!r})"


def _is_plain(node: Node) -> bool:
    """Whether the value comes as it is from the scope or the text, and so is JSON already."""
    while isinstance(node, syntax.Path):
        node = node.source
    if isinstance(node, syntax.Name):
        return node.name not in BUILTINS
    return isinstance(node, syntax.Constant) and type(node.value) in _PLAIN


def _bounded(code: Code) -> Code:
    def run(scope: Mapping[str, Any]) -> Any:
        with running():
            return to_json(code(scope))

    return run


def _converted(code: Code) -> Code:
    def run(scope: Mapping[str, Any]) -> Any:
        value = code(scope)
        kind = type(value)
        return value if kind is int or kind is str or value is None else to_json(value)

    return run


@lru_cache(maxsize=4096)
def _compile(text: str, names: frozenset[str]) -> Program:
    return Program(text, parse_expression(text, names, BUILTIN_NAMES))


def compile_feel(text: str, names: Iterable[str] = ()) -> Program:
    """Compile an expression. Programs are cached and may be shared between threads.

    Arguments: the text, and the names of known variables that are no plain identifiers (with spaces, say).
    Raises FeelSyntaxError.
    """
    return _compile(text, frozenset(names))


def compile_expression(text: str, names: Iterable[str], members: Iterable[str] = (),
                       types: Mapping[str, Type] | None = None) -> Program:
    """Compile an expression of a DMN model, which knows all names and types. Raises FeelSyntaxError."""
    known = tuple(names)
    return Program(text, parse_expression(text, known, BUILTIN_NAMES, members, types), known)


class Tests:
    """Compiled unary tests: the cell of a decision table, or the allowed values of a type."""

    __slots__ = ("_run", "names", "node", "text")

    def __init__(self, text: str, node: syntax.UnaryTests, declared: Iterable[str] = ()) -> None:
        compiler = Compiler(BUILTINS, declared)
        self.text = text
        self.node = node
        self._run = compiler.unary_tests(node)
        self.names = frozenset(compiler.free) - {"?"}

    @property
    def pass_all(self) -> bool:
        """Whether it is `-` or empty."""
        return not self.node.tests

    def passes(self, scope: Mapping[str, Any], value: Value) -> bool:
        """Whether a value passes. The caller bounds the run (`bpmn.feel.limits.running`)."""
        return not self.node.tests or self._run(scope, value) is True


def compile_tests(text: str, names: Iterable[str], members: Iterable[str] = (),
                  types: Mapping[str, Type] | None = None) -> Tests:
    """Compile unary tests, in which `?` is the tested value. Raises FeelSyntaxError."""
    known = tuple(names)
    return Tests(text, parse_tests(text, known, BUILTIN_NAMES, members, types), known)
