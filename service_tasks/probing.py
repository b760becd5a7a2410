"""What a service answers when it is asked whether an earlier call of it took effect."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any


@dataclass(frozen=True, slots=True)
class Happened:
    """The call took effect; `result` is what it would have returned."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class DidNotHappen:
    """The call took no effect and will take none: it can be made again."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The service cannot tell: an operator has to find out."""

    why: str = "The service cannot tell."


Finding = Happened | DidNotHappen | Unclear


def bound(probe: Callable[..., Any], service: Callable[..., Any]) -> Callable[..., Any]:
    """The probe of a service. One that was declared in the class of a method belongs to the same object."""
    owner = getattr(service, "__self__", None)
    parameters = list(inspect.signature(probe).parameters)
    if owner is not None and parameters and parameters[0] == "self":
        return MethodType(probe, owner)
    return probe
