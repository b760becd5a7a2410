"""Finds the files that a test deploys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.definitions import Resource

File = str | Path | Resource


def read(file: File, folders: Sequence[Path]) -> Resource:
    """A file to deploy: looked for as it is, then in each folder.

    Raises FileNotFoundError, which names the folders.
    """
    if isinstance(file, Resource):
        return file
    path = Path(file)
    for candidate in [path] if path.is_absolute() else [folder / path for folder in folders]:
        if candidate.is_file():
            return Resource(name=candidate.name, content=candidate.read_bytes())
    where = ", ".join(str(folder) for folder in folders) if not path.is_absolute() else str(path.parent)
    raise FileNotFoundError(f"Expected to find {str(file)!r}, but it is not in {where or 'any folder'}.")
