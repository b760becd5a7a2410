"""What a command is told to act on: the thing that has a name, or the one of many that has a key."""

from __future__ import annotations

from web.cli.group import Refused
from web.cli.terminal import answer


def named(name: str | None, what: str) -> str:
    """The name that was given; `what` is called so ("a target"). Raises Refused if there is none."""
    if name is None:
        raise Refused(f"Expected the NAME of {what}, but there is none.")
    return name


def keyed(text: str | None, what: str, shown_by: str) -> int:
    """The key that was given; `shown_by` is the command that shows keys. Raises Refused if it is none."""
    if text is None or not text.isdecimal():
        raise Refused(f"Expected the key of {what}, as `{shown_by}` shows it.")
    return int(text)


def say_done(name: str | None, action: str, word: str) -> None:
    """Say that an action was carried out: what became of the thing, in a word."""
    answer({"name": name, "done": action}, lambda console: console.print(f"{name} is {word}.", markup=False))
