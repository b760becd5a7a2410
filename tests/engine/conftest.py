"""The engine's tests run on both databases."""

from __future__ import annotations

import pytest

from tests.engine.steps import Steps


@pytest.fixture
def database_url(either_url) -> str:
    return either_url


@pytest.fixture
def steps(engine) -> Steps:
    """A small language for tests."""
    return Steps(engine)
