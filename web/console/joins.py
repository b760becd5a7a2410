"""What gateways wait for at which several tokens become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bpmn.model import ElementType, Process
from engine.queries.things import ElementRow
from engine.states import ElementState

JOINS = (ElementType.PARALLEL_GATEWAY, ElementType.INCLUSIVE_GATEWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A gateway at which tokens wait for others, since `since`.

    `missing` are the names of the elements from which none has come yet. An inclusive gateway waits only for those that
    can still come, which its flows do not tell: there it is empty.
    """

    element_id: str
    tokens: frozenset[int]
    missing: tuple[str, ...]
    since: datetime


def waiting(rows: Iterable[ElementRow], process: Process) -> list[Join]:
    """The gateways at which some element instances wait, each with what is missing there."""
    there: dict[tuple[str, int], list[ElementRow]] = {}
    for row in rows:
        if row.state == ElementState.ACTIVE and row.type in JOINS and not row.incident_key:
            there.setdefault((row.element_id, row.scope_key), []).append(row)
    return [_join(element_id, tokens, process) for (element_id, _scope), tokens in there.items()]


def _join(element_id: str, tokens: list[ElementRow], process: Process) -> Join:
    came = {row.flow_id for row in tokens}
    missing = [flow.source for flow in process.flows.values() if flow.target == element_id and flow.id not in came]
    inclusive = tokens[0].type == ElementType.INCLUSIVE_GATEWAY
    return Join(
        element_id=element_id, tokens=frozenset(row.key for row in tokens), since=min(row.started_at for row in tokens),
        missing=() if inclusive else tuple(dict.fromkeys(_name(source, process) for source in missing)),
    )


def _name(element_id: str, process: Process) -> str:
    element = process.elements.get(element_id)
    return (element and element.name) or element_id
