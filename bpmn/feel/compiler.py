"""Syntax tree to Python closures. Each takes the scope and gives a value; no text is ever run as Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeGuard

from bpmn.feel import arithmetic, closures, functions, loops, syntax
from bpmn.feel.closures import Code, Scope, Test
from bpmn.feel.limits import warn
from bpmn.feel.scope import Local
from bpmn.feel.syntax import Node
from bpmn.feel.types import instance_of
from bpmn.feel.values import Builtin, Function, Value

_INPUT = "?"


class Compiler:
    """One expression being compiled. Each kind of node has a method, found through `_HANDLERS`.

    After `compile`, `free` holds the variables it reads from outside, and `bounded` says whether it may do more than
    its text is long (loop, call, use its own values), so that it needs a budget.
    """

    def __init__(self, builtins: Mapping[str, Builtin], declared: Iterable[str] = ()) -> None:
        self.builtins = builtins
        self.declared = frozenset(declared)
        """Names that a model defines; they go before the library's."""
        self.free: set[str] = set()
        self.bounded = False
        self._bound: list[frozenset[str]] = []

    def compile(self, node: Node) -> Code:
        """The code of a node and everything below it."""
        return _HANDLERS[type(node)](self, node)

    @contextmanager
    def binding(self, names: Iterable[str]) -> Iterator[None]:
        """Inside, these names are the expression's own."""
        self._bound.append(frozenset(names))
        yield
        self._bound.pop()

    def is_bound(self, name: str) -> bool:
        """Whether the name is the expression's own variable here."""
        return any(name in names for names in self._bound)

    def constant(self, node: syntax.Constant) -> Code:
        return closures.constant(node.value)

    def name(self, node: syntax.Name) -> Code:
        builtin = None
        if not self.is_bound(node.name):
            # A process variable may be called like a function; where it is not called, the variable goes first.
            builtin = self.builtins.get(node.name)
            self.free.add(node.name)
        return closures.variable(node.name, builtin)

    def path(self, node: syntax.Path) -> Code:
        return closures.path(self.compile(node.source), node.name)

    def logic(self, node: syntax.Logic) -> Code:
        operands = [self.compile(operand) for operand in node.operands]
        return closures.conjunction(operands) if node.operator == "and" else closures.disjunction(operands)

    def comparison(self, node: syntax.Comparison) -> Code:
        left, right = self.compile(node.left), self.compile(node.right)
        if node.operator in ("=", "!="):
            return closures.equality(node.operator, left, right)
        if isinstance(node.right, syntax.Constant):
            if isinstance(node.left, syntax.Name) and type(node.right.value) in (int, str, Decimal):
                return closures.compare_variable(node.operator, node.left.name, node.right.value)
            return closures.compare_with_constant(node.operator, left, node.right.value)
        return closures.compare(node.operator, left, right)

    def arithmetic(self, node: syntax.Arithmetic) -> Code:
        first = self.compile(node.first)
        if len(node.rest) > 1:
            return arithmetic.chain(first, [(symbol, self.compile(operand)) for symbol, operand in node.rest])
        (symbol, operand), = node.rest
        if isinstance(operand, syntax.Constant):
            return arithmetic.with_constant(symbol, first, operand.value)
        second = self.compile(operand)
        if self._is_variable(node.first) and self._is_variable(operand):
            return arithmetic.of_variables(symbol, node.first.name, operand.name)
        return arithmetic.arithmetic(symbol, first, second)

    def _is_variable(self, node: Node) -> TypeGuard[syntax.Name]:
        """Whether it can only be a variable, not a function of the library."""
        return isinstance(node, syntax.Name) and node.name not in self.builtins

    def negation(self, node: syntax.Negation) -> Code:
        return arithmetic.negation(self.compile(node.operand))

    def choice(self, node: syntax.If) -> Code:
        return closures.choice(self.compile(node.condition), self.compile(node.then), self.compile(node.otherwise))

    def between(self, node: syntax.Between) -> Code:
        return closures.between(self.compile(node.value), self.compile(node.low), self.compile(node.high))

    def instance_of(self, node: syntax.InstanceOf) -> Code:
        value, kind = self.compile(node.value), node.type
        return lambda scope: instance_of(value(scope), kind)

    def interval(self, node: syntax.Interval) -> Code:
        code = closures.interval(self.compile(node.start), self.compile(node.end),
                                 node.start_included, node.end_included, node.may_descend)
        if isinstance(node.start, syntax.Constant) and isinstance(node.end, syntax.Constant):
            return closures.constant(code({}))
        return code

    def open_interval(self, node: syntax.Test) -> Code:
        return closures.open_interval(node.operator, self.compile(node.operand))

    def membership(self, node: syntax.In) -> Code:
        return closures.membership(self.compile(node.value), [self.test(test) for test in node.tests])

    def test(self, node: Node) -> Test:
        """The code of a unary test (DMN 1.5 §10.3.2.8)."""
        if isinstance(node, syntax.Test):
            return closures.operator_test(node.operator, self.compile(node.operand))
        if isinstance(node, syntax.Constant) and type(node.value) in (str, bool, int):
            return closures.constant_test(node.value)
        if not reads(node, _INPUT):
            return closures.value_test(self.compile(node))
        with self.binding((_INPUT,)):
            code = self.compile(node)
        in_values = closures.value_test(code)

        def run(scope: Scope, value: Value) -> bool | None:
            inner = Local(scope)
            inner[_INPUT] = value
            found = code(inner)
            if type(found) is bool or found is None:
                return found
            return in_values(inner, value)

        return run

    def unary_tests(self, node: syntax.UnaryTests) -> Test:
        """Whether one of the tests passes, or none if they are negated."""
        tests = [self.test(test) for test in node.tests]
        if len(tests) == 1 and not node.negated:
            return tests[0]
        negated = node.negated

        def run(scope: Scope, value: Value) -> bool:
            return any(test(scope, value) is True for test in tests) is not negated

        return run

    def list_of(self, node: syntax.ListOf) -> Code:
        items = [self.compile(item) for item in node.items]
        return lambda scope: [item(scope) for item in items]

    def context_of(self, node: syntax.ContextOf) -> Code:
        keys = {key for key, _ in node.entries}
        if not any(keys & names_in(value) for _, value in node.entries):
            plain = [(key, self.compile(value)) for key, value in node.entries]
            return lambda scope: {key: code(scope) for key, code in plain}
        # Entries that use each other may double a value again and again.
        self.bounded = True
        entries: list[tuple[str, Code]] = []
        for index, (key, value) in enumerate(node.entries):
            with self.binding(earlier for earlier, _ in node.entries[:index]):
                entries.append((key, self.compile(value)))

        def run(scope: Scope) -> dict[str, Value]:
            inner = Local(scope)
            for key, code in entries:
                inner[key] = code(inner)
            return dict(inner)

        return run

    def function_of(self, node: syntax.FunctionOf) -> Code:
        self.bounded = True
        with self.binding(node.parameters):
            body = self.compile(node.body)
        names, types = node.parameters, node.types

        def run(scope: Scope) -> Function:
            def call(arguments: list[Value]) -> Value:
                inner = Local(scope)
                inner.update(zip(names, arguments, strict=True))
                return body(inner)

            return Function(names, call, types=types)

        return run

    def external(self, node: syntax.External) -> Code:
        def run(scope: Scope) -> None:
            warn("Expected a function written in FEEL, but it is an external one, which this engine does not load.")

        return run

    def call(self, node: syntax.Call) -> Code:
        self.bounded = True
        arguments = [self.compile(argument) for argument in node.arguments]
        function, names = self._function(node.function), node.names
        if names is None:
            return lambda scope: functions.call(function(scope), [argument(scope) for argument in arguments])
        return lambda scope: functions.call(
            function(scope), [], {name: argument(scope) for name, argument in zip(names, arguments, strict=True)})

    def _function(self, node: Node) -> Code:
        if not isinstance(node, syntax.Name) or self.is_bound(node.name) or node.name not in self.builtins:
            return self.compile(node)
        builtin = self.builtins[node.name]
        if node.name not in self.declared:
            # A process variable may be called `count`; it is no function, so the library's is meant.
            return closures.constant(builtin)
        self.free.add(node.name)
        variable = closures.variable(node.name, builtin)

        def run(scope: Scope) -> Value:
            found = variable(scope)
            return found if type(found) is Function else builtin

        return run

    def filter(self, node: syntax.Filter) -> Code:
        self.bounded = True
        source = self.compile(node.source)
        if isinstance(node.condition, syntax.Constant) and type(node.condition.value) is int:
            return loops.pick(source, node.condition.value)
        with self.binding(("item",)):
            condition = self.compile(node.condition)
        return loops.select(source, condition, names_in(node.condition), makes_functions(node.condition))

    def loop(self, node: syntax.For) -> Code:
        with self._iterators(node.iterators) as iterators, self.binding(("partial",)):
            body = self.compile(node.body)
        return loops.collect(iterators, body, reads(node.body, "partial"), makes_functions(node.body))

    def quantified(self, node: syntax.Quantified) -> Code:
        with self._iterators(node.iterators) as iterators:
            condition = self.compile(node.condition)
        return loops.quantify(node.some, iterators, condition, makes_functions(node.condition))

    @contextmanager
    def _iterators(self, nodes: tuple[tuple[str, Node], ...]) -> Iterator[list[tuple[str, Code]]]:
        self.bounded = True
        compiled: list[tuple[str, Code]] = []
        for name, source in nodes:
            compiled.append((name, self.compile(source)))
            self._bound.append(frozenset((name,)))
        yield compiled
        del self._bound[-len(nodes):]


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in syntax.children(node):
        yield from walk(child)


def names_in(node: Node) -> frozenset[str]:
    """Every name that occurs as a variable."""
    return frozenset(part.name for part in walk(node) if isinstance(part, syntax.Name))


def reads(node: Node, name: str) -> bool:
    """Whether the name occurs as a variable."""
    return any(isinstance(part, syntax.Name) and part.name == name for part in walk(node))


def makes_functions(node: Node) -> bool:
    """Whether a function that remembers its scope is made inside."""
    return any(isinstance(part, syntax.FunctionOf) for part in walk(node))


_HANDLERS: Mapping[type[Node], Callable[[Compiler, Any], Code]] = {
    syntax.Constant: Compiler.constant,
    syntax.Name: Compiler.name,
    syntax.Path: Compiler.path,
    syntax.Filter: Compiler.filter,
    syntax.Logic: Compiler.logic,
    syntax.Arithmetic: Compiler.arithmetic,
    syntax.Comparison: Compiler.comparison,
    syntax.Negation: Compiler.negation,
    syntax.Between: Compiler.between,
    syntax.In: Compiler.membership,
    syntax.InstanceOf: Compiler.instance_of,
    syntax.If: Compiler.choice,
    syntax.For: Compiler.loop,
    syntax.Quantified: Compiler.quantified,
    syntax.Interval: Compiler.interval,
    syntax.Test: Compiler.open_interval,
    syntax.ListOf: Compiler.list_of,
    syntax.ContextOf: Compiler.context_of,
    syntax.FunctionOf: Compiler.function_of,
    syntax.External: Compiler.external,
    syntax.Call: Compiler.call,
}
