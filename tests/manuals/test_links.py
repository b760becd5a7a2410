"""Whatever the manuals lead to is there: documents, headings, pictures, tables, and the examples in Python."""

from __future__ import annotations

import ast
import re

import pytest

from engine import schema
from tests.manuals.reading import DOCS, MANUALS, ROOT, anchors, blocks, links

READERS = ("ANALYST", "DEVELOPER", "HANDBOOK", "PLATFORM", "ARCHITECTURE")


@pytest.mark.parametrize("path", MANUALS, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path):
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_leads_to_every_manual():
    led = {link.partition("#")[0] for link in links(DOCS / "README.md")}
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} == {link for link in led if link.endswith(".md")}


@pytest.mark.parametrize("name", READERS)
def test_each_reader_is_led_from_the_readme(name):
    assert f"docs/{name}.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", MANUALS, ids=lambda path: path.stem)
def test_python_can_be_read(path):
    for block in blocks(path):
        if block.kind == "python":
            ast.parse(block.text)


def test_the_tables_of_the_architecture_exist():
    drawn = re.search(r"erDiagram\n(.*?)```", (DOCS / "ARCHITECTURE.md").read_text(), re.S)[1]
    names = {name for pair in re.findall(r"^ +(\w+) [|}]\S+ (\w+)", drawn, re.M) for name in pair}
    assert names
    assert names <= set(schema.metadata.tables)


def test_the_packages_of_the_architecture_are_drawn_as_they_may_import():
    drawn = set(re.findall(r"(\w+)(?:\[[^\]]*\])? --> (\w+)", (DOCS / "ARCHITECTURE.md").read_text()))
    assert {("web", "service_tasks"), ("service_tasks", "engine"), ("engine", "bpmn")} <= drawn


def test_the_first_hour_ends_with_a_test_that_passes():
    from engine.testing import Scratch

    [code] = [block.text for block in blocks(DOCS / "ANALYST.md") if block.kind == "python"]
    names = {}
    exec(compile(code, "ANALYST.md", "exec", dont_inherit=True), names)
    with Scratch([str(ROOT)]) as partitur:
        names["test_a_request_that_nobody_decides_ends"](partitur)


def test_the_service_of_the_developers_page_is_that_of_the_example():
    [code] = [block.text for block in blocks(DOCS / "DEVELOPER.md") if block.kind == "python"]
    shown, given = {"__name__": "shown"}, {"__name__": "given"}
    exec(compile(code, "DEVELOPER.md", "exec", dont_inherit=True), shown)
    example = (ROOT / "examples" / "first-hour" / "clients.py").read_text()
    exec(compile(example, "clients.py", "exec", dont_inherit=True), given)

    class Once:
        idempotency_key = "7"

    assert shown["book"](5, call=Once()).booking_id == given["book"](5, call=Once()).booking_id
