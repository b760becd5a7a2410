"""What log lines must not tell: the values that the program was at work with when it failed."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from engine import definitions, instances
from engine.queries import lists
from service_tasks import Call, Data, Registry, service_task
from service_tasks.worker import Worker
from tests.engine import drawing
from web.cli.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level, made = root.handlers, root.level, structlog.get_config()
    yield
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**made)


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_a_traceback_names_places_and_no_values(as_json, logger, capsys):
    # given a failure beside an address with a password
    configure_logging(as_json)

    def connect() -> None:
        address = "postgresql://user:" + "pass" * 3 + "@host/name"
        raise ConnectionError(f"{len(address)} characters lead nowhere")

    # when it is logged
    try:
        connect()
    except ConnectionError:
        logger("engine.somewhere").exception("it failed")

    # then the line says where and why, and nothing of the address
    said = capsys.readouterr().err
    assert "characters lead nowhere" in said
    assert "connect" in said
    assert "passpasspass" not in said
    if as_json:
        assert json.loads(said)["event"] == "it failed"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_what_is_hidden_is_in_no_line(as_json, logger, capsys):
    configure_logging(as_json)
    try:
        raise ConnectionError("no way to amqp://ann:hunter2@host, with token=hunter2 and 'apiKey': 'hunter2'")
    except ConnectionError:
        logger("engine.somewhere").exception("it failed, password: hunter2")
    if logger is structlog.get_logger:
        structlog.get_logger("x").warning("refused", accessToken="hunter2", about={"pin": "hunter2", "key": 7})
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "it failed" in said
    assert "amqp://ann:" in said
    assert "ConnectionError" in said


@pytest.mark.parametrize("as_json", [True, False])
def test_no_value_writes_a_line_of_its_own(as_json, capsys):
    configure_logging(as_json)
    hostile = "Ada\n2026-01-01 [error] all is lost\r\x1b[2J\u2028\x00{}"
    structlog.get_logger("x").warning(hostile, reason=hostile, about={"name": hostile})
    logging.getLogger("y").warning("of %s", hostile)
    said = capsys.readouterr().err
    lines = said.splitlines()
    assert len(lines) == 2
    assert not {"\x1b", "\r", "\x00"} & set(said)
    if as_json:
        assert [json.loads(line)["event"] for line in lines] == [hostile, f"of {hostile}"]


class Done(Data):
    """Nothing more."""


@service_task("charge")
def charge(*, call: Call) -> Done:
    """Logs by either library, and fails."""
    logging.getLogger("billing").warning("asking the bank")
    structlog.get_logger("billing").warning("asking again")
    raise ValueError("the bank said no")


@service_task("charge-async")
async def charge_async(*, call: Call) -> Done:
    """The same on the event loop."""
    logging.getLogger("billing").warning("asking the bank")
    raise ValueError("the bank said no")


@pytest.mark.parametrize("service", [charge, charge_async])
def test_lines_say_which_instance_and_element_they_are_about(engine, service, capsys):
    # given
    configure_logging(True)
    name = service.__name__.replace("_", "-")
    engine.execute(definitions.deploy, [drawing.file(drawing.process(
        "pay", drawing.start(), drawing.service("card", name, retries=1), drawing.end()))])
    registry = Registry()
    registry.add(service)
    worker = Worker(engine, registry)

    # when
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    key = engine.execute(instances.start, "pay", correlation_id="order-4711",
                         trace_parent=f"00-{trace}-00f067aa0ba902b7-01").key
    with engine.wakeup.listen(()) as listener:
        worker.start()
        for _ in range(400):
            if lists.incidents(engine).items:
                break
            listener.wait(0.05)
    worker.stop()

    # then
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = {line["event"]: line for line in lines}
    assert {"asking the bank", "incident opened"} <= said.keys()
    for line in said.values():
        ids = {name: line.get(name) for name in ("instance_key", "element_id", "correlation_id", "trace_id")}
        assert ids == {"instance_key": key, "element_id": "card", "correlation_id": "order-4711", "trace_id": trace}
    assert "the bank said no" in said["incident opened"]["reason"]
