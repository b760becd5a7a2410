"""Adds the models that no test deployed: what is not tested at all must not be missing from the report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.testing.coverage.record import Record

MODELS = frozenset({".bpmn", ".dmn"})


def add_files(record: Record, folders: Iterable[Path]) -> None:
    """Add every BPMN and DMN file below some folders to a record, without traces. Raises OSError."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.suffix.lower() in MODELS and path.is_file() and not hidden:
                record.file(path.name, path.read_bytes())
