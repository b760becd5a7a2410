"""The lists of the console that alerts watch: each by its address, as the browser shows it.

An address counts what its page lists; the lists of whoever looks ("mine") are nobody's here, and refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.datastructures import MultiDict

from engine.alerts.measures import LIST
from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries import incidents, instances, messages, tasks
from engine.tasks import filters
from web.console.incidents import filter_of
from web.console.instance_query import Query
from web.console.tasks import VIEWS

PAGING = ("offset", "sort", "task", "column", "shown")
"""What an address says that does not change how many there are."""


def _instances(engine: Engine, given: MultiDict[str, str]) -> int:
    address = urlencode(list(given.items(multi=True)))
    unknown = Query.unknown(address)
    if unknown:
        raise InvalidInput(f"Expected a filter of the list of instances, but there is none called {unknown[0][:50]!r}.")
    return instances.search(engine, Query.parse(address).filter(), limit=1).total


def _incidents(engine: Engine, given: MultiDict[str, str]) -> int:
    _known(given, "state", "acknowledged", "assignee", "fingerprint", "process", "tenant", "element", "error",
           "instance")
    if given.get("state") == "mine":
        raise InvalidInput("Expected a list that is the same for everybody, but 'mine' is not.")
    return incidents.search(engine, filter_of(given, None), limit=1).total


def _tasks(engine: Engine, given: MultiDict[str, str]) -> int:
    _known(given, "view", *filters.CRITERIA)
    view = given.get("view") or "open"
    if view not in VIEWS:
        raise InvalidInput(f"Expected a view of the list of tasks, one of {', '.join(VIEWS)}, but it is {view[:50]!r}.")
    asked = {**VIEWS[view][1], **{name: text for name in filters.CRITERIA if (text := given.get(name, "").strip())}}
    if asked.get("whose") in ("mine", "groups"):
        raise InvalidInput("Expected a list that is the same for everybody, but 'mine' is not.")
    return tasks.search(engine, filters.read(asked, "", (), engine.clock(), engine.time_zone), limit=1).total


def _messages(engine: Engine, given: MultiDict[str, str]) -> int:
    _known(given, "view", "name", "key", "process")
    view, name, key = given.get("view") or "stray", given.get("name") or None, given.get("key") or None
    if view == "waiting":
        return messages.waiting(engine, name=name, correlation_key=key, process_id=given.get("process") or None,
                                limit=1).total
    if view not in ("stray", "kept"):
        raise InvalidInput(f"Expected one of the views stray, kept and waiting, but found {view[:40]!r}.")
    listed = messages.strays if view == "stray" else messages.kept
    return listed(engine, name=name, correlation_key=key, limit=1).total


LISTS: Mapping[str, Callable[[Engine, MultiDict[str, str]], int]] = {
    "/instances": _instances, "/incidents": _incidents, "/tasks": _tasks, "/messages": _messages,
}


def _known(given: MultiDict[str, str], *names: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InvalidInput(f"Expected a filter of this list, one of {', '.join(names)}, but found {unknown[0][:50]!r}.")


def count(engine: Engine, address: str) -> float:
    """How many rows the list at an address has; beyond 10,000 it says 10,000. Raises InvalidInput."""
    path, given = _read(address)
    return float(LISTS[path](engine, given))


def checked(engine: Engine, measure: str, query: str | None) -> str | None:
    """What a rule is to watch: the address of a list without the host that a browser shows, and looked at once.

    Raises:
        InvalidInput: there is no such list, or it has no such filter.
    """
    if measure != LIST:
        return query
    path, given = _read(query or "")
    LISTS[path](engine, given)
    return f"{path}?{urlencode(list(given.items(multi=True)))}" if given else path


def _read(address: str) -> tuple[str, MultiDict[str, str]]:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        parts = urlsplit("")
    path = parts.path.rstrip("/")
    if path not in LISTS:
        raise InvalidInput(f"Expected the address of a list, {', '.join(LISTS)}, perhaps with a filter behind it, but "
                           f"it is {address[:100]!r}.")
    given = [(name, value) for name, value in parse_qsl(parts.query) if name not in PAGING]
    return path, MultiDict(given)
