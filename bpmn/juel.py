"""JUEL, the `${…}` of Camunda 7 (Unified Expression Language 2.2), compiled to closures.

A text may mix constants and several `${…}` or `#{…}`: then it gives their text in one; a single `${…}` keeps the
type of its value. Only data can be reached: variables, entries, elements, and the calls of `bpmn.juel_methods`.

`execution` gives `getVariable('x')`, `hasVariable('x')`, and the properties of the instance that the expression is of
(`processBusinessKey`, `processInstanceId`, …; see `bpmn.surroundings`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from bpmn import juel_values, surroundings
from bpmn.juel_methods import FUNCTIONS, METHOD_NAMES, call_method
from bpmn.juel_values import MAX_TEXT, OPERATORS, JuelError, boolean, member, plain

__all__ = ["JuelError", "JuelSyntaxError", "Template", "compile_juel"]

_GRAMMAR = r"""
?start: choice
?choice: disjunction | disjunction "?" choice ":" choice
?disjunction: conjunction | disjunction _OR conjunction
?conjunction: equality | conjunction _AND equality
?equality: relation | equality EQUALITY relation -> operation
?relation: sum | relation RELATION sum -> operation
?sum: product | sum SUM product -> operation
?product: unary | product PRODUCT unary -> operation
?unary: value | SUM unary -> negative | _NOT unary -> negation | _EMPTY unary -> emptiness
?value: literal | NAME -> variable | "(" choice ")"
      | value "." NAME -> property | value "[" choice "]" -> element
      | value "." NAME "(" [choice ("," choice)*] ")" -> method
      | NAME "(" [choice ("," choice)*] ")" -> function
      | NAME ":" NAME "(" [choice ("," choice)*] ")" -> prefixed
?literal: FLOAT -> decimal | INTEGER -> integer | STRING -> string
        | _TRUE -> true | _FALSE -> false | _NULL -> null
EQUALITY: "==" | "!=" | /(eq|ne)(?![\w$])/
RELATION: "<=" | ">=" | "<" | ">" | /(lt|gt|le|ge)(?![\w$])/
SUM: "+" | "-"
PRODUCT: "*" | "/" | "%" | /(div|mod)(?![\w$])/
_OR: "||" | /or(?![\w$])/
_AND: "&&" | /and(?![\w$])/
_NOT: "!" | /not(?![\w$])/
_EMPTY: /empty(?![\w$])/
_TRUE: /true(?![\w$])/
_FALSE: /false(?![\w$])/
_NULL: /null(?![\w$])/
INTEGER: /[0-9]+/
FLOAT: /[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/
STRING: /'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/s
NAME: /(?!(?:and|or|not|empty|eq|ne|lt|gt|le|ge|div|mod|true|false|null|instanceof)(?![\w$]))[^\W\d][\w$]*|\$[\w$]*/
%ignore /\s+/
"""
_MAX_LENGTH = 10_000
_MAX_DEPTH = 100
_EXECUTION = "execution"

Scope = Mapping[str, Any]
Code = Callable[[Scope], Any]
Branch = Tree[Token]


@cache
def _parser() -> Lark:
    # Making it takes longer than reading many a diagram, and most have no JUEL.
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


class JuelSyntaxError(ValueError):
    """The text is not JUEL, or calls what may not be called. `position` is the 0-based offset in `text`."""

    def __init__(self, message: str, position: int, text: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.text = text


class Template:
    """A compiled text: `evaluate` gives its value, `names` are the variables that it reads."""

    __slots__ = ("evaluate", "names", "text")

    def __init__(self, text: str, evaluate: Code, names: frozenset[str]) -> None:
        self.text = text
        self.evaluate = evaluate
        self.names = names


@lru_cache(maxsize=4096)
def compile_juel(text: str) -> Template:
    """Compile a text with its `${…}`. Raises JuelSyntaxError; `evaluate` of the result raises JuelError."""
    if len(text) > _MAX_LENGTH:
        raise JuelSyntaxError(f"Expected a text of at most {_MAX_LENGTH:,} characters, but it has {len(text):,}.",
                              _MAX_LENGTH, text)
    compiler = _Compiler(text)
    parts = [piece if isinstance(piece, str) else compiler.expression(*piece) for piece in _split(text)]
    names = frozenset(compiler.names)
    if len(parts) == 1 and not isinstance(parts[0], str):
        return Template(text, _kept(parts[0]), names)
    return Template(text, _joined(parts), names)


def _kept(code: Code) -> Code:
    return lambda scope: plain(code(scope))


def _joined(parts: Sequence[str | Code]) -> Code:
    def run(scope: Scope) -> str:
        texts = [part if isinstance(part, str) else juel_values.text(part(scope)) for part in parts]
        if sum(map(len, texts)) > MAX_TEXT:
            raise JuelError(f"Expected a text of at most {MAX_TEXT:,} characters, but it is longer.")
        return "".join(texts)

    return run


def _split(text: str) -> list[str | tuple[int, int]]:
    """The constants of a text, and where the inside of each `${…}` begins and ends."""
    pieces: list[str | tuple[int, int]] = []
    constant: list[str] = []
    index = 0
    while index < len(text):
        if text.startswith(("\\${", "\\#{"), index):
            constant.append(text[index + 1 : index + 3])
            index += 3
        elif text.startswith(("${", "#{"), index):
            if constant:
                pieces.append("".join(constant))
                constant = []
            end = _closing(text, index + 2)
            pieces.append((index + 2, end))
            index = end + 1
        else:
            constant.append(text[index])
            index += 1
    if constant:
        pieces.append("".join(constant))
    return pieces


def _closing(text: str, start: int) -> int:
    quote = ""
    index = start
    while index < len(text):
        symbol = text[index]
        if quote and symbol == "\\":
            index += 1
        elif quote:
            quote = "" if symbol == quote else quote
        elif symbol in "'\"":
            quote = symbol
        elif symbol == "}":
            return index
        index += 1
    raise JuelSyntaxError("Expected a closing `}` for the expression that begins here, but there is none.",
                          start - 2, text)


class _Compiler:
    """The expressions of one text being compiled. Each rule of the grammar has a method, found through `_HANDLERS`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self._offset = 0
        self._depth = 0

    def expression(self, start: int, end: int) -> Code:
        """The code of what stands between two positions."""
        self._offset = start
        source = self.text[start:end]
        try:
            tree = _parser().parse(source)
        except UnexpectedInput as error:
            raise self._refusal(error, source) from error
        return self._compile(tree)

    def _refusal(self, error: UnexpectedInput, source: str) -> JuelSyntaxError:
        position = error.pos_in_stream
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            message = "Expected the expression to go on, but it ends."
            position = len(source)
        elif isinstance(error, (UnexpectedCharacters, UnexpectedToken)) and position is not None:
            message = f"Expected an operator or a value, but found `{source[position : position + 20]}`."
        else:
            message = "Expected an expression, but there is none."
        return JuelSyntaxError(message, self._offset + (position or 0), self.text)

    def fail(self, message: str, token: Token) -> JuelSyntaxError:
        """An error at a token."""
        return JuelSyntaxError(message, self._offset + (token.start_pos or 0), self.text)

    def _compile(self, tree: Branch | Token) -> Code:
        assert isinstance(tree, Tree)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise JuelSyntaxError(f"Expected at most {_MAX_DEPTH} operators in one another, but there are more.",
                                  self._offset, self.text)
        code = _HANDLERS[tree.data](self, tree.children)
        self._depth -= 1
        return code

    def choice(self, parts: list[Any]) -> Code:
        condition, then, otherwise = (self._compile(part) for part in parts)
        return lambda scope: then(scope) if boolean(condition(scope)) else otherwise(scope)

    def disjunction(self, parts: list[Any]) -> Code:
        left, right = (self._compile(part) for part in parts)
        return lambda scope: boolean(left(scope)) or boolean(right(scope))

    def conjunction(self, parts: list[Any]) -> Code:
        left, right = (self._compile(part) for part in parts)
        return lambda scope: boolean(left(scope)) and boolean(right(scope))

    def operation(self, parts: list[Any]) -> Code:
        left, right = self._compile(parts[0]), self._compile(parts[2])
        run = OPERATORS[str(parts[1])]
        return lambda scope: run(left(scope), right(scope))

    def negative(self, parts: list[Any]) -> Code:
        if parts[0] != "-":
            raise self.fail("Expected a value, but found `+`.", parts[0])
        operand = self._compile(parts[1])
        return lambda scope: juel_values.subtract(0, operand(scope))

    def negation(self, parts: list[Any]) -> Code:
        operand = self._compile(parts[0])
        return lambda scope: not boolean(operand(scope))

    def emptiness(self, parts: list[Any]) -> Code:
        operand = self._compile(parts[0])
        return lambda scope: juel_values.is_empty(operand(scope))

    def variable(self, parts: list[Any]) -> Code:
        name = str(parts[0])
        self.names.add(name)

        def load(scope: Scope) -> Any:
            try:
                return scope[name]
            except KeyError:
                near = difflib.get_close_matches(name, list(scope.keys()), n=1)
                hint = f"; did you mean `{near[0]}`?" if near else "."
                raise JuelError(f"Expected the variable `{name}`, but there is none{hint}") from None

        return load

    def property(self, parts: list[Any]) -> Code:
        name = str(parts[1])
        if parts[0].data == "variable" and parts[0].children[0] == _EXECUTION:
            return _execution_property(name)
        base = self._compile(parts[0])
        return lambda scope: member(base(scope), name)

    def element(self, parts: list[Any]) -> Code:
        base, key = self._compile(parts[0]), self._compile(parts[1])
        return lambda scope: member(base(scope), key(scope))

    def method(self, parts: list[Any]) -> Code:
        name = str(parts[1])
        if parts[0].data == "variable" and parts[0].children[0] == _EXECUTION:
            return self._execution_method(parts)
        base = self._compile(parts[0])
        if name not in METHOD_NAMES:
            raise self.fail(f"Expected a method that expressions may call, but `{name}()` is none; "
                            "beans and Java methods are not available.", parts[1])
        arguments = [self._compile(part) for part in parts[2:]]
        return lambda scope: call_method(base(scope), name, [argument(scope) for argument in arguments])

    def _execution_method(self, parts: list[Any]) -> Code:
        name = str(parts[1])
        arguments = parts[2:]
        if name in ("getVariable", "getVariableLocal", "hasVariable", "hasVariableLocal") and len(arguments) == 1:
            if arguments[0].data == "string":
                self.names.add(_unquote(str(arguments[0].children[0])))
            key = self._compile(arguments[0])
            return _has_variable(key) if name.startswith("has") else _get_variable(key)
        if name.startswith("get") and len(name) > 3 and not arguments:
            return _execution_property(name[3].lower() + name[4:])
        raise self.fail("Expected `getVariable`, `hasVariable` or a property of the execution, "
                        f"but found `{name}()`.", parts[1])

    def function(self, parts: list[Any]) -> Code:
        name = str(parts[0])
        function = FUNCTIONS.get(name)
        if function is None:
            raise self.fail(f"Expected one of the functions {', '.join(FUNCTIONS)}, but found `{name}()`.", parts[0])
        if not function.least <= len(parts) - 1 <= function.most:
            raise self.fail(f"Expected `{name}()` with {function.least} arguments, but there are {len(parts) - 1}.",
                            parts[0])
        arguments = [self._compile(part) for part in parts[1:]]
        return lambda scope: function.call(*[argument(scope) for argument in arguments])

    def prefixed(self, parts: list[Any]) -> Code:
        raise self.fail(f"Expected a function without prefix, but found `{parts[0]}:{parts[1]}()`.", parts[0])

    def integer(self, parts: list[Any]) -> Code:
        value = int(str(parts[0])) if len(parts[0]) < 20 else 2**64
        if value >= 2**63:
            raise self.fail("Expected a whole number of 64 bits, but it is larger.", parts[0])
        return lambda scope: value

    def decimal(self, parts: list[Any]) -> Code:
        value = float(str(parts[0]))
        return lambda scope: value

    def string(self, parts: list[Any]) -> Code:
        value = _unquote(str(parts[0]))
        return lambda scope: value

    def constant(self, value: Any) -> Code:
        return lambda scope: value


def _unquote(literal: str) -> str:
    out: list[str] = []
    symbols = iter(literal[1:-1])
    for symbol in symbols:
        out.append(next(symbols, "") if symbol == "\\" else symbol)
    return "".join(out)


def _get_variable(key: Code) -> Code:
    def run(scope: Scope) -> Any:
        try:
            return scope[juel_values.text(key(scope))]
        except KeyError:
            return None

    return run


def _has_variable(key: Code) -> Code:
    def run(scope: Scope) -> bool:
        try:
            scope[juel_values.text(key(scope))]
        except KeyError:
            return False
        return True

    return run


def _execution_property(name: str) -> Code:
    def run(scope: Scope) -> Any:
        facts = surroundings.instance_facts()
        if facts is None:
            facts = scope.get(_EXECUTION) or {}
        if name not in facts:
            known = f" There is: {', '.join(facts)}." if facts else ""
            raise JuelError(f"Expected the property `{name}` of the execution, but it is not known here.{known}")
        return facts[name]

    return run


_HANDLERS: Mapping[str, Callable[[_Compiler, list[Any]], Code]] = {
    name: getattr(_Compiler, name)
    for name in ("choice", "disjunction", "conjunction", "operation", "negative", "negation", "emptiness", "variable",
                 "property", "element", "method", "function", "prefixed", "integer", "decimal", "string")
} | {
    "true": lambda compiler, parts: compiler.constant(True),
    "false": lambda compiler, parts: compiler.constant(False),
    "null": lambda compiler, parts: compiler.constant(None),
}
