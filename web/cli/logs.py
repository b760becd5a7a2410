"""Log lines: for people, or one JSON object each. Ours and those of every library alike."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from engine.masking import MaskError, Masking
from engine.telemetry.logs import with_ids

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure_logging(as_json: bool, level: int = logging.WARNING) -> None:
    """Send all log records to standard error in one form."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(as_json))
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_shared(),
                    structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def formatter(as_json: bool) -> logging.Formatter:
    """What makes a line of a record, of ours and of every library alike: for people, or a JSON object."""
    mask = _masking().all_of_it
    # Local variables hold passwords, secrets and what instances are about: a log must not show them.
    last: list[Any] = (
        [structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
         lambda _logger, _method, line: mask(line), structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.processors.format_exc_info, lambda _logger, _method, line: _visible(mask(line)),
              structlog.dev.ConsoleRenderer(
                  colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(), processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        with_ids,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _visible(line: Any) -> Any:
    """What a terminal would obey, as it is written: a value must not end its line, and so write one of its own."""
    return {name: _CONTROL.sub(_written, value) if isinstance(value, str) and name not in ("exception", "stack")
            else value for name, value in line.items()}


def _written(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


def _masking() -> Masking:
    """What no line tells. A setting that cannot be is refused elsewhere; until then the usual names are hidden."""
    try:
        return Masking.of(os.environ.get("PARTITUR_MASK") or "")
    except MaskError:
        return Masking()
