"""Boxed expressions to code (DMN 1.5 §10.2.1). The code takes the scope and gives a FEEL value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bpmn.dmn.tables import Table
from bpmn.dmn.types import Types
from bpmn.dmn.xml import child, children, expression_of, expressions, name_of, text_of
from bpmn.feel import functions
from bpmn.feel.closures import Code, Scope
from bpmn.feel.errors import FeelSyntaxError
from bpmn.feel.limits import spend, warn
from bpmn.feel.loops import at_index, elements
from bpmn.feel.program import Program, Tests, compile_expression, compile_tests
from bpmn.feel.scope import Local
from bpmn.feel.types import Type
from bpmn.feel.values import NUMBERS, Function, Value, type_name
from bpmn.reading.nodes import Node, local_name

Names = tuple[str, ...]


class BadExpression(Exception):
    """An expression of the model cannot be compiled; `node` is where."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


def _null(scope: Scope) -> Value:
    return None


class Boxes:
    """Compiles the boxed expressions of one model.

    `members` are names that may follow a dot, `types` the model's types; `names`, where it is a parameter, are the
    variables known at that place.
    """

    def __init__(self, types: Types, members: Iterable[str]) -> None:
        self.types = types
        self.members = members
        self.failures: list[BadExpression] = []
        """What did not compile, so that all of it is named at once; the compiling element takes them."""
        self._named_types: Mapping[str, Type] | None = None

    def compile(self, node: Node, names: Names) -> Code:
        """The code of an expression element."""
        handler = _HANDLERS.get(local_name(node))
        if handler is None:
            self.refuse(f"Expected an expression, but found <{local_name(node)}>.", node)
            return _null
        return converted(handler(self, node, names), self.types.find(node.get("typeRef")))

    def inside(self, node: Node | None, names: Names) -> Code:
        """The code of the expression inside an element; null if there is none."""
        found = expression_of(node)
        return _null if found is None else self.compile(found, names)

    def feel(self, text: str, names: Names, node: Node) -> Code:
        """The code of a FEEL text; null, and a failure noted, if it does not compile."""
        program = self.program(text, names, node)
        return _null if program is None else program.evaluate_feel

    def program(self, text: str, names: Names, node: Node) -> Program | None:
        """A FEEL text compiled; None, and a failure noted, if it does not compile."""
        language = (node.get("expressionLanguage") or "feel").lower()
        if "feel" not in language and "dmn" not in language:
            self.refuse(f"Expected an expression in FEEL, but it is in {language!r}.", node)
            return None
        try:
            return compile_expression(text, names, self.members, self._types())
        except FeelSyntaxError as error:
            self._note(error, node)
            return None

    def tests(self, text: str, names: Names, node: Node) -> Tests:
        """Compiled unary tests; such as pass everything, and a failure noted, if they do not compile."""
        try:
            return compile_tests(text, names, self.members, self._types())
        except FeelSyntaxError as error:
            self._note(error, node)
            return compile_tests("-", ())

    def _note(self, error: FeelSyntaxError, node: Node) -> None:
        self.refuse(f"{error.message} In: {error.text[:80]!r}, character {error.position + 1}.", node)

    def refuse(self, message: str, node: Node) -> None:
        """Note what makes the element that is being compiled unusable."""
        self.failures.append(BadExpression(message, node))

    def _types(self) -> Mapping[str, Type]:
        if self._named_types is None:
            self._named_types = self.types.named()
        return self._named_types

    def literal(self, node: Node, names: Names) -> Code:
        """A text in FEEL."""
        text = text_of(node)
        return self.feel(text, names, node) if text else _null

    def table(self, node: Node, names: Names) -> Code:
        """A decision table, as a value only."""
        table = Table(node, names, self)
        return lambda scope: table.evaluate(scope).value

    def context(self, node: Node, names: Names) -> Code:
        """Entries that see the earlier ones; a last entry without name is the result."""
        entries: list[tuple[str, Code]] = []
        result: Code | None = None
        for entry in children(node, "contextEntry"):
            variable = child(entry, "variable")
            code = self.inside(entry, names)
            if variable is None:
                result = code
                continue
            name = name_of(variable)
            entries.append((name, converted(code, self.types.find(variable.get("typeRef")))))
            names = (*names, name)

        def run(scope: Scope) -> Value:
            inner = Local(scope)
            for name, code in entries:
                inner[name] = code(inner)
            return dict(inner) if result is None else result(inner)

        return run

    def function(self, node: Node, names: Names) -> Code:
        """A function definition."""
        kind = node.get("kind") or "FEEL"
        if kind != "FEEL":
            self.failures.append(BadExpression(f"Expected a function in FEEL, but it is an external {kind} function, "
                                               "which this engine does not load.", node))
            return _null
        parameters = children(node, "formalParameter")
        own = tuple(name_of(parameter) for parameter in parameters)
        types = tuple(self.types.find(parameter.get("typeRef")) for parameter in parameters)
        body = self.inside(node, (*names, *own))

        def run(scope: Scope) -> Function:
            def call(arguments: list[Value]) -> Value:
                inner = Local(scope)
                inner.update(zip(own, arguments, strict=True))
                return body(inner)

            return Function(own, call, types=types)

        return run

    def invocation(self, node: Node, names: Names) -> Code:
        """A call with named arguments."""
        function = self.inside(node, names)
        arguments = [(name_of(parameter), self.inside(binding, names))
                     for binding in children(node, "binding")
                     if (parameter := child(binding, "parameter")) is not None]
        return lambda scope: functions.call(function(scope), [], {name: code(scope) for name, code in arguments})

    def list(self, node: Node, names: Names) -> Code:
        """A list."""
        items = [self.compile(item, names) for item in expressions(node)]
        return lambda scope: [item(scope) for item in items]

    def relation(self, node: Node, names: Names) -> Code:
        """Rows as contexts."""
        columns = [name_of(column) for column in children(node, "column")]
        rows = [[self.compile(cell, names) for cell in expressions(row)] for row in children(node, "row")]
        return lambda scope: [{name: cell(scope) for name, cell in zip(columns, row, strict=False)} for row in rows]

    def conditional(self, node: Node, names: Names) -> Code:
        """`if`, `then`, `else`."""
        condition, then, otherwise = (self.inside(child(node, part), names) for part in ("if", "then", "else"))

        def run(scope: Scope) -> Value:
            found = condition(scope)
            if found is not None and type(found) is not bool:
                warn(f"Expected the condition to give true or false, but it gave a {type_name(found)}.")
                return None
            return then(scope) if found is True else otherwise(scope)

        return run

    def filter(self, node: Node, names: Names) -> Code:
        """The elements that match."""
        source = self.inside(child(node, "in"), names)
        condition = self.inside(child(node, "match"), (*names, "item"))

        def run(scope: Scope) -> Value:
            value = source(scope)
            if value is None:
                return None
            items = value if type(value) is list else [value]
            chosen: list[Value] = []
            for item in items:
                spend(1)
                inner = Local(scope)
                inner["item"] = item
                if isinstance(item, dict):
                    inner.update(item)
                found = condition(inner)
                if type(found) in NUMBERS:
                    return at_index(items, found)
                if found is True:
                    chosen.append(item)
                elif found is not None and type(found) is not bool:
                    warn(f"Expected the filter to give true or false, but it gave a {type_name(found)}.")
                    return None
            return chosen

        return run

    def loop(self, node: Node, names: Names) -> Code:
        """`for`."""
        name = node.get("iteratorVariable") or "item"
        source = self.inside(child(node, "in"), names)
        body = self.inside(child(node, "return"), (*names, name, "partial"))

        def run(scope: Scope) -> list[Value] | None:
            items = elements(source(scope))
            if items is None:
                return None
            results: list[Value] = []
            for item in items:
                spend(1 + (len(results) >> 4))
                inner = Local(scope)
                inner[name] = item
                inner["partial"] = results.copy()
                results.append(body(inner))
            return results

        return run

    def some(self, node: Node, names: Names) -> Code:
        """`some`."""
        return self._quantified(node, names, True)

    def every(self, node: Node, names: Names) -> Code:
        """`every`."""
        return self._quantified(node, names, False)

    def _quantified(self, node: Node, names: Names, decisive: bool) -> Code:
        name = node.get("iteratorVariable") or "item"
        source = self.inside(child(node, "in"), names)
        condition = self.inside(child(node, "satisfies"), (*names, name))

        def run(scope: Scope) -> bool | None:
            items = elements(source(scope))
            if items is None:
                return None
            result: bool | None = not decisive
            for item in items:
                spend(1)
                inner = Local(scope)
                inner[name] = item
                found = condition(inner)
                if found is None:
                    result = None
                elif type(found) is not bool:
                    warn(f"Expected the condition to give true or false, but it gave a {type_name(found)}.")
                    return None
                elif found is decisive:
                    return decisive
            return result

        return run


def converted(code: Code, kind: Type | None) -> Code:
    """The code with its value converted to a type; null, with a warning, where it is of another one."""
    if kind is None:
        return code

    def run(scope: Scope) -> Value:
        return convert(code(scope), kind)

    return run


def convert(value: Value, kind: Type | None) -> Value:
    """A value converted to a type; null, with a warning, where it is of another one."""
    if kind is None or value is None:
        return value
    result = kind.convert(value)
    if result is None:
        warn(f"Expected a value of the type {getattr(kind, 'name', kind)}, but there is another one.")
    return result


_HANDLERS: Mapping[str, Callable[[Boxes, Node, Names], Code]] = {
    "literalExpression": Boxes.literal,
    "decisionTable": Boxes.table,
    "context": Boxes.context,
    "functionDefinition": Boxes.function,
    "invocation": Boxes.invocation,
    "list": Boxes.list,
    "relation": Boxes.relation,
    "conditional": Boxes.conditional,
    "filter": Boxes.filter,
    "for": Boxes.loop,
    "some": Boxes.some,
    "every": Boxes.every,
}
