"""Files of others are shown to a virus scanner (`web.clamd`) before anything is done with them, if there is one.

What is looked at: every file of an upload at any door, the files that a review carries along, values of Camunda 7's
types File and Bytes, what webhooks bring, and what `partitur deploy` reads. While the scanner is away nothing is taken.
"""

from __future__ import annotations

import structlog
from flask import Flask, current_app, has_app_context, request

from engine.engine import Engine
from engine.errors import InvalidInput
from web.auth.identity import current
from web.clamd import Scanner, ScannerAway

logger = structlog.get_logger(__name__)


class Infected(InvalidInput):
    """A file has malware in it. Nothing was kept of it."""


def install(app: Flask, scanner: Scanner | None) -> None:
    """Show the files of each upload to a scanner before any view has them."""
    app.extensions["scanner"] = scanner
    if scanner is not None:
        app.before_request(_uploads)


def _uploads() -> None:
    if request.mimetype == "multipart/form-data" and request.endpoint is not None:
        for _, file in request.files.items(multi=True):
            look_at(file.filename or "", file.stream.read())
            file.stream.seek(0)


def look_at(name: str, content: bytes) -> None:
    """Show a file that came with the present request to the scanner, if there is one.

    Raises Infected, ScannerAway.
    """
    scanner: Scanner | None = current_app.extensions.get("scanner") if has_app_context() else None
    if scanner is not None:
        check(scanner, current_app.extensions["engine"], name, content)


def check(scanner: Scanner, engine: Engine, name: str, content: bytes) -> None:
    """Show a file to a scanner. Raises Infected, ScannerAway."""
    try:
        found = scanner.look(content)
    except ScannerAway:
        engine.metrics.count("files_scanned", "away")
        raise
    engine.metrics.count("files_scanned", "clean" if found is None else "infected")
    if found is not None:
        who = current() if has_app_context() else None
        logger.warning("a file was refused", file=name[:200], found=found, who=who.name if who else None)
        raise Infected(f"Expected {name[:200]!r} to be without malware, but the virus scanner found {found[:200]} in "
                       "it. Nothing was taken.")
