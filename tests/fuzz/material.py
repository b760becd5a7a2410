"""The files that are damaged: our own, those of other projects where they are there, and what once did harm."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from lxml import etree

from bpmn.reading.document import Unreadable, load

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
CASES = Path(__file__).parent / "cases"
"""What a fuzzer found once, by the kind of file; each is tried in every run of the tests."""
_LARGEST = 60_000
FORM = {
    "id": "ask", "type": "default", "schemaVersion": 19, "versionTag": "1", "components": [
        {"id": "f1", "type": "textfield", "key": "name", "label": "Name", "validate": {
            "required": True, "minLength": 2, "maxLength": 10, "pattern": "^[A-Z].*$"}},
        {"id": "f2", "type": "number", "key": "amount", "label": "Amount", "decimalDigits": 2, "increment": "0.01",
         "validate": {"min": 0, "max": 1000}, "conditional": {"hide": "=name = null"}},
        {"id": "f3", "type": "select", "key": "kind", "label": "Kind", "values": [
            {"label": "A", "value": "a"}, {"label": "B", "value": "b"}]},
        {"id": "f4", "type": "checklist", "key": "more", "label": "More", "valuesKey": "list"},
        {"id": "f5", "type": "taglist", "key": "tags", "label": "Tags", "valuesExpression": "=list"},
        {"id": "f6", "type": "datetime", "key": "on", "subtype": "datetime", "dateLabel": "On", "timeLabel": "At",
         "timeInterval": 15, "timeSerializingFormat": "utc_offset"},
        {"id": "f7", "type": "expression", "key": "sum", "expression": "=amount * 2", "computeOn": "change"},
        {"id": "f8", "type": "group", "path": "inner", "label": "Inner", "components": [
            {"id": "f9", "type": "checkbox", "key": "sure", "label": "Sure", "defaultValue": True},
            {"id": "f10", "type": "textarea", "key": "text", "label": "Text"}]},
        {"id": "f11", "type": "dynamiclist", "path": "rows", "label": "Rows", "isRepeating": True,
         "defaultRepetitions": 2, "components": [
            {"id": "f12", "type": "radio", "key": "pick", "label": "Pick", "values": [{"label": "1", "value": "1"}]},
            {"id": "f13", "type": "text", "text": "Hello {{name}}"}]},
        {"id": "f14", "type": "table", "label": "Table", "dataSource": "=rows", "columns": [
            {"label": "A", "key": "a"}], "rowCount": 5},
        {"id": "f15", "type": "button", "label": "Send", "action": "submit"},
        {"id": "f16", "type": "image", "source": "=name", "alt": "x"},
        {"id": "f17", "type": "filepicker", "key": "files", "label": "Files", "multiple": True},
    ],
}


@cache
def diagrams() -> list[bytes]:
    """Diagrams that are well-formed and not too long."""
    ours = [*sorted((ROOT / "tests" / "web" / "models").glob("*.bpmn")), *sorted((ROOT / "examples").rglob("*.bpmn"))]
    return _readable([*ours, *sorted(CORPUS.rglob("*.bpmn")), *sorted(CORPUS.rglob("*.bpmn20.xml"))])


@cache
def tables() -> list[bytes]:
    """DMN files, those of the compatibility kit among them where it is there."""
    kit = ROOT.parent / "shared" / "conformance" / "dmn-tck" / "TestCases"
    ours = sorted((ROOT / "tests" / "web" / "models").glob("*.dmn"))
    return _readable([*ours, *sorted(CORPUS.rglob("*.dmn")), *sorted(kit.rglob("*.dmn"))])


@cache
def forms() -> list[bytes]:
    """Forms; ours has every component."""
    found = [json.dumps(FORM).encode()]
    for path in sorted(CORPUS.rglob("*.form")):
        found.append(path.read_bytes())
    return found


def cases(kind: str) -> list[Path]:
    """What was once found of a kind (`bpmn`, `dmn`, `form`)."""
    return sorted(path for path in CASES.glob(f"*.{kind}"))


def _readable(paths: list[Path]) -> list[bytes]:
    found = []
    for path in paths:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            continue
        try:
            load(content)
            etree.fromstring(content)
        except (Unreadable, etree.XMLSyntaxError):
            continue
        found.append(content)
    return found
