"""Checks that commands share: is the instance in a state in which its tokens may move."""

from __future__ import annotations

from sqlalchemy import RowMapping

from engine.errors import InvalidInput, WrongState
from engine.states import InstanceState


def active(row: RowMapping) -> None:
    """The instance of a row (see `engine.live.with_instance`) has not ended; raises WrongState."""
    if row["instance_state"] != InstanceState.ACTIVE:
        raise WrongState(
            f"Expected process instance {row['instance_key']} to be active, but it is "
            f"{row['instance_state'].lower()}."
        )


def running(row: RowMapping) -> None:
    """It is active and not suspended; raises WrongState."""
    active(row)
    if row["instance_suspended_at"] is not None:
        raise WrongState(
            f"Expected process instance {row['instance_key']} to be running, but it is suspended; resume it first."
        )


def reason_given(reason: str | None, act: str) -> str:
    """A reason that says something; raises InvalidInput."""
    text = (reason or "").strip()
    if not text:
        raise InvalidInput(f"Expected a reason to {act}, but none was given.")
    return text
