"""A serving process with `--reload-services` calls the new function after an edit, without a restart."""

from __future__ import annotations

import os
import sys

from tests.service_tasks.stage import PROCESS, Stage
from web.cli.node import Node
from web.cli.services import Services

SERVICE = """
from service_tasks import service_task

@service_task("work")
def work() -> dict[str, str]:
    return {{"said": {said!r}}}
"""


def said(stage, key):
    stage.ended(key)
    return stage.variables(key)["said"]


def test_an_edited_service_is_called_without_a_restart(engine, tmp_path):
    # given a node that serves a file
    file = tmp_path / "edited_services.py"
    file.write_text(SERVICE.format(said="before"))
    services = Services(sources=[str(file)], threads=2, reload=True)
    services.connect(engine)
    node, stage = Node(engine, services, web=None), Stage(engine)
    stage.deploy("one-service.bpmn", PROCESS.encode())
    node.start()
    try:
        assert said(stage, stage.start()) == "before"

        # when the file is edited, then soon the new function is called
        file.write_text(SERVICE.format(said="after"))
        os.utime(file, (1_800_000_000, 1_800_000_000))
        stage.until(lambda: said(stage, stage.start()) == "after")
    finally:
        node.stop()
        sys.modules.pop(services.registry.get("work").function.__module__, None)
