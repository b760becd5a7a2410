"""How often each rule of a decision table was hit lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Text, bindparam, cast, func, select

from bpmn.dmn import DecisionError
from bpmn.dmn.graph import Decision, Element, Service
from engine import schema
from engine.decision_files import deployed_model

if TYPE_CHECKING:
    from engine.engine import Engine

    Key = tuple[str, str]

NEWEST = 1_000
"""So many evaluations are read: enough to find dead rules, few enough to be counted each time somebody looks."""
MOST_DECISIONS = 20
"""Of so many decisions the evaluations are read, if so many need the one that is looked at."""
MOST_FILES = 20
"""So many files that import the one that is looked at are read, the newest first."""

_d, _e, _r = schema.decisions.c, schema.decision_evaluations.c, schema.requirements.c

OF_GRAPH = select(_d.key, _d.decision_id).where(_d.requirements_key == bindparam("key"))
DEPLOYED = select(_r.deployed_at, _r.tenant_id).where(_r.key == bindparam("key"))
# `[1, 2]` on PostgreSQL, `[1,2]` on SQLite: made `,1,2,`, so that one key is not found inside another one.
_IMPORTS = func.replace(func.replace(func.replace(cast(_r.imports, Text), " ", ""), "[", ","), "]", ",")
IMPORTING = (
    select(_r.key)
    .where(_r.tenant_id == bindparam("tenant_id"), _r.deployed_at >= bindparam("deployed_at"),
           _IMPORTS.like(bindparam("pattern")))
    .order_by(_r.deployed_at.desc(), _r.key.desc()).limit(MOST_FILES)
)
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
    """Count over the newest evaluations of one version of a decision, those included that another decision asked
    for: of the same file, or of one that imports it. An evaluation that failed hit nothing and does not count.

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
        found: list[tuple[datetime, int, Sequence[int] | None]] = []
        for key, asked in islice(_asking(engine, connection, requirements_key, decision), MOST_DECISIONS):
            rows = engine.database.select(connection, EVALUATED, {"key": key, "most": most + 1})
            found += [(row.evaluated_at, row.key, _hit(row.decisions, decision.key, asked)) for row in rows]
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


def _hit(decisions: Sequence[Mapping[str, Any]], wanted: Key, asked: Decision) -> Sequence[int] | None:
    """The rules that were hit, if the decision was evaluated at all; a service may have done so several times."""
    namespace, id = wanted
    # Older evaluations do not say which file: that which was asked, if its decision of this id was needed.
    own_file = asked.key[0]
    else_of = own_file if _needs(asked, (own_file, id)) else namespace
    own = [each for each in decisions if each["id"] == id and each.get("namespace", else_of) == namespace]
    # Each rule once: it is told in how many evaluations it was hit.
    return sorted({rule["index"] for each in own for rule in each["rules"]}) if own else None


def _asking(engine: Engine, connection: Connection, requirements_key: int,
            decision: Decision) -> Iterator[tuple[int, Decision]]:
    """The decisions that are evaluated together with this one, and their keys: itself first, then those that
    need it, of its own file and of those that import it."""
    for key in (requirements_key, *_importing(engine, connection, requirements_key)):
        try:
            model = deployed_model(engine, connection, key)
        except DecisionError:
            continue
        rows = engine.database.select(connection, OF_GRAPH, {"key": key})
        for row in sorted(rows, key=lambda row: (row.decision_id != decision.id, row.key)):
            asked = model.decisions.get(row.decision_id)
            if asked is not None and _needs(asked, decision.key):
                yield row.key, asked


def _importing(engine: Engine, connection: Connection, requirements_key: int) -> list[int]:
    """The files that import this one, directly or through another, the newest first."""
    own = engine.database.select(connection, DEPLOYED, {"key": requirements_key})[0]
    rows = engine.database.select(connection, IMPORTING, {
        "tenant_id": own.tenant_id, "deployed_at": own.deployed_at, "pattern": f"%,{requirements_key},%"})
    return [row.key for row in rows]


def _needs(element: Element, wanted: Key) -> bool:
    """Whether an element is the wanted one, or needs it."""
    seen: set[Key] = set()
    left = [element]
    while left:
        one = left.pop()
        if one.key == wanted:
            return True
        if one.key not in seen:
            seen.add(one.key)
            left += [required.element for required in one.requires]
            left += one.outputs if isinstance(one, Service) else []
    return False
