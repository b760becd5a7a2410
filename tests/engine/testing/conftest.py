"""A scratch engine for tests of the test tools."""

from __future__ import annotations

import pytest

from engine.testing import Scratch


@pytest.fixture
def scratch(tmp_path):
    with Scratch([tmp_path]) as made:
        yield made
