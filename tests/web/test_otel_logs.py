"""Log lines and the audit trail go to another system, too, while they are written here; nothing hidden goes along."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from typer.testing import CliRunner

from engine import chain, definitions, pausing
from tests.engine.drawing import end, file, process, start
from tests.web.collector import Collector
from web import otel_logs
from web.cli import app as command_line
from web.cli.logs import configure_logging
from web.cli.opening import opened
from web.cli.settings import Settings


class Records(Collector):
    path, request = "/v1/logs", ExportLogsServiceRequest

    def __init__(self):
        self.records = []
        super().__init__()

    def take(self, request):
        self.hear(request.resource_logs)
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                self.records += [(each, {one.key: one.value.string_value or one.value.int_value
                                         for one in each.attributes}) for each in scope.log_records]

    def of(self, body):
        return [(record, said) for record, said in self.records if record.body.string_value == body]


@pytest.fixture
def collector(monkeypatch, tmp_path):
    root = logging.getLogger()
    before, level, made = root.handlers, root.level, structlog.get_config()
    collector = Records()
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    yield collector
    root.handlers = before
    root.setLevel(level)
    structlog.configure(**made)
    collector.server.shutdown()
    collector.server.server_close()


def test_lines_and_sealed_entries_of_the_trail_go_elsewhere(collector):
    configure_logging(True)
    with opened(Settings.of(), by_itself=True) as engine:
        ann = engine.acting_as("ann")
        ann.execute(definitions.deploy, [file(process("p", start(), end()))])
        ann.execute(pausing.pause, "p", reason="The bank is down.")
        structlog.get_logger("web.x").warning("somebody knocked", who="mallory", password="hunter2", instance_key=7)
        logging.getLogger("library").error("it said token=hunter2")
        logging.getLogger("opentelemetry.sdk").error("about itself")
        assert chain.seal_all(engine) >= 2
    # closing sends what waits
    assert collector.services == {"partitur"}
    [(record, said)] = collector.of("somebody knocked")
    assert (record.severity_text, said["logger"], said["who"], said["instance_key"]) == (
        "WARNING", "web.x", "mallory", 7)
    assert "hunter2" not in str(collector.records)
    assert collector.of("it said token=••••••")
    assert not collector.of("about itself")
    entries = [said for _, said in collector.of("audit")]
    assert [each["position"] for each in entries] == [*range(1, len(entries) + 1)]
    [paused] = [each for each in entries if each.get("reason") == "The bank is down."]
    assert paused["actor"] == "ann"
    # the hashes are those of the database, so that what is changed there later shows
    with opened(Settings.of(), by_itself=True) as engine:
        assert chain.head(engine).hash == entries[-1]["hash"]


def test_what_a_command_seals_goes_there_too(collector, tmp_path):
    path = tmp_path / "p.bpmn"
    path.write_bytes(file(process("p", start(), end())).content)
    assert CliRunner().invoke(command_line, ["deploy", str(path)]).exit_code == 0
    verified = CliRunner().invoke(command_line, ["audit", "verify", "--json"])
    assert json.loads(verified.stdout)["checked"] >= 1
    assert collector.of("audit")


@pytest.mark.parametrize(("said", "wanted"), [
    ({}, False), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example"}, True),
    ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://c.example"}, True), ({"OTEL_LOGS_EXPORTER": "otlp"}, True),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example"}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example", "OTEL_LOGS_EXPORTER": "none"}, False),
    ({"OTEL_LOGS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False)])
def test_the_settings_are_those_of_opentelemetry(said, wanted):
    assert otel_logs.is_wanted(said) is wanted
