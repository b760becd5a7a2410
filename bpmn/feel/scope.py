"""Scopes at run time: a dict of an expression's own variables that falls through to the one outside."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from bpmn.feel.limits import current_run, warn
from bpmn.feel.values import Value


class Local(dict[str, Any]):
    """The variables of a loop, filter, context or function body over the scope around it."""

    __slots__ = ("outer",)

    def __init__(self, outer: Mapping[str, Any]) -> None:
        super().__init__()
        self.outer = outer

    def __missing__(self, name: str) -> Value:
        return self.outer[name]


def known_names(scope: Mapping[str, Any]) -> set[str]:
    """Every name that the scope and those around it hold."""
    names = set(scope.keys())
    while isinstance(scope, Local):
        scope = scope.outer
        names.update(scope.keys())
    return names


def missing(name: str, scope: Mapping[str, Any]) -> Value:
    """Null for a variable that is not there, with a warning that guesses what was meant."""
    if current_run().warnings is not None:
        warn(f"`{name}` is not there{suggestion(name, known_names(scope))}")
    return None


def suggestion(name: str, known: set[str]) -> str:
    """How a sentence ends that misses a name: with a guess if a known one is near."""
    near = difflib.get_close_matches(name, list(known)[:2000], n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else "."
