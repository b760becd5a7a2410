"""Services that are read again when their files change."""

from __future__ import annotations

import logging
import os
import sys

import pytest

from service_tasks import Registry
from service_tasks.reloading import Reloader

SERVICE = """
from service_tasks import service_task

@service_task({name!r}, version={version!r})
def work() -> dict[str, str]:
    return {{"version": {version!r}}}
"""


class Edited:
    """A file of services that is edited; each edit is a second younger."""

    def __init__(self, path):
        self.path = path
        self.age = 1_800_000_000

    def write(self, text):
        self.path.write_text(text)
        self.age += 1
        os.utime(self.path, (self.age, self.age))


@pytest.fixture
def edited(tmp_path):
    file = Edited(tmp_path / "mine.py")
    file.write(SERVICE.format(name="work", version="1"))
    yield file
    for name in [name for name in sys.modules if name.startswith("partitur_services_") and name.endswith("_mine")]:
        del sys.modules[name]


@pytest.fixture
def watched(edited):
    """The registry of that file, its reloader, and what it told."""
    registry, told = Registry(), []
    registry.load(str(edited.path))
    return registry, Reloader(registry, [str(edited.path)], lambda: told.append(1)), told


def test_a_changed_file_is_read_again(edited, watched):
    registry, reloader, told = watched
    assert not reloader.look_once()
    edited.write(SERVICE.format(name="work", version="2"))
    assert reloader.look_once()
    assert registry.get("work").function() == {"version": "2"}
    assert told == [1]
    assert not reloader.look_once()


def test_a_service_that_is_gone_is_gone(edited, watched):
    registry, reloader, _ = watched
    edited.write(SERVICE.format(name="other", version="1"))
    reloader.look_once()
    assert [contract.name for contract in registry] == ["other"]


@pytest.mark.parametrize("broken", ["def work(:", "import no_such_module_at_all", "x = 1"])
def test_a_file_that_cannot_be_read_leaves_the_services_until_it_can(edited, watched, broken, caplog):
    registry, reloader, told = watched
    edited.write(broken)
    with caplog.at_level(logging.ERROR):
        assert not reloader.look_once()
    assert "cannot be" in caplog.text
    assert registry.get("work").function() == {"version": "1"}
    assert told == []

    edited.write(SERVICE.format(name="work", version="3"))
    assert reloader.look_once()
    assert registry.get("work").function() == {"version": "3"}
