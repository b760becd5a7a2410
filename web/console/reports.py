"""Reports over a period: how long, how many, how often again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from engine.errors import InvalidInput, NotFound
from engine.queries import definitions as known
from engine.queries import reports
from engine.queries.reports import Figures, Point
from engine.reports import learning
from web.console import charts, export
from web.console.blueprint import bp, engine

PERIODS = {"1": lazy_gettext("Today"), "3": lazy_gettext("3 days"), "7": lazy_gettext("7 days"),
           "30": lazy_gettext("30 days"), "90": lazy_gettext("90 days")}
USUAL = "7"
LONGEST = timedelta(days=366)
BEHIND = timedelta(minutes=15)
"""The sums are a minute or two old; later than that, they are being caught up with."""
FIGURES = ("process_id", "element_id", "name", "started", "completed", "terminated", "mean_seconds", "median_seconds",
           "p95_seconds", "longest_seconds", "failures", "retries", "undone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What the address asks for, in whole days of UTC. `days` is one of `PERIODS`, or empty for dates of one's own."""

    days: str
    since: datetime
    until: datetime
    process: str | None

    @classmethod
    def read(cls) -> Period:
        """That of the present request; raises InvalidInput."""
        now = engine().clock()
        today = learning.day_of(now)
        process = request.args.get("process", "").strip() or None
        first, last = _date("from"), _date("to")
        if first is None and last is None:
            days = request.args.get("days") or USUAL
            if days not in PERIODS:
                raise InvalidInput(f"Expected one of {', '.join(PERIODS)} days, but found {days[:40]!r}.")
            return cls(days=days, since=today - timedelta(days=int(days) - 1), until=now, process=process)
        until = now if last is None or last >= today else last + timedelta(days=1)
        since = first or learning.day_of(until - timedelta(days=int(USUAL) - 1))
        if not timedelta() < until - since <= LONGEST:
            raise InvalidInput("Expected a period of one day to a year that does not begin in the future, but found "
                               f"{since.date()} to {(last or today).date()}.")
        return cls(days="", since=since, until=until, process=process)

    @property
    def arguments(self) -> dict[str, str]:
        """What the address says of it."""
        return {name: request.args[name] for name in ("days", "from", "to", "process") if request.args.get(name)}

    @property
    def last(self) -> datetime:
        """A moment of its last day: it ends before `until`."""
        return self.until - timedelta(microseconds=1)

    @property
    def asked(self) -> tuple[datetime, datetime, str | None]:
        """What every report is given."""
        return self.since, self.until, self.process


def _date(name: str) -> datetime | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        raise InvalidInput(f"Expected a date such as 2026-11-24, but found {text[:40]!r}.") from None


@bp.get("/reports")
def report() -> ResponseReturnValue:
    """All reports of a period."""
    period = Period.read()
    points = reports.over_time(engine(), *period.asked)
    processes = reports.by_process(engine(), *period.asked)
    elements = reports.by_element(engine(), period.since, period.until, period.process) if period.process else []
    most = reports.most(engine(), *period.asked)
    now, known_to = engine().clock(), learning.up_to(engine())
    return render_template(
        "reports/list.html", section="reports", period=period, periods=PERIODS, points=points,
        chart=charts.over_time(points), processes=processes, elements=elements, most=most,
        tasks=reports.user_tasks(engine(), *period.asked), known_to=known_to,
        behind=known_to is not None and now - known_to > BEHIND, names=names_of(processes),
        choices=known.processes(engine(), counted=False),
        files={name: url_for("console.report_file", name=name, **period.arguments) for name in TABLES},  # type: ignore[arg-type]
    )


@bp.get("/reports/<name>.csv")
def report_file(name: str) -> ResponseReturnValue:
    """One of the tables as a file."""
    if name not in TABLES:
        raise NotFound(f"Expected a report out of {', '.join(TABLES)}, but found {name[:40]!r}.")
    return TABLES[name](Period.read())


def names_of(processes: Iterable[Figures]) -> dict[str, str]:
    """How each process is called, by its id."""
    return {each.process_id: each.name for each in processes}


def _throughput(period: Period) -> Response:
    rows: Sequence[Point] = reports.over_time(engine(), *period.asked)
    return export.table("throughput", ("at", "started", "completed", "terminated"),
                        [(each.at, each.started, each.completed, each.terminated) for each in rows])


def _figures(name: str, rows: Iterable[Figures]) -> Response:
    return export.table(name, FIGURES, [
        (each.process_id, each.element_id, each.name, each.started, each.completed, each.terminated,
         _seconds(each.mean), _seconds(each.median), _seconds(each.p95), _seconds(each.longest), each.failures,
         each.retries, each.undone)
        for each in rows])


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)


def _elements(period: Period) -> Response:
    if period.process is None:
        raise InvalidInput("Expected a process whose elements are wanted (process=ID), but there is none.")
    return _figures("elements", reports.by_element(engine(), period.since, period.until, period.process))


TABLES: dict[str, Callable[[Period], Response]] = {
    "throughput": _throughput,
    "processes": lambda period: _figures("processes", reports.by_process(engine(), *period.asked)),
    "elements": _elements,
    "retries": lambda period: _figures("retries", reports.most(engine(), *period.asked)["retries"]),
    "failures": lambda period: _figures("failures", reports.most(engine(), *period.asked)["failures"]),
    "compensation": lambda period: _figures("compensation", reports.most(engine(), *period.asked)["undone"]),
    "tasks": lambda period: _figures("tasks", reports.user_tasks(engine(), *period.asked)),
}
"""Each table that is to be had as a file."""
