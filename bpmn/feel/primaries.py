"""The parts of an expression that stand for themselves: literals, names, lists, ranges, contexts, functions."""

from __future__ import annotations

import re
from abc import abstractmethod
from decimal import Decimal

from bpmn.feel import scanner
from bpmn.feel.cursor import Cursor
from bpmn.feel.iso8601 import parse_at
from bpmn.feel.syntax import (
    Call,
    Constant,
    ContextOf,
    External,
    FunctionOf,
    Interval,
    ListOf,
    Name,
    Node,
    Test,
)
from bpmn.feel.types import SIMPLE, ContextType, FunctionType, ListType, RangeType, Type, UnknownType
from bpmn.feel.values import CONTEXT

COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")
_WORDS = {"true": True, "false": False, "null": None}
_TYPE_NAMES = scanner.Names(SIMPLE)
_AFTER_RANGE = re.compile(
    r"\s*(?:$|[),\]}=<>!*/+]|\.\s*[^\s\d]|(?:and|or|then|else|return|satisfies|in|between|instance)(?![\w$]))")


class Primaries(Cursor):
    """Rules for primary expressions; the operators are the subclass's."""

    @abstractmethod
    def expression(self) -> Node:
        """Any expression."""

    @abstractmethod
    def arithmetic(self) -> Node:
        """An expression without comparison and logic."""

    def primary(self) -> Node:
        """Anything that has no operator outside of brackets."""
        symbol = self.text[self.position : self.position + 1]
        if symbol == '"':
            return Constant(self.string())
        if symbol.isdigit() or (symbol == "." and self.text[self.position + 1 : self.position + 2].isdigit()):
            return self.number()
        if symbol == "(":
            return self.parentheses()
        if symbol in ("[", "]") and symbol:
            return self.brackets(symbol)
        if symbol == "{":
            return self.context()
        if symbol == "@":
            return self.at_literal()
        return self.word()

    def string(self) -> str:
        """A string literal."""
        match = scanner.STRING.match(self.text, self.position)
        if not match:
            self.fail("Expected a closing `\"` for the text that begins here, but there is none.")
        self.go_to(match.end())
        return scanner.unescape(match[1])

    def number(self) -> Node:
        """A number literal; integers stay exact Python integers."""
        match = scanner.NUMBER.match(self.text, self.position)
        if not match:
            self.expected("a number")
        if scanner.IDENTIFIER.match(self.text, match.end()):
            self.fail(f"Expected a number, but `{match[0]}` goes on with letters.", match.end())
        self.go_to(match.end())
        if match[0].isdigit() and len(match[0]) <= CONTEXT.prec:
            return Constant(int(match[0]))
        try:
            return Constant(CONTEXT.create_decimal(Decimal(match[0])))
        except ArithmeticError:
            self.fail(f"Expected a number that fits 34 digits, but `{match[0][:40]}` does not.", match.start())

    def at_literal(self) -> Node:
        """`@"2020-01-31"`."""
        start = self.position
        self.need("@")
        text = self.string()
        try:
            return Constant(parse_at(text))
        except ValueError as error:
            self.fail(str(error), start)

    def word(self) -> Node:
        """A name, a constant, or one of the expressions that begin with a keyword."""
        start = self.position
        quoted = scanner.BACKTICK.match(self.text, start)
        if quoted:
            self.go_to(quoted.end())
            return Name(quoted[1], start)
        plain = scanner.IDENTIFIER.match(self.text, start)
        spaced = self.spaced_name()
        if spaced and not (plain and plain.end() >= spaced[1]):
            self.go_to(spaced[1])
            return Name(spaced[0], start)
        if not plain:
            self.expected("a value")
        word = plain[0]
        if word == "function":
            return self.function()
        if word in ("if", "for", "some", "every"):
            return self.expression()
        if word not in _WORDS and word in scanner.KEYWORDS:
            self.expected("a value")
        self.go_to(plain.end())
        return Constant(_WORDS[word]) if word in _WORDS else Name(word, start)

    def parentheses(self) -> Node:
        """`(expression)`, the range `(a..b]`, or the range `(< 5)`."""
        self.need("(")
        with self.deeper():
            outer, self.ends_range = self.ends_range, False
            test = self.operator_test()
            inner = test or self.expression()
            self.ends_range = outer
            if test is None and self.take(".."):
                return self.range_end(inner, start_included=False)
        self.need(")")
        return inner

    def operator_test(self) -> Test | None:
        """`< 5` and its like, if one stands here."""
        for operator in COMPARISONS:
            if self.take(operator):
                return Test(operator, self.arithmetic())
        return None

    def brackets(self, opening: str) -> Node:
        """A list or a range."""
        start = self.position
        self.need(opening)
        if opening == "[" and self.take("]"):
            return ListOf(())
        with self.deeper():
            outer, self.ends_range = self.ends_range, False
            items = [self.operator_test() or self.expression()]
            self.ends_range = outer
            if self.take(".."):
                return self.range_end(items[0], start_included=opening == "[")
            if opening == "]":
                self.fail("Expected a range such as `]1..5]`, but there is no `..` after its start.", start)
            self.ends_range = False
            while self.take(","):
                items.append(self.operator_test() or self.expression())
            self.ends_range = outer
        self.need("]")
        return ListOf(tuple(items))

    def range_end(self, start: Node, start_included: bool) -> Node:
        """What follows the `..` of a range."""
        outer, self.ends_range = self.ends_range, True
        end = self.expression()
        self.ends_range = outer
        if self.take("]"):
            return Interval(start, end, start_included, True)
        if self.take(")") or self.take("["):
            return Interval(start, end, start_included, False)
        self.expected("`]`, `)` or `[` at the end of the range")

    def closes_range(self) -> bool:
        """Whether the `[` that stands here ends a range rather than begins a filter."""
        return self.ends_range and _AFTER_RANGE.match(self.text, self.position + 1) is not None

    def context(self) -> Node:
        """`{name: value, …}`: later entries see the earlier ones."""
        self.need("{")
        entries: dict[str, Node] = {}
        outer, self.ends_range = self.ends_range, False
        with self.deeper(), self.knowing() as scope:
            while not self.peek("}"):
                start = self.position
                key = self.context_key()
                if key in entries:
                    self.fail(f"Expected each key once, but `{key}` stands there twice.", start)
                entries[key] = self.expression()
                scope.add(key)
                self.members.add(key)
                if not self.take(","):
                    break
        self.ends_range = outer
        self.need("}")
        return ContextOf(tuple(entries.items()))

    def context_key(self) -> str:
        """A key with its colon."""
        if self.peek('"'):
            key = self.string()
            self.need(":")
            return key
        quoted = scanner.BACKTICK.match(self.text, self.position)
        if quoted:
            self.go_to(quoted.end())
            self.need(":")
            return quoted[1]
        return self.key("a key with a colon, such as `name: value`")

    def key(self, what: str) -> str:
        """A name up to and past its colon."""
        match = scanner.KEY.match(self.text, self.position)
        if not match:
            self.expected(what)
        self.go_to(match.end())
        return scanner.tidy(match[1])

    def function(self) -> Node:
        """`function(a: number, b) body`."""
        self.need_word("function")
        self.need("(")
        names: list[str] = []
        types: list[Type | None] = []
        while not self.take(")"):
            match = scanner.PARAMETER.match(self.text, self.position)
            if not match:
                self.expected("the name of a parameter")
            self.go_to(match.end())
            names.append(scanner.tidy(match[1]))
            types.append(self.type() if self.take(":") else None)
            if not self.take(",") and not self.peek(")"):
                self.expected("`,` or `)`")
        if self.take_word("external"):
            self.expression()
            return External()
        with self.deeper(), self.knowing(names):
            return FunctionOf(tuple(names), tuple(types), self.expression())

    def call(self, function: Node, position: int) -> Node:
        """The arguments of an invocation: all by position or all by name."""
        self.need("(")
        if self.take(")"):
            return Call(function, (), None, position)
        outer, self.ends_range = self.ends_range, False
        names: list[str] = []
        arguments: list[Node] = []
        by_name = scanner.KEY.match(self.text, self.position) is not None
        with self.deeper():
            while True:
                if by_name:
                    names.append(self.key("the name of an argument with a colon"))
                arguments.append(self.operator_test() or self.expression())
                if not self.take(","):
                    break
        self.ends_range = outer
        self.need(")")
        return Call(function, tuple(arguments), tuple(names) if by_name else None, position)

    def type(self) -> Type:
        """A type, as after `instance of`."""
        with self.deeper():
            known = self._named_type()
            if known is not None:
                return known
            for word, read in (("list", self._list_type), ("range", self._range_type),
                               ("context", self._context_type), ("function", self._function_type)):
                if self.take_word(word):
                    return read() if self.take("<") else SIMPLE[word]
        match = scanner.IDENTIFIER.match(self.text, self.position)
        if not match:
            self.expected("the name of a type")
        self.go_to(match.end())
        return SIMPLE.get(match[0]) or UnknownType(match[0])

    def _named_type(self) -> Type | None:
        for name in sorted(self.types, key=len, reverse=True):
            if self.peek_word(name):
                self.go_to(self.position + len(name))
                return self.types[name]
        spaced = _TYPE_NAMES.match(self.text, self.position)
        if spaced is None:
            return None
        self.go_to(spaced[1])
        return SIMPLE[spaced[0]]

    def _list_type(self) -> Type:
        item = self.type()
        self.need(">")
        return ListType(item)

    def _range_type(self) -> Type:
        point = self.type()
        self.need(">")
        return RangeType(point)

    def _context_type(self) -> Type:
        entries: dict[str, Type] = {}
        while True:
            name = self.key("the name of an entry with a colon")
            entries[name] = self.type()
            if not self.take(","):
                break
        self.need(">")
        return ContextType(entries)

    def _function_type(self) -> Type:
        parameters: list[Type] = []
        while not self.take(">"):
            parameters.append(self.type())
            if not self.take(",") and not self.peek(">"):
                self.expected("`,` or `>`")
        self.need("->")
        return FunctionType(tuple(parameters), self.type())
