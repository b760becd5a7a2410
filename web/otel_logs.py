"""Sends log lines, and the sealed entries of the audit trail, to another system, by OTLP over HTTP.

So whoever breaks in here cannot take back what was told. The settings are those that OpenTelemetry gives to everybody.

A collector that is slow or away costs lines there and nothing else: they wait in a queue of a fixed length, and are
written to standard error all the same.
Sources: OpenTelemetry specification, "Environment Variable Specification", "Logs Data Model"; OWASP ASVS 5.0, 16.4.3.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.columns import from_json, to_json
from web.otel import TracingMissing, wants

OWN = ("opentelemetry", "urllib3", "requests")
"""Loggers of the sender itself: what it has to complain about would be sent by it again."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the settings ask for log lines."""
    return wants("LOGS", environment)


class LogExporter(logging.Handler):
    """Hands lines to OpenTelemetry's own queue and sender. `formatter` makes a JSON object of each.

    Raises TracingMissing.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        try:
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from opentelemetry.sdk._logs import LoggerProvider
            from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
            from opentelemetry.sdk.resources import Resource
        except ImportError as error:
            raise TracingMissing(
                f"Expected the packages for logs, because OTEL_… settings ask for them, but there is no module "
                f"{error.name!r}: `pip install 'partitur[otel]'`."
            ) from error
        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        self._provider = LoggerProvider(Resource.create({} if named else {"service.name": "partitur"}),
                                        shutdown_on_exit=False)
        try:
            self._provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        except ValueError as error:
            raise TracingMissing(f"Expected OTEL_… settings that can be used, but: {error}.") from error
        self._logger = self._provider.get_logger("partitur")
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        if record.name.partition(".")[0] in OWN:
            return
        try:
            line: dict[str, Any] = from_json(self.format(record))
            self._send(str(line.pop("event", "")), line, record.levelno, round(record.created * 1_000_000_000))
        except Exception:
            self.handleError(record)

    def sealed(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Queue entries of the audit trail that have got their place in its chain, with their hashes."""
        for entry in entries:
            said = {name: value for name, value in entry.items() if value is not None}
            at: datetime = entry["at"]
            self._send("audit", {**said, "logger": "partitur.audit"}, logging.INFO,
                       round(at.timestamp() * 1_000_000) * 1_000)

    def _send(self, event: str, about: Mapping[str, Any], level: int, at: int) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber

        names = {logging.DEBUG: SeverityNumber.DEBUG, logging.INFO: SeverityNumber.INFO,
                 logging.WARNING: SeverityNumber.WARN, logging.ERROR: SeverityNumber.ERROR}
        trace = about.get("trace_id")
        self._logger.emit(LogRecord(
            timestamp=at, observed_timestamp=at, body=event, severity_text=logging.getLevelName(level),
            severity_number=names.get(level, SeverityNumber.FATAL if level > logging.ERROR else SeverityNumber.INFO),
            trace_id=int(trace, 16) if isinstance(trace, str) else None,
            attributes={name: value if isinstance(value, str | bool | int | float) else to_json(value)
                        for name, value in about.items()},
        ))

    def close(self) -> None:
        """Send what waits, for some seconds at most, and stop."""
        self._provider.shutdown()
        super().close()
