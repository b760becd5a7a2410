"""Acceptance tests run real processes; afterwards every database they used is looked over."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance import invariants


@pytest.fixture
def new_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes fresh databases, and checks the invariants in each of them when the test is over."""
    made: list[str] = []

    def new() -> str:
        path = tmp_path / f"partitur-{len(made)}.db"
        shutil.copy(sqlite_template, path)
        made.append(f"sqlite:///{path}")
        return made[-1]

    yield new
    for url in made:
        invariants.check(url)
