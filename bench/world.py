"""Databases full of instances, filled once per run for all parts that want one."""

from __future__ import annotations

import functools

from bench import filling

FINISHED, LIVE = 1_000_000, 100_000
FEW = 100
"""What a small database has of each."""


@functools.cache
def full(name: str) -> str:
    """The address of a database with a million instances that ended and a hundred thousand that wait."""
    return filling.fill(name, FINISHED, LIVE)


@functools.cache
def small(name: str) -> str:
    """The address of a database with a hundred of each."""
    return filling.fill(name, FEW, FEW)
