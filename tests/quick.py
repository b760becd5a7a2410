"""What is the same in every test is made once: compiled SQL, compiled templates, compiled addresses.

Each test has an engine and an application of its own, which would compile all that it needs again: half of what a test
costs. An installation has one of each and keeps what it compiled, so nothing of the product is left out here.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import structlog
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, Executable
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.util import LRUCache

import engine.database
import engine.statements
from engine.statements import Prepared, Selection
from web.routing import LazyRule

Made = TypeVar("Made")


def kind(dialect: Dialect) -> tuple[Any, ...]:
    """What two dialects have in common that write the same SQL."""
    return type(dialect), dialect.statement_compiler, dialect.paramstyle


class Compiled(LRUCache):
    """The cache of SQLAlchemy's engines, for all that write the same SQL."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((kind(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((kind(key[0]), *key[1:]), value)


class Templates(BytecodeCache):
    """The templates of all applications, each compiled once."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], types.CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


def share() -> None:
    """Let all engines and applications of this process share what they compile."""
    compiled = Compiled(4_000)
    create = engine.database.create_engine

    def create_engine(*args: Any, **options: Any) -> SqlEngine:
        made = create(*args, **options)
        made._compiled_cache = compiled
        return made

    vars(engine.database)["create_engine"] = create_engine
    vars(engine.database)["Prepared"] = _once(Prepared)
    vars(engine.statements)["Selection"] = _once(Selection)
    LazyRule.compile = _compile_once(LazyRule.compile)  # type: ignore[method-assign]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    # Outside of the commands, which say how they log, structlog would draw each traceback in boxes, with all variables.
    structlog.configure(processors=[
        structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)])


def keep() -> None:
    """What there is when the tests begin stays: the search for garbage passes over it, and looks for more at a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _once(make: Callable[..., Made]) -> Callable[..., Made]:
    """Makes a thing of a statement once for all engines."""
    made: WeakKeyDictionary[Executable, dict[tuple[Any, ...], Made]] = WeakKeyDictionary()

    def get(statement: Executable, dialect: Dialect, names: Iterable[str] = ()) -> Made:
        kept, key = made.setdefault(statement, {}), (kind(dialect), tuple(names))
        if key not in kept:
            kept[key] = make(statement, dialect, names) if names else make(statement, dialect)
        return kept[key]

    return get


def _compile_once(compile: Callable[[LazyRule], None]) -> Callable[[LazyRule], None]:
    """A rule whose parts are those of the same rule of another application."""
    kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def compile_or_copy(rule: LazyRule) -> None:
        assert rule.map
        key = (rule.rule, rule.host, rule.subdomain, rule.merge_slashes, rule.map.host_matching,
               tuple(rule.map.converters.items()))
        if key not in kept:
            given = set(rule.arguments)
            compile(rule)
            kept[key] = rule._parts, rule._trace, rule._converters, rule.arguments - given
            return
        rule._parts, rule._trace, rule._converters, found = kept[key]
        rule.arguments |= found
        rule._build = rule._compile_builder(False).__get__(rule, None)
        rule._build_unknown = rule._compile_builder(True).__get__(rule, None)

    return compile_or_copy
