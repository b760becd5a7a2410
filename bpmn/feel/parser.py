"""Text to syntax tree: a recursive descent that knows which names are in scope (DMN 1.5 §10.3.1.2).

It never goes back: where the grammar is ambiguous (`[1..x[`, `in (…)`, argument names) a look at the next
characters decides, so that the time is linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bpmn.feel import scanner
from bpmn.feel.errors import FeelSyntaxError
from bpmn.feel.primaries import COMPARISONS, Primaries
from bpmn.feel.syntax import (
    Arithmetic,
    Between,
    Comparison,
    Filter,
    For,
    If,
    In,
    InstanceOf,
    Interval,
    Logic,
    Negation,
    Node,
    Path,
    Quantified,
    UnaryTests,
)
from bpmn.feel.types import Type

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 3}
_MAX_CHAIN = 100


class Parser(Primaries):
    """One text being parsed."""

    def whole_expression(self) -> Node:
        """The text as one expression. Raises FeelSyntaxError."""
        try:
            node = self.expression()
        except RecursionError:
            self.fail("Expected an expression that nests less deeply.")
        self.at_end()
        return node

    def whole_tests(self) -> UnaryTests:
        """The text as the unary tests of a decision table (DMN 1.5 §10.3.1.2, grammar rules 7 to 10).

        Raises FeelSyntaxError.
        """
        if self.text.strip() in ("-", ""):
            return UnaryTests(())
        try:
            negated = self._negated_tests()
            tests = negated or self.tests()
        except RecursionError:
            self.fail("Expected tests that nest less deeply.")
        self.at_end()
        return UnaryTests(tests, negated is not None)

    def _negated_tests(self) -> tuple[Node, ...] | None:
        """`not(…)` around the whole; where more follows the bracket, it is the function `not`."""
        start = self.position
        if not self.take_word("not") or not self.take("("):
            self.position = start
            return None
        try:
            tests = self.tests()
            self.need(")")
            if self.position == self.size:
                return tests
        except FeelSyntaxError:
            pass
        self.position, self.depth = start, 0
        del self.scopes[2:]
        return None

    def at_end(self) -> None:
        """Fail unless the whole text is read."""
        if self.position < self.size:
            hint = "; a name with spaces is written in backticks" if self.after_name() else ""
            self.fail(f"Expected an operator or the end of the expression, but {self.found()}{hint}.")

    def tests(self) -> tuple[Node, ...]:
        """One or more unary tests."""
        found = [self.operator_test() or self.expression()]
        while self.take(","):
            found.append(self.operator_test() or self.expression())
        return tuple(found)

    def expression(self) -> Node:
        """Any expression."""
        if self.peek("f") and self.take_word("for"):
            return self._for()
        if self.peek("i") and self.take_word("if"):
            return self._if()
        if (self.peek("s") and self.peek_word("some")) or (self.peek("e") and self.peek_word("every")):
            return self._quantified()
        alternatives = [self._conjunction()]
        while self.take_word("or"):
            alternatives.append(self._conjunction())
        return alternatives[0] if len(alternatives) == 1 else Logic("or", tuple(alternatives))

    def _conjunction(self) -> Node:
        operands = [self._comparison()]
        while self.take_word("and"):
            operands.append(self._comparison())
        return operands[0] if len(operands) == 1 else Logic("and", tuple(operands))

    def _if(self) -> Node:
        with self.deeper():
            condition = self.expression()
            self.need_word("then")
            then = self.expression()
            self.need_word("else")
            return If(condition, then, self.expression())

    def _for(self) -> Node:
        with self.deeper(), self.knowing() as scope:
            iterators = self._iterators(scope)
            self.need_word("return")
            return For(iterators, self.expression())

    def _quantified(self) -> Node:
        some = self.take_word("some")
        if not some:
            self.need_word("every")
        with self.deeper(), self.knowing() as scope:
            iterators = self._iterators(scope)
            self.need_word("satisfies")
            return Quantified(some, iterators, self.expression())

    def _iterators(self, scope: scanner.Names) -> tuple[tuple[str, Node], ...]:
        found: list[tuple[str, Node]] = []
        while True:
            match = scanner.LOOP_NAME.match(self.text, self.position)
            if not match:
                self.expected("a name and `in`")
            self.go_to(match.end())
            name = scanner.tidy(match[1])
            outer, self.ends_range = self.ends_range, False
            source = self.expression()
            if self.take(".."):
                source = Interval(source, self.expression(), True, True, may_descend=True)
            self.ends_range = outer
            found.append((name, source))
            scope.add(name)
            if not self.take(","):
                return tuple(found)

    def _comparison(self) -> Node:
        node = self.arithmetic()
        count = 0
        while True:
            count += 1
            if count > _MAX_CHAIN:
                self.fail(f"Expected at most {_MAX_CHAIN} comparisons in a row, but there are more.")
            operator = next((symbol for symbol in COMPARISONS if self.peek(symbol)), None)
            if operator is not None:
                self.take(operator)
                node = Comparison(operator, node, self.arithmetic())
            elif self.take_word("between"):
                low = self.arithmetic()
                self.need_word("and")
                node = Between(node, low, self.arithmetic())
            elif self.take_word("in"):
                node = self._in(node)
            elif self.take_word("instance"):
                self.need_word("of")
                node = InstanceOf(node, self.type())
            else:
                return node

    def _in(self, value: Node) -> Node:
        if not self.peek("("):
            return In(value, (self.operator_test() or self.arithmetic(),))
        start = self.position
        self.need("(")
        with self.deeper():
            outer, self.ends_range = self.ends_range, False
            tests = self.tests()
            self.ends_range = outer
            if len(tests) == 1 and self.take(".."):
                return In(value, (self.range_end(tests[0], start_included=False),))
        self.need(")")
        if len(tests) == 1:
            # (a).b, (a)[1] and (a) + b: the bracket was only the beginning of the test
            return In(value, (self.arithmetic(1, self._postfix(tests[0], start)),))
        return In(value, tests)

    def arithmetic(self, minimum: int = 1, first: Node | None = None) -> Node:
        """Operands joined by operators of at least that precedence."""
        node = first or self._unary()
        while True:
            operator = self._operator()
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < minimum:
                return node
            rest: list[tuple[str, Node]] = []
            while _PRECEDENCE.get(operator) == precedence:
                self.take(operator)
                rest.append((operator, self.arithmetic(precedence + 1)))
                operator = self._operator()
            node = Arithmetic(node, tuple(rest))

    def _operator(self) -> str:
        return "**" if self.peek("**") else self.text[self.position : self.position + 1]

    def _unary(self) -> Node:
        if not self.peek("-"):
            start = self.position
            return self._postfix(self.primary(), start)
        with self.deeper():
            self.take("-")
            return Negation(self._unary())

    def _postfix(self, node: Node, start: int) -> Node:
        """Properties, filters and calls behind a value."""
        for _ in range(_MAX_CHAIN):
            if self.peek(".") and not self.peek(".."):
                self.take(".")
                node = Path(node, self.member_name())
            elif self.peek("[") and not self.closes_range():
                node = self._filter(node)
            elif self.peek("("):
                node = self.call(node, start)
            else:
                return node
        self.fail(f"Expected at most {_MAX_CHAIN} dots, filters and calls in a row, but there are more.")

    def _filter(self, source: Node) -> Node:
        self.need("[")
        outer, self.ends_range = self.ends_range, False
        with self.deeper(), self.knowing():
            condition = self.expression()
        self.ends_range = outer
        self.need("]")
        return Filter(source, condition)


def parse_expression(text: str, names: Iterable[str], builtins: scanner.Names, members: Iterable[str] = (),
                     types: Mapping[str, Type] | None = None) -> Node:
    """The tree of an expression. Raises FeelSyntaxError."""
    return Parser(text, names, builtins, members, types).whole_expression()


def parse_tests(text: str, names: Iterable[str], builtins: scanner.Names, members: Iterable[str] = (),
                types: Mapping[str, Type] | None = None) -> UnaryTests:
    """The tree of unary tests. Raises FeelSyntaxError."""
    return Parser(text, names, builtins, members, types).whole_tests()


