"""What can go wrong with a FEEL expression."""

from __future__ import annotations


class FeelSyntaxError(ValueError):
    """The text is not FEEL. `position` is the 0-based offset in `text` where the trouble begins."""

    def __init__(self, message: str, position: int, text: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.text = text


class FeelError(Exception):
    """The evaluation was given up: a budget ran out, an assertion failed, or the result cannot be stored."""
