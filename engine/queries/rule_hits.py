"""How often each rule of a decision table was hit lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from bpmn.dmn import DecisionError, DecisionModel
from bpmn.dmn.graph import Decision, Element, Service
from engine import schema
from engine.decision_files import deployed_model

if TYPE_CHECKING:
    from engine.engine import Engine

NEWEST = 1_000
"""So many evaluations are read: enough to find dead rules, few enough to be counted each time somebody looks."""
MOST_DECISIONS = 20
"""Of so many decisions the evaluations are read, if so many need the one that is looked at."""

_d, _e = schema.decisions.c, schema.decision_evaluations.c

OF_GRAPH = select(_d.key, _d.decision_id).where(_d.requirements_key == bindparam("key"))
EVALUATED = (
    select(_e.evaluated_at, _e.key, _e.decisions)
    .where(_e.decision_key == bindparam("key"))
    .order_by(_e.evaluated_at.desc(), _e.key.desc()).limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHits:
    """A rule and how often it was hit. `conditions` are (name of the column, what the cell says), but for `-`."""

    index: int
    id: str
    conditions: tuple[tuple[str, str], ...]
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHits:
    """The rules of a table in their order, and what was looked at: `evaluations`, the oldest of them at `since`.

    There are `more` evaluations than that, if so. `never` counts the rules that none of them hit.
    """

    rules: tuple[RuleHits, ...]
    evaluations: int
    since: datetime | None
    more: bool

    @property
    def never(self) -> int:
        """How many rules were never hit."""
        return sum(not rule.hits for rule in self.rules)


def rule_hits(engine: Engine, requirements_key: int, decision_id: str, *, most: int = NEWEST) -> TableHits | None:
    """Count over the newest evaluations of one version of a decision, those included that a decision of the same
    file asked for. An evaluation that failed hit nothing and does not count.

    Args:
        engine: where the decision is deployed.
        requirements_key: the version of the file that holds it.
        decision_id: which decision of that file.
        most: so many evaluations are looked at.

    Returns:
        None if the decision is no table.
    """
    with engine.read() as connection:
        try:
            model = deployed_model(engine, connection, requirements_key)
        except DecisionError:
            return None
        decision = model.decisions.get(decision_id)
        if decision is None or decision.table is None:
            return None
        keys = {row.decision_id: row.key for row in engine.database.select(
            connection, OF_GRAPH, {"key": requirements_key})}
        found: list[tuple[datetime, int, Sequence[int] | None]] = []
        for asking in _asking(model, decision)[:MOST_DECISIONS]:
            if asking in keys:
                rows = engine.database.select(connection, EVALUATED, {"key": keys[asking], "most": most + 1})
                found += [(row.evaluated_at, row.key, _hit(row.decisions, decision_id)) for row in rows]
    # What failed is among the newest, too, but says nothing of the rules.
    newest = [(at, indexes) for at, _, indexes in nlargest(most, found) if indexes is not None]
    counts = Counter(index for _, indexes in newest for index in indexes)
    return TableHits(
        rules=tuple(
            RuleHits(index=rule.index, id=rule.id, hits=counts[rule.index], conditions=tuple(
                (decision.table.inputs[column].name, cell.text) for column, cell in rule.tests
                if column < len(decision.table.inputs)))
            for rule in decision.table.rules),
        evaluations=len(newest), since=newest[-1][0] if newest else None, more=len(found) > most)


def _hit(decisions: Sequence[Mapping[str, Any]], decision_id: str) -> Sequence[int] | None:
    """The rules that were hit, if the decision was asked at all; a service may have asked it several times."""
    asked = [each for each in decisions if each["id"] == decision_id]
    # Each rule once: it is told in how many evaluations it was hit.
    return sorted({rule["index"] for each in asked for rule in each["rules"]}) if asked else None


def _asking(model: DecisionModel, decision: Decision) -> list[str]:
    """The decisions of the file that are evaluated together with this one: itself first, then those that need it."""
    needing = (each.id for each in model.decisions.values() if each is not decision and _needs(each, decision))
    return [decision.id, *needing]


def _needs(element: Element, wanted: Element) -> bool:
    seen: set[int] = set()
    left = [element]
    while left:
        one = left.pop()
        if one is wanted:
            return True
        if id(one) not in seen:
            seen.add(id(one))
            left += [required.element for required in one.requires]
            left += one.outputs if isinstance(one, Service) else []
    return False
