"""What docs/SERVICES.md says is all there is."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

from engine.states import EffectState
from service_tasks import Breaker, Retry, service_task

TEXT = (Path(__file__).parents[2] / "docs" / "SERVICES.md").read_text()


@pytest.mark.parametrize("argument", [name for name in inspect.signature(service_task).parameters
                                      if name not in ("name", "version")])
def test_every_argument_of_a_contract_is_explained(argument):
    table = TEXT.partition("## The contract")[2].partition("\n## ")[0]
    assert f"`{argument}" in table


@pytest.mark.parametrize("policy", [Retry, Breaker])
def test_every_part_of_a_policy_is_named(policy):
    named = TEXT.partition(f"{policy.__name__}(")[2].partition(")")[0].split(", ")
    assert named == [field.name for field in dataclasses.fields(policy)]


@pytest.mark.parametrize("state", list(EffectState))
def test_every_state_of_an_effect_is_explained(state):
    assert f"| {state.value.lower().replace('_', ' ')} |" in TEXT
