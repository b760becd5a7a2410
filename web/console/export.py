"""The list of instances as a file, with the filter, order and columns of its address."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue

from engine.errors import InvalidInput
from engine.queries import instances as found
from engine.queries.instances import InstanceRow
from engine.queries.paging import COUNTED
from engine.queries.variables import values_of
from web.console import formatting, words
from web.console.blueprint import bp, engine
from web.console.instance_query import USUAL_COLUMNS, Query

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
    query = Query.read()
    text = formatting.to_json([*_all(query)]) if form == "json" else _csv(query)
    response = Response(text, mimetype="application/json" if form == "json" else "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="instances.{form}"'
    return response


def table(name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Any table as a CSV file to be kept."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_cell(formatting.iso(value) if isinstance(value, datetime) else value) for value in row]
                     for row in rows)
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _all(query: Query) -> Iterator[dict[str, Any]]:
    wanted = query.filter()
    columns = COLUMNS if query.columns == USUAL_COLUMNS else ("key", "business_id", *_names(query))
    for part in found.in_parts(engine(), wanted, sort=query.sort, most=COUNTED):
        values = values_of(engine(), [row.key for row in part], query.variables)
        for row in part:
            of_row = values.get(row.key, {})
            yield {**{name: _value(row, name) for name in columns},
                   **{f"variable {name}": of_row.get(name) for name in query.variables}}


def _names(query: Query) -> Iterator[str]:
    for column in query.columns:
        if column == "process":
            yield from ("process_id", "process_name")
        elif column not in ("key", "business_id"):
            yield {"state": "states", "duration": "duration_seconds"}.get(column, column)


def _value(row: InstanceRow, name: str) -> Any:
    if name == "states":
        return words.states_of(row)
    if name == "duration_seconds":
        return (row.ended_at - row.started_at).total_seconds() if row.ended_at else None
    value = getattr(row, name)
    return formatting.iso(value) if isinstance(value, datetime) else value


def _csv(query: Query) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    rows = _all(query)
    first = next(rows, None)
    writer.writerow(COLUMNS if first is None else [_cell(name) for name in first])
    for row in () if first is None else chain((first,), rows):
        writer.writerow([_cell(_plain(value)) for value in row.values()])
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return formatting.to_json(value, indent=None) if isinstance(value, list | dict | bool) else value


def _cell(value: Any) -> Any:
    # A spreadsheet must not run what somebody wrote into a business id.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
