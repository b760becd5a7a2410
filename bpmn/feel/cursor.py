"""Where the parser stands in the text, and which names it knows there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from bpmn.feel import scanner
from bpmn.feel.errors import FeelSyntaxError
from bpmn.feel.limits import MAX_DEPTH, MAX_TEXT
from bpmn.feel.properties import SPACED
from bpmn.feel.scanner import Names
from bpmn.feel.types import Type


class Cursor:
    """A position in a text, with the small steps that every rule of the grammar is made of.

    `names` are variables in scope whose names are no identifiers, `builtins` those of the library, `members` names
    that may follow a dot, `types` the types that a model defines.
    """

    def __init__(self, text: str, names: Iterable[str], builtins: Names, members: Iterable[str] = (),
                 types: Mapping[str, Type] | None = None) -> None:
        self.text = text
        self.position = 0
        self.size = len(text)
        self.depth = 0
        self.types = types or {}
        self.scopes = [builtins, Names(names)]
        self.members = Names((*SPACED, *members))
        self.ends_range = False
        """Inside the second end of a range: a `[` may close it."""
        if self.size > MAX_TEXT:
            self.fail(f"Expected an expression of at most {MAX_TEXT:,} characters, but it has {self.size:,}.")
        self.skip_blank()

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        """Raises FeelSyntaxError with a whole sentence."""
        raise FeelSyntaxError(message, self.position if position is None else position, self.text)

    def expected(self, what: str) -> NoReturn:
        """Raises FeelSyntaxError: something else was expected here."""
        self.fail(f"Expected {what}, but {self.found()}.")

    def found(self) -> str:
        """What stands at the position, in words."""
        if self.position >= self.size:
            return "the expression ends"
        rest = self.text[self.position : self.position + 20].split("\n")[0]
        return f"found `{rest}`" + ("…" if self.position + 20 < self.size else "")

    def after_name(self) -> bool:
        """Whether two names stand next to each other here: probably one name with a space."""
        before = self.text[: self.position].rstrip()
        return bool(before) and scanner.is_word(before, len(before) - 1) and (
            scanner.IDENTIFIER.match(self.text, self.position) is not None)

    def skip_blank(self) -> None:
        """Go past blanks and comments."""
        match = scanner.BLANK.match(self.text, self.position)
        if match:
            self.position = match.end()

    def go_to(self, position: int) -> None:
        """Go to the next thing at or after the position."""
        self.position = position
        self.skip_blank()

    def peek(self, symbol: str) -> bool:
        """Whether the symbol stands here."""
        return self.text.startswith(symbol, self.position)

    def take(self, symbol: str) -> bool:
        """Go past the symbol if it stands here."""
        if not self.text.startswith(symbol, self.position):
            return False
        self.go_to(self.position + len(symbol))
        return True

    def need(self, symbol: str) -> None:
        """Go past the symbol, or fail."""
        if not self.take(symbol):
            self.expected(f"`{symbol}`")

    def peek_word(self, word: str) -> bool:
        """Whether the keyword stands here."""
        return self.text.startswith(word, self.position) and not scanner.is_word(self.text, self.position + len(word))

    def take_word(self, word: str) -> bool:
        """Go past the keyword if it stands here."""
        if not self.peek_word(word):
            return False
        self.go_to(self.position + len(word))
        return True

    def need_word(self, word: str) -> None:
        """Go past the keyword, or fail."""
        if not self.take_word(word):
            self.expected(f"`{word}`")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One level of nesting; too many are refused."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"Expected at most {MAX_DEPTH} levels of nesting, but the expression goes deeper.")
        yield
        self.depth -= 1

    @contextmanager
    def knowing(self, names: Iterable[str] = ()) -> Iterator[Names]:
        """A scope in which more names are known."""
        scope = Names(names)
        self.scopes.append(scope)
        yield scope
        self.scopes.pop()

    def spaced_name(self, first_scope: int = 0) -> tuple[str, int] | None:
        """The longest known name that is no identifier, from the given scope on."""
        best: tuple[str, int] | None = None
        for scope in self.scopes[first_scope:]:
            found = scope.match(self.text, self.position)
            if found and (best is None or found[1] > best[1]):
                best = found
        return best

    def member_name(self) -> str:
        """The name after a dot."""
        quoted = scanner.BACKTICK.match(self.text, self.position)
        if quoted:
            self.go_to(quoted.end())
            return quoted[1]
        best = self.members.match(self.text, self.position)
        other = self.spaced_name(1)
        if other and (best is None or other[1] > best[1]):
            best = other
        if best is None:
            word = scanner.IDENTIFIER.match(self.text, self.position)
            if not word:
                self.expected("the name of a property after the dot")
            best = word[0], word.end()
        self.go_to(best[1])
        return best[0]
