"""The manual names every function and every method that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpmn.feel.library import BUILTINS
from bpmn.juel_methods import FUNCTIONS, LIST_METHODS, OBJECT_METHODS, TEXT_METHODS

MANUAL = (Path(__file__).resolve().parents[3] / "docs" / "FEEL.md").read_text()


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_function_is_documented(name):
    assert re.search(rf"`{re.escape(name)}[`(]", MANUAL)


METHODS = {*TEXT_METHODS, *LIST_METHODS, *OBJECT_METHODS, *FUNCTIONS} - {"elements", "JSON"}  # Spin's other spellings


@pytest.mark.parametrize("name", sorted(METHODS))
def test_method_is_documented(name):
    assert re.search(rf"[ `]{name}[ `(,;:\n]", MANUAL)
