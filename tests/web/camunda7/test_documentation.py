"""The manual names every operation that there is."""

from __future__ import annotations

import re
from pathlib import Path

MANUAL = (Path(__file__).parents[3] / "docs" / "CAMUNDA7.md").read_text()
OTHER_WORDS = {"count": "count", "data": "read", "create": "`create`"}
"""Operations that the manual describes instead of naming their path."""


def test_every_operation_is_in_the_manual(app):
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("camunda7.") or rule.endpoint == "camunda7.nothing":
            continue
        resource, *parts = [part for part in rule.rule.split("/")[2:] if part and not part.startswith("<")]
        [row] = re.findall(rf"^\| [^|]*`/{resource}`[^|]* \|(.*)\|$", MANUAL, re.MULTILINE)
        for part in parts:
            if part not in ("key", "tenant-id"):
                assert OTHER_WORDS.get(part, f"`{part}`") in row, rule.rule
