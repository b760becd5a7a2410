"""What docs/SECURITY.md says is so: the files and tests that it names are there, its limits are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bpmn import python_scripts
from bpmn.feel import limits as feel
from bpmn.forms import components, submission
from bpmn.parser import MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_NESTED_SUB_PROCESSES, MAX_PROCESSES
from engine.masking import DEFAULT
from service_tasks.connector import transport
from service_tasks.patience import MAX_LOOKS
from web.app import MAX_UPLOAD

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "SECURITY.md").read_text()
REQUIREMENTS = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1 3.2:1-2 3.3:1-4 3.4:1-6 3.5:1-5 3.7:1-2
4.1:1-3 4.2:1 4.3:1-2 4.4:1-4 5.1:1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3
6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1 8.4:1 9.1:1-3 9.2:1-4 10.1:1-2
10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1 11.6:1
12.1:1-3 12.2:1-2 12.3:1-4 13.1:1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3
15.3:1-7 16.1:1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1 17.2:1-4 17.3:1-2
"""
"""The requirements of levels 1 and 2 of OWASP ASVS 5.0.0, by section."""
ROW = re.compile(r"^\| ([0-9., ]+) \| ([^|]+) \| (\w+|n/a) \| ([^|]*) \| ([^|]*) \|$", re.M)
FILE = re.compile(r"`((?:bpmn|engine|service_tasks|web|tests|docs|\.ci)/[\w./-]+|[\w-]+\.(?:toml|txt|json))`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
CODE = {"eval", "exec", "__import__"}
"""Calls that make code of data."""
ALLOWED = {"web/cli/checks.py imports subprocess"}
"""The doctor asks the Node on the PATH for its version."""
DANGEROUS = {"pickle", "marshal", "shelve", "subprocess", "pty", "code", "codeop"}


def required():
    """Every id."""
    for word in REQUIREMENTS.split():
        section, numbers = word.split(":")
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            yield from (f"{section}.{number}" for number in range(int(first), int(last or first) + 1))


def test_every_requirement_is_answered_once():
    answered = [id.strip() for row in ROW.finditer(TEXT) for id in row[1].split(",")]
    assert sorted(answered) == sorted(required())
    assert len(answered) == 253


def test_every_answer_says_where_or_why():
    for _, requirement, state, where, _ in ROW.findall(TEXT):
        assert state in ("met", "partly", "open", "n/a"), requirement
        assert where.strip(), requirement


def test_every_file_that_is_named_is_there():
    missing = [name for name in FILE.findall(TEXT) if not (ROOT / name).exists()]
    assert missing == []


def test_every_test_that_is_named_is_there():
    named = TEST.findall(TEXT)
    assert len(named) > 100
    missing = [f"{path}::{name}" for path, name in named
               if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []


def test_the_limits_are_those_of_the_code():
    for said in (
        f"{MAX_UPLOAD // 2**20} MB", f"{MAX_BYTES // 2**20} MB, {MAX_ELEMENTS:,} elements, {MAX_DEPTH} levels",
        f"{MAX_ATTRIBUTES} attributes an element", f"{MAX_NESTED_SUB_PROCESSES} sub-processes in each other",
        f"{MAX_PROCESSES} executable processes",
        f"{components.MAX_COMPONENTS:,} components, {components.MAX_DEPTH} levels",
        f"{submission.MAX_ITEMS:,} elements in a list, {submission.MAX_PLACES:,} fields in all",
        f"{feel.MAX_TEXT:,} and 10,000 characters, {feel.MAX_DEPTH} levels, {feel.MAX_STEPS:,} steps",
        f"{feel.MAX_SECONDS:g} s, texts and",
        f"lists of {feel.MAX_SIZE:,} parts, {feel.REGEX_SECONDS:g} s for a pattern",
        f"{python_scripts.MAX_SECONDS:g} s, {python_scripts.MAX_MEMORY // 2**20} MB", f"{MAX_LOOKS:,} looks",
        f"{transport.MAX_REQUEST_BYTES // 10**6} MB out, {transport.MAX_RESPONSE_BYTES // 10**6} MB in",
    ):
        assert said in TEXT, said


def test_the_words_of_hidden_values_are_named():
    flat = " ".join(TEXT.split())
    for word in DEFAULT:
        assert word in flat or word.replace(" ", "") in DEFAULT, word


@pytest.mark.parametrize("package", ["bpmn", "engine", "service_tasks", "web"])
def test_nothing_of_ours_runs_code_or_commands(package):
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        if "assets" in path.parts:
            continue    # builds the pages, and is in no package that is installed
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CODE:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {node.func.id}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
                found += [f"{path.relative_to(ROOT)} imports {name}" for name in names
                          if name.partition(".")[0] in DANGEROUS]
            if isinstance(node, ast.Attribute) and node.attr in ("system", "popen") and (
                    isinstance(node.value, ast.Name) and node.value.id == "os"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} runs a command")
    assert set(found) <= ALLOWED
