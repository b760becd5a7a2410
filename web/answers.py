"""What every REST interface has in common: the engine of the application, JSON answers, and answers without content."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from engine.columns import to_json
from engine.engine import Engine


def engine() -> Engine:
    """The engine of this application."""
    found: Engine = current_app.extensions["engine"]
    return found


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer. Its content type has nothing behind it: a JavaScript client compares the whole text."""
    return written(to_json(content), status)


def written(text: str, status: int = 200) -> Response:
    """A JSON answer that is written already. A command whose result is more than an `Idempotency-Key` can keep as it is
    (decimals, dates) gives its answer itself."""
    return Response(text, status, content_type="application/json")


def done() -> Response:
    """The answer of a command that gives nothing back: clients accept 204 only."""
    return Response(status=204)
