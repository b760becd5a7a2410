"""Many instances of one definition, chosen in their list: for the pages that change where they are, on the diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from engine.errors import InvalidInput
from engine.operations.trial import Judged
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries import places
from engine.queries.definitions import DefinitionRow, ElementCount
from engine.queries.instances import InstanceFilter, InstanceRow
from web.console import changing, formatting, numbers, operation_forms
from web.console.blueprint import engine

TRIED = 3
"""On how many instances a deed is tried while the page is made; the plan tries it on all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """The instances that are meant: those of `keys`, or without any all that the list of `query` has.

    `definition` is the one that they are of, `others` what else the list has; `first` some of them, `total` how many.
    """

    definition: DefinitionRow
    keys: tuple[int, ...]
    query: str
    filter: InstanceFilter
    first: Sequence[InstanceRow]
    total: int
    in_all: str
    tokens: Sequence[ElementCount]
    others: int

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What the form carries along, so that the same instances are meant."""
        chosen = [("keys", " ".join(map(str, self.keys)))] if self.keys else [("query", self.query)]
        return [*chosen, ("from", str(self.definition.key))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a deed would do to one of them."""

    instance: InstanceRow
    judged: Judged


def chosen() -> Many:
    """Out of the address, or the form: `keys` names instances, else `query` is the filter of a list; `from` is one of
    their definitions, without it that of the first.

    Raises:
        InvalidInput: no instance is meant.
        NotFound: there is no such definition.
    """
    given = MultiDict([*(("chosen", text) for text in request.values.getlist("keys")),
                       ("query", request.values.get("query", ""))])
    selection = operation_forms.selection(given)
    everything = found.search(engine(), selection.filter, limit=1)
    wanted = numbers.given(request.values, "from")
    if wanted is None:
        if not everything.items:
            raise InvalidInput(_("Expected instances to change, but the list has none."))
        wanted = everything.items[0].definition_key
    definition = known.get(engine(), wanted)
    if selection.keys:
        filter, query = InstanceFilter(keys=selection.keys, definition_key=definition.key), ""
    else:
        texts = {**selection.query.texts, "process": definition.process_id, "version": str(definition.version),
                 "tenant": definition.tenant_id}
        narrowed = replace(selection.query, texts=texts)
        filter, query = narrowed.filter(), narrowed.address
    page = found.search(engine(), filter, limit=5)
    if not page.items:
        raise InvalidInput(_("Expected instances to change, but the list has none."))
    return Many(
        definition=definition, keys=selection.keys, query=query, filter=filter, first=page.items, total=page.total,
        in_all=f"{formatting.number(page.total)}{'+' if page.more else ''}", tokens=places.tokens(engine(), filter),
        others=max(everything.total - page.total, 0),
    )


def tried(kind: str, parameters: dict[str, Any], many: Many) -> list[Tried]:
    """What a deed would do to the first of them."""
    return [Tried(instance=row, judged=changing.judged(kind, parameters, row.key)) for row in many.first[:TRIED]]
