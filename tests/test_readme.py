"""What the README says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service_tasks import BpmnError, Registry
from web.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
WITHOUT_LINE = {"resume", "cancel", "retry"}
"""Commands that share a line of the table with another one."""


def test_it_opens_with_the_two_commands():
    lines = [line for line in README.splitlines() if line.startswith("make ")]
    assert [line.split()[:2] for line in lines[:2]] == [["make", "demo"], ["make", "test"]]
    assert README.index("make demo") < 100


def test_it_names_every_command_and_no_other():
    table = README.partition("## The command line")[2].partition("\n## ")[0]
    named = set(re.findall(r"`partitur ([a-z]+)", table)) | {name for name in WITHOUT_LINE if f"`{name}" in table}
    assert named == set(COMMANDS)


def test_the_options_it_shows_exist():
    import typer

    from web.cli import app

    options = {option for command in typer.main.get_command(app).commands.values()
               for parameter in command.params for option in parameter.opts}
    table = README.partition("## The command line")[2].partition("\n## ")[0]
    assert set(re.findall(r"--[a-z][a-z-]+", table)) <= options


def test_its_service_is_one():
    [code] = re.findall(r"```python\n(.*?)```", README, re.S)
    names = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    registry = Registry()
    registry.add(names["reserve"])
    contract = registry.get("reserve-inventory")
    assert contract is not None
    with pytest.raises(BpmnError, match="Expected at least 101"):
        names["reserve"]("A-1", "TEA", 101, call=None)


def test_every_make_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_file_it_points_to_exists():
    for name in re.findall(r"`((?:examples|docs|web|bench|tests)/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name
