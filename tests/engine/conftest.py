"""The engine's tests run on both databases."""

from __future__ import annotations

import pytest

from tests.engine.steps import Steps


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request) -> str:
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_url")
    return request.getfixturevalue("postgres_template")()


@pytest.fixture
def steps(engine) -> Steps:
    """A small language for tests."""
    return Steps(engine)
