"""Pages, lists and searches with a million instances that ended and a hundred thousand that wait."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from bench import databases, world
from bench.figures import Figure
from engine.engine import Engine
from web.app import create_app

GROUP = f"Pages and searches with {world.FINISHED:,} finished and {world.LIVE:,} live instances (wall clock, median)"
VISITS = 5
TARGET = "≤ 200 ms"

PAGES: tuple[tuple[str, str], ...] = (
    ("home", "/"),
    ("instances, newest first", "/instances"),
    ("instances, page 1,000", "/instances?offset=49950"),
    ("instances by end", "/instances?sort=-ended_at"),
    ("instances by business id", "/instances?sort=business_id"),
    ("instances: completed", "/instances?state=completed"),
    ("instances: active", "/instances?state=active"),
    ("instances: waiting", "/instances?state=waiting"),
    ("instances: incident", "/instances?state=incident"),
    ("instances: retrying, stalled, held", "/instances?state=retrying&state=stalled&state=held"),
    ("instances of a process", "/instances?process=bench_done"),
    ("instances of a process, active", "/instances?process=bench_waiting&state=active"),
    ("instances at an element", "/instances?element=Approve"),
    ("instances with an error", "/instances?error=assert"),
    ("instances with a variable", "/instances?variable=orderId&value=O-4711"),
    ("instances with a frequent variable", "/instances?variable=amount&value=100"),
    ("instances with a variable that is large", "/instances?variable=amount&operator=gt&value=50"),
    ("instances with a variable that few have", "/instances?variable=amount&operator=gt&value=5000000"),
    ("instances of a process, with its diagram", "/instances?process=bench_waiting&element=Approve&shown=amount"),
    *((f"instances: {state}, by {sort}", f"/instances?state={state}&sort=-{sort}") for state, sort in (
        ("completed", "version"), ("completed", "duration"), ("completed", "end_reason"), ("completed", "parent_key"),
        ("completed", "tags"), ("completed", "tenant_id"), ("active", "business_id"), ("waiting", "tags"),
        ("incident", "variable:amount"), ("suspended", "process_id"), ("active", "variable:approved"))),
    ("instances of a tenant, completed, by duration", "/instances?tenant=north&state=completed&sort=-duration"),
    ("instances of a process, completed, by end", "/instances?process=bench_calling&state=completed&sort=-ended_at"),
    ("instances of a process, active, none", "/instances?process=bench_done&state=active&sort=-tags"),
    ("instances of a tenant, by process", "/instances?tenant=north&sort=-process_id"),
    ("instances, completed, by root", "/instances?state=completed&sort=-root_key"),
    ("instances of a version, by business id", "/instances?version=2&sort=-business_id"),
    ("instances at an element, by duration", "/instances?element=Approve&process=bench_waiting&sort=-duration"),
    ("instances of a version, by their callers", "/instances?version=1&sort=-parent_key"),
    ("instances of a version, tried again", "/instances?version=1&state=retrying&sort=business_id"),
    ("instances that contain a text", "/instances?variable=orderId&operator=contains&value=4711"),
    ("instances that contain none", "/instances?variable=orderId&operator=contains&value=nobody"),
    ("instances that contain a text, completed, by duration",
     "/instances?variable=orderId&operator=contains&value=471&state=completed&sort=duration"),
    ("instances by two frequent variables",
     "/instances?variable=amount&value=100&variable2=orderId&operator2=contains&value2=1&sort=-duration"),
    ("instances of a few days, by variable",
     "/instances?ended_to=2100-01-01T00:00&started_from=2020-01-01T00:00&sort=-variable:amount"),
    ("instances with an error, by version", "/instances?error=answer&sort=-version"),
    ("incidents", "/incidents"),
    ("messages that are waited for", "/messages?view=waiting"),
    ("operations", "/operations"),
    ("reports of 90 days", "/reports?days=90"),
    ("hotspots", "/hotspot"),
    ("heat of a process", "/processes/bench_waiting?heat=p95"),
    ("instances started today", "/instances?started_from=2020-01-01T00:00"),
    ("find by business id", "/find?q=B-4711"),
    ("one instance that waits", "/instances/{waiting}"),
    ("one instance that ended", "/instances/{ended}"),
    ("processes", "/processes"),
    ("one process, 100,000 tokens", "/processes/bench_waiting"),
    ("one process, finished", "/processes/bench_done"),
    ("tasks", "/tasks"),
    ("tasks by name, page 1,000", "/tasks?sort=name&offset=49950"),
    ("tasks that contain a text", "/tasks?q=4711"),
    ("tasks that contain none", "/tasks?q=nobody"),
    ("tasks with a variable that all have", "/tasks?variable=orderId"),
    ("tasks with a frequent variable", "/tasks?variable=amount&value=100"),
    ("own API: tasks", "/api/user-tasks?limit=50"),
    ("own API: tasks that are over", "/api/user-tasks?limit=50&state=COMPLETED"),
    ("own API: effects", "/api/effects?limit=50"),
    ("one task", "/tasks/{task}"),
    ("services", "/services"),
    ("audit trail", "/audit"),
    ("audit trail with a text that no entry has", "/audit?text=nobody"),
    ("audit trail: what was done, page 1,000", "/audit?operation=CREATE&offset=49950"),
    ("nodes", "/nodes"),
)
SEARCHES: tuple[tuple[str, str, object], ...] = (
    ("C8: instances", "/v2/process-instances/search", {}),
    ("C8: active instances of a process", "/v2/process-instances/search",
     {"filter": {"processDefinitionId": "bench_waiting", "state": "ACTIVE"}}),
    ("C8: instances by start", "/v2/process-instances/search", {"sort": [{"field": "startDate", "order": "DESC"}]}),
    ("C8: instances with a variable", "/v2/process-instances/search",
     {"filter": {"variables": [{"name": "orderId", "value": '"O-4711"'}]}}),
    ("C8: element instances of one", "/v2/element-instances/search", {"filter": {"processInstanceKey": "{waiting}"}}),
    ("C8: element instances that are active", "/v2/element-instances/search", {"filter": {"state": "ACTIVE"}}),
    ("C8: user tasks", "/v2/user-tasks/search", {"filter": {"state": "CREATED"}}),
    ("C8: variables by name", "/v2/variables/search", {"filter": {"name": "orderId"}}),
    ("C8: incidents", "/v2/incidents/search", {"filter": {"state": "ACTIVE"}}),
    ("C8: jobs", "/v2/jobs/search", {"filter": {"state": "CREATED"}}),
    ("C7: instances by business key", "/engine-rest/process-instance?businessKey=B-4711", None),
    ("C7: instances of a process", "/engine-rest/process-instance?processDefinitionKey=bench_waiting&maxResults=50",
     None),
    ("C7: how many instances", "/engine-rest/process-instance/count", None),
    ("C7: tasks", "/engine-rest/task?maxResults=50&sortBy=created&sortOrder=desc", None),
    ("C7: history of a process, by end",
     "/engine-rest/history/process-instance?processDefinitionKey=bench_done&maxResults=50&sortBy=endTime&sortOrder=desc",
     None),
    ("C7: history by definition",
     "/engine-rest/history/process-instance?maxResults=50&sortBy=definitionKey&sortOrder=desc", None),
    ("C7: instances at an activity", "/engine-rest/process-instance?activityIdIn=Approve&maxResults=50", None),
    ("C7: history by a part of the business key",
     "/engine-rest/history/process-instance?businessKeyLike=B-47%25&maxResults=50", None),
    ("C7: history by a part within the business key",
     "/engine-rest/history/process-instance?processInstanceBusinessKeyLike=%25711%25&maxResults=50", None),
    ("C7: how many are in the history", "/engine-rest/history/process-instance/count", None),
    ("C8: instances of a process, by end", "/v2/process-instances/search",
     {"filter": {"processDefinitionId": "bench_done"}, "sort": [{"field": "endDate", "order": "DESC"}]}),
    ("C7: history of instances", "/engine-rest/history/process-instance?finished=true&maxResults=50", None),
)


def measure() -> Iterator[Figure]:
    """One figure for each page and database."""
    clients = {}
    engines = []
    for name in databases.NAMES:
        engine = Engine(world.full(name))
        engines.append(engine)
        clients[name] = Visitor(engine)
    for label, path, body in (*((label, path, None) for label, path in PAGES), *SEARCHES):
        for name, visitor in clients.items():
            yield visitor.visit(f"{label} ({name})", path, body)
    for engine in engines:
        engine.close()


class Visitor:
    """Asks an application for pages, and takes the time."""

    def __init__(self, engine: Engine) -> None:
        app: Flask = create_app(engine)
        self._client: FlaskClient = app.test_client()
        with engine.read() as connection:
            def key(question: str) -> int:
                return int(connection.exec_driver_sql(question).scalar() or 0)
            self._known = {
                "waiting": key("SELECT max(key) FROM instances WHERE process_id = 'bench_waiting'"),
                "ended": key("SELECT max(key) FROM instances WHERE process_id = 'bench_long'"),
                "task": key("SELECT max(key) FROM user_tasks WHERE state = 'CREATED'"),
            }

    def visit(self, label: str, path: str, body: object = None) -> Figure:
        """The median of several visits; the first one, which fills caches, is told in the note."""
        taken = [self._once(path, body) for _ in range(VISITS + 1)]
        return Figure(group=GROUP, name=label, unit="ms", partitur=statistics.median(taken[1:]) * 1e3, target=TARGET,
                      note=f"first {taken[0] * 1e3:,.0f} ms")

    def _once(self, path: str, body: object) -> float:
        path, body = self._with_keys(path), self._with_keys(body)
        begin = time.perf_counter()
        answer = self._client.get(path) if body is None else self._client.post(path, json=body)
        taken = time.perf_counter() - begin
        if answer.status_code not in (200, 302):
            raise SystemExit(f"Expected {path} to be answered, but got {answer.status_code}: {answer.text[:300]}")
        return taken

    def _with_keys(self, what: Any) -> Any:
        if isinstance(what, str):
            return what.format(**self._known)
        if isinstance(what, dict):
            return {name: self._with_keys(value) for name, value in what.items()}
        return what
