"""The list of instances as a file, with the filter and order of its address."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from engine.errors import InvalidInput
from engine.queries import instances as found
from engine.queries.instances import InstanceRow
from engine.queries.paging import COUNTED, MAX_LIMIT
from web.console import formatting, words
from web.console.blueprint import bp, engine
from web.console.instances import NEWEST_FIRST, Query

COLUMNS = ("key", "business_id", "process_id", "process_name", "version", "states", "started_at", "ended_at",
           "end_reason", "parent_key", "root_key", "correlation_id")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take a text for that begins so."""


@bp.get("/instances.<form>")
def instances_file(form: str) -> ResponseReturnValue:
    """The instances that the filter lets through, as `csv` or `json`; at most as many as a list counts.

    Raises:
        InvalidInput: another form, or a filter that cannot be read.
    """
    if form not in ("csv", "json"):
        raise InvalidInput(f"Expected csv or json, but found {form[:40]!r}.")
    rows = [_row(each) for each in _all()]
    text = formatting.to_json(rows) if form == "json" else _csv(rows)
    response = Response(text, mimetype="application/json" if form == "json" else "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="instances.{form}"'
    return response


def _all() -> Iterator[InstanceRow]:
    wanted, sort = Query.read().filter(), request.args.get("sort", NEWEST_FIRST)
    for offset in range(0, COUNTED, MAX_LIMIT):
        part = found.search(engine(), wanted, sort=sort, limit=MAX_LIMIT, offset=offset).items
        yield from part
        if len(part) < MAX_LIMIT:
            return


def _row(row: InstanceRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in COLUMNS if name != "states"}
    moments = {name: formatting.iso(values[name]) if values[name] else None for name in ("started_at", "ended_at")}
    all_of_it = {**values, **moments, "states": words.states_of(row)}
    return {name: all_of_it[name] for name in COLUMNS}


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(" ".join(value) if isinstance(value, list) else value) for value in row.values()])
    return text.getvalue()


def _cell(value: Any) -> Any:
    # A spreadsheet must not run what somebody wrote into a business id.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
