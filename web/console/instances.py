"""The list of instances; every filter is in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine.errors import InvalidInput
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries.instances import ANY, InstanceFilter
from web.console import forms, numbers, paging
from web.console.blueprint import bp, engine

TEXTS = ("process", "version", "business_id", "error", "fingerprint", "element", "key", "parent", "variable",
         "value", "started_from", "started_to", "ended_from")
HIDDEN_AT_FIRST = ("element", "key", "parent", "variable", "value", "started_from", "started_to", "ended_from")
NEWEST_FIRST = "-started_at"


@dataclass(frozen=True, slots=True)
class Query:
    """The filter as the address has it, for the form and for the engine."""

    states: list[str]
    texts: dict[str, str]

    @classmethod
    def read(cls) -> Query:
        """The filter of the present request."""
        texts = {name: request.args.get(name, "").strip() for name in TEXTS}
        return cls([state for state in request.args.getlist("state") if state], texts)

    def __getattr__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def more(self) -> bool:
        """Whether one of the filters is set that are hidden at first."""
        return any(self.texts[name] for name in HIDDEN_AT_FIRST)

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not self.states and not any(self.texts.values())

    def filter(self) -> InstanceFilter:
        """What the engine is asked for; raises InvalidInput for what is no number or date."""
        texts = self.texts
        return InstanceFilter(
            states=self.states, process_id=texts["process"] or None, business_id=texts["business_id"] or None,
            error=texts["error"] or None, fingerprint=texts["fingerprint"] or None,
            element_id=texts["element"] or None, version=numbers.argument("version"),
            key=numbers.argument("key"), parent_key=numbers.argument("parent"), variable_name=texts["variable"] or None,
            variable_value=_value(texts["value"]), started_from=_moment("started_from", texts),
            started_until=_moment("started_to", texts), ended_from=_moment("ended_from", texts),
        )


@bp.get("/instances")
def instances() -> ResponseReturnValue:
    """The instances that the filter lets through, newest first."""
    query = Query.read()
    sort = request.args.get("sort", NEWEST_FIRST)
    page = paging.page(found.search(engine(), query.filter(), sort=sort, limit=paging.SIZE, offset=paging.offset()))
    return render_template("instances/list.html", section="instances", live=5, page=page, query=query, sort=sort,
                           newest_first=NEWEST_FIRST, exports=_exports(), filtered=not query.is_empty,
                           processes=known.processes(engine(), counted=False))


def _exports() -> dict[str, str]:
    """Where the list is to be had as a file, with the same filter."""
    given = {name: request.args.getlist(name) for name in request.args if name != "offset"}
    return {form: url_for("console.instances_file", form=form, **given) for form in ("csv", "json")}  # type: ignore[arg-type]


def _moment(name: str, texts: dict[str, str]) -> datetime | None:
    if not texts[name]:
        return None
    try:
        moment = datetime.fromisoformat(texts[name])
    except ValueError:
        raise InvalidInput(f"Expected a date and time such as 2026-11-24T09:30, but found {texts[name]!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _value(text: str) -> Any:
    if not text:
        return ANY
    try:
        return forms.json_value(text, "the value")
    except InvalidInput:
        # Few people write quotes around a text.
        return text
