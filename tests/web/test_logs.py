"""What log lines must not tell: the values that the program was at work with when it failed."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from web.cli.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level, made = root.handlers, root.level, structlog.get_config()
    yield
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
