"""The promises of the design that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from web.cli import app

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "bpmn": set(),
    "engine": {"bpmn"},
    "service_tasks": {"bpmn", "engine"},
    "web": {"bpmn", "engine", "service_tasks"},
}
LONGEST_FILE = 400


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("This is not a git checkout, so there are no tracked files to read.")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_is_below_it(package):
    allowed = MAY_IMPORT[package] | {package}
    for path in modules(package):
        ours = {name.partition(".")[0] for name in imports(path)} & MAY_IMPORT.keys()
        assert ours <= allowed, f"{path.relative_to(ROOT)} imports {sorted(ours - allowed)}"


def test_spiffworkflow_is_known_in_the_interpreter_only():
    home = ROOT / "bpmn" / "interpreter"
    for package in MAY_IMPORT:
        for path in modules(package):
            if home not in path.parents:
                assert not any(name.partition(".")[0] == "SpiffWorkflow" for name in imports(path)), path


def test_databases_differ_in_few_files_only():
    # How to speak to them, how they keep values, how they find rows of large lists, what their errors mean, and what
    # only PostgreSQL has: the queue between nodes.
    few = ("database.py", "columns.py", "wording.py", "outages.py", "cluster/queue_postgres.py")
    home = {*(ROOT / "engine" / name for name in few), *(ROOT / "engine" / "migrations").rglob("*.py")}
    drivers = ("sqlite3", "psycopg", "sqlalchemy.dialects")
    for path in set(modules("engine")) - home:
        assert not any(name.startswith(drivers) for name in imports(path)), path
        assert not re.search(r"dialect\.name|\.dialect\s*==", path.read_text()), path


def test_only_the_engine_speaks_sql():
    for package in ("bpmn", "service_tasks", "web"):
        for path in modules(package):
            # Naming the errors of a database that cannot be reached is no SQL.
            found = {name for name in imports(path) if name.partition(".")[0] == "sqlalchemy"} - {"sqlalchemy.exc"}
            assert not found, path


def test_files_stay_short_or_say_why():
    _, _, section = (ROOT / "docs" / "DECISIONS.md").read_text().partition("## Files longer than 400 lines")
    excused = set(re.findall(r"`([^`]+\.py)`", section.partition("\n## ")[0]))
    for package in MAY_IMPORT:
        for path in modules(package):
            name = path.relative_to(ROOT).as_posix()
            assert len(path.read_text().splitlines()) <= LONGEST_FILE or name in excused, name


def test_no_file_names_a_registry_or_this_machine():
    # Put together here so that this file does not find itself.
    names = (("pypi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"), ("npm" + "js", "com"),
             ("yarnpkg", "com"), ("deb", "debian", "org"))
    hosts = [".".join(parts) for parts in names]
    folders = ["/".join(["", *parts, ""]) for parts in (("home",), ("work", "main"), ("work", "shared"), ("root",),
                                                        ("Users",))]
    forbidden = re.compile("|".join(re.escape(text) for text in hosts) + "|"
                           + "|".join(rf"(?<![\w.>}}-]){re.escape(text)}" for text in folders))
    for path in tracked_files():
        found = forbidden.search(path.read_bytes().decode(errors="replace"))
        assert found is None, f"{path.relative_to(ROOT)} names {found and found.group()}"


def test_every_dependency_is_pinned_with_hashes_and_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    for extra in project["project"]["optional-dependencies"].values():
        declared += extra
    names = {re.split(r"[\[=<>!~ ;]", text)[0].lower() for text in declared} - {"partitur"}
    constraints = (ROOT / "constraints.txt").read_text()
    pinned = {block[0].lower() for block in re.findall(r"^(\S+?)==\S+.*\\\n\s+--hash=(sha256:\w+)", constraints, re.M)}
    explained = (ROOT / "docs" / "DECISIONS.md").read_text().lower()
    assert names <= pinned
    assert {name for name in names if name.replace("psycopg", "psycopg 3") not in explained} == set()


def commands() -> list[typer.main.TyperCommand]:
    group = typer.main.get_command(app)
    return list(group.commands.values())


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_command_can_answer_in_json(command):
    assert any("--json" in parameter.opts for parameter in command.params)
