"""Which databases a test had to do with, and whether they are in order when it is over (`tests.acceptance.invariants`).

A database belongs to a test that opens an engine on it, that writes to it by an engine that was open already, or that
lets another process work on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, make_url

from engine.database import Database
from engine.engine import Engine
from engine.errors import Unavailable
from tests.acceptance import invariants

MOST = 20
"""How many databases of one test are looked over, the last ones: who makes hundreds looks them over step by step."""
SCRATCH = "partitur-test-"
"""What is in the path of a database that is gone as soon as its engine is closed (`engine.testing.scratch`)."""

_touched: dict[str, None] = {}
_spared: list[bool] = []


def touch(url: str) -> None:
    """A test has to do with the database at an address."""
    _touched.pop(url, None)
    _touched[url] = None


def watch() -> None:
    """Notice from now on which databases are opened and written in this process."""
    init, close, write = Engine.__init__, Engine.close, Database.write

    def opened(self: Engine, url: str, *args, **kwargs) -> None:
        init(self, url, *args, **kwargs)
        vars(self.database)["overseen"] = url
        touch(url)

    def written(self: Database) -> AbstractContextManager[Connection]:
        if "overseen" in vars(self):
            touch(vars(self)["overseen"])
        return write(self)

    def closed(self: Engine) -> None:
        url = vars(self.database).get("overseen", "")
        if SCRATCH in url and url in _touched and not _spared:
            del _touched[url]
            invariants.check(url)
        close(self)

    vars_of = {"__init__": opened, "close": closed}
    for name, method in vars_of.items():
        setattr(Engine, name, method)
    setattr(Database, "write", written)     # noqa: B010 - a method is no attribute to be assigned


@contextmanager
def spared() -> Iterator[None]:
    """What is touched inside is broken on purpose, and not looked over."""
    _spared.append(True)
    try:
        yield
    finally:
        _spared.pop()
        _touched.clear()


def look_over() -> None:
    """Assert that all is in order in the databases that were touched since it was looked the last time."""
    urls = list(_touched)[-MOST:]
    _touched.clear()
    for url in urls:
        if ":memory:" not in url and (not url.startswith("sqlite") or Path(make_url(url).database or "").exists()):
            with suppress(Unavailable):     # a server of the test's own, which is gone by now
                invariants.check(url)
