"""Reads under a sight: each table of a statement gives those rows only that the reader may see.

The compiler of SQL does it, for every statement and every table in it, so that no query can forget to. A table that is
not in `SEEN` gives nothing. Statements are compiled once for each
sight, and it is part of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, String, TextClause, event
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from engine.sight import ANY, Sight

KEPT = 200
"""For how many readers compiled statements are kept."""
OF_ANY_SIGHT = "of_any_sight"
"""Execution option of a statement in words, which the compiler does not read: it shows nothing that is hidden."""
_TEXT = String()


class Words:
    """Writes conditions of SQL for one sight."""

    def __init__(self, compiler: SQLCompiler, sight: Sight) -> None:
        self._compiler, self._sight = compiler, sight

    def value(self, text: str) -> str:
        """A text as SQL has it."""
        rendered = self._compiler.render_literal_value(text, _TEXT)
        # In two, lest SQLAlchemy takes it for the place of a parameter.
        return rendered.replace("%(", "%' || '(").replace("_[", "_' || '[")

    @property
    def owner(self) -> str:
        """The name of the reader."""
        return self.value(self._sight.owner)

    def definition(self, of: str, id: str = "process_id") -> str:
        """Whether a row of table `of`, whose column `id` names a definition, is seen."""
        parts = []
        for area in self._sight.areas:
            both = [self._one_of(f"{of}.tenant_id", area.tenants),
                    "" if ANY in area.patterns else self._patterns(f"{of}.{id}", area.patterns)]
            parts.append(" AND ".join(filter(None, both)) or "1 = 1")
        return f"({' OR '.join(parts) or '1 = 0'})"

    def tenant(self, of: str, column: str = "tenant_id", *, whole: bool = False) -> str:
        """Whether a row belongs to a tenant of whom something is seen; everything, if `whole`."""
        parts = [self._one_of(f"{of}.{column}", area.tenants) or "1 = 1"
                 for area in self._sight.areas if not whole or ANY in area.patterns]
        return f"({' OR '.join(parts) or '1 = 0'})"

    def _one_of(self, column: str, values: tuple[str, ...]) -> str:
        return "" if ANY in values else f"{column} IN ({', '.join(map(self.value, values)) or 'NULL'})"

    def _patterns(self, column: str, patterns: tuple[str, ...]) -> str:
        # Not LIKE, which takes an A for an a on SQLite.
        begins = [f"substr({column}, 1, {len(each) - 1}) = {self.value(each[:-1])}"
                  for each in patterns if each.endswith(ANY)]
        exact = self._one_of(column, tuple(each for each in patterns if not each.endswith(ANY)))
        return f"({' OR '.join([exact, *begins])})"

    def through(self, table: str, condition: str, id: str = "process_id") -> str:
        """Whether a row leads to a definition, or something of one, that is seen: by `seen`, a row of `table`."""
        return f"EXISTS (SELECT 1 FROM {table} AS seen WHERE {condition} AND {self.definition('seen', id)})"


Condition = Callable[[Words], str]


def _own(table: str, id: str = "process_id") -> Condition:
    return lambda words: words.definition(table, id)


def _of_definition(table: str) -> Condition:
    return lambda words: words.through("definitions", f"seen.key = {table}.definition_key")


def _of_instance(table: str, column: str = "instance_key") -> Condition:
    return lambda words: words.through("instances", f"seen.key = {table}.{column}")


def _of_task(table: str) -> Condition:
    return lambda words: words.through("user_tasks", f"seen.key = {table}.task_key")


def _of_owner(table: str) -> Condition:
    return lambda words: f"{table}.owner = {words.owner}"


def _of_whole_tenant(table: str) -> Condition:
    return lambda words: words.tenant(table, whole=True)


def _everybody(_words: Words) -> str:
    return ""


def _nobody(_words: Words) -> str:
    return "1 = 0"


def _of_file(table: str, column: str) -> Condition:
    """A file, or a deployment of files: something in it is seen."""
    def condition(words: Words) -> str:
        return "(" + " OR ".join((
            words.through("definitions", f"seen.{column} = {table}.key"),
            words.through("forms", f"seen.{column} = {table}.key", "form_id"),
            words.through("decisions", "seen.requirements_key IN (SELECT graph.key FROM decision_requirements AS graph"
                          f" WHERE graph.{column} = {table}.key)", "decision_id"),
        )) + ")"
    return condition


def _audit(words: Words) -> str:
    return ("CASE WHEN audit.instance_key IS NULL THEN " + words.through("definitions", "seen.key = audit.entity_key")
            + " ELSE " + words.through("instances", "seen.key = audit.instance_key") + " END")


def _evaluation(words: Words) -> str:
    # One of an instance has variables of the instance in it.
    return ("CASE WHEN decision_evaluations.instance_key IS NULL THEN "
            + words.definition("decision_evaluations", "decision_id")
            + " ELSE " + words.through("instances", "seen.key = decision_evaluations.instance_key") + " END")


def _operation(words: Words) -> str:
    # As a whole or not at all: its numbers, its filter and its words are about all of its instances.
    items = ("FROM operation_items AS item LEFT JOIN instances AS seen ON seen.key = item.instance_key"
             " WHERE item.operation_key = operations.key")
    return (f"(operations.author = {words.owner} OR (EXISTS (SELECT 1 {items} AND {words.definition('seen')})"
            f" AND NOT EXISTS (SELECT 1 {items} AND (seen.key IS NULL OR NOT {words.definition('seen')}))))")


def _operation_item(words: Words) -> str:
    return words.through("instances", "seen.key = operation_items.instance_key")


def _approval(words: Words) -> str:
    # As a whole or not at all, as operations are; one's own in any case.
    subjects = "FROM approval_subjects AS subject WHERE subject.approval_key = approvals.key"
    seen = words.definition("subject", "definition_id")
    return (f"(approvals.requester = {words.owner} OR CASE WHEN approvals.operation_key IS NULL THEN"
            f" EXISTS (SELECT 1 {subjects} AND {seen}) AND NOT EXISTS (SELECT 1 {subjects} AND NOT {seen})"
            f" ELSE EXISTS (SELECT 1 FROM operations WHERE operations.key = approvals.operation_key"
            f" AND {_operation(words)}) END)")


def _approval_file(words: Words) -> str:
    return (f"EXISTS (SELECT 1 FROM approvals WHERE approvals.key = approval_files.approval_key"
            f" AND {_approval(words)})")


SEEN: Mapping[str, Condition] = {
    "approvals": _approval,
    "approval_files": _approval_file,
    "approval_subjects": _nobody,
    **{name: _own(name) for name in (
        "definitions", "instances", "jobs", "user_tasks", "incidents", "subscriptions", "pauses", "held_starts")},
    "decisions": _own("decisions", "decision_id"),
    "forms": _own("forms", "form_id"),
    "decision_requirements": lambda words: words.through(
        "decisions", "seen.requirements_key = decision_requirements.key", "decision_id"),
    "deployments": _of_file("deployments", "deployment_key"),
    "resources": _of_file("resources", "resource_key"),
    **{name: _of_definition(name) for name in (
        "element_instances", "timers", "drills", "element_durations", "report_figures")},
    **{name: _of_instance(name) for name in (
        "variables", "variable_history", "incident_notes", "job_failures", "explanations", "task_comments", "deferred",
        "outbox")},
    **{name: _of_task(name) for name in ("task_candidates", "task_drafts")},
    **{name: _of_owner(name) for name in ("task_filters", "saved_views")},
    "decision_evaluations": _evaluation,
    "audit": _audit,
    "operations": _operation,
    "operation_items": _operation_item,
    # Nothing says to which process a message goes, so whoever does not see all of a tenant sees none.
    **{name: _of_whole_tenant(name) for name in ("messages", "stray_messages")},
    "tenants": lambda words: words.tenant("tenants", "id"),
    # Services are of the installation, not of a tenant; what is not for everybody about them is not asked for by those
    # who see a part only (web.auth.rules).
    **dict.fromkeys(("services", "service_holds", "key_sequence", "report_progress", "requests", "sessions",
                     "last_uses", "guesses", "second_factors", "recovery_codes", "factor_setups", "half_log_ins"),
                    _everybody),
    **dict.fromkeys(("alert_rules", "alert_samples", "event_targets", "secrets", "nodes", "audit_chain",
                     "inbound_sources", "inbound_set_aside", "inbound_received", "operation_parts"), _nobody),
}
"""The condition under which a row of a table is seen."""


@lru_cache(KEPT)
def reader(of: SqlEngine, sight: Sight) -> SqlEngine:
    """An engine that reads as `of` does, on the same connections, and shows what is in sight only."""
    dialect = copy.copy(of.dialect)
    dialect.statement_compiler = cast(Any, type("Sighted", (_Sighted, of.dialect.statement_compiler), {"sight": sight}))
    found = of.execution_options(compiled_cache=LRUCache(500))
    found.dialect = dialect
    event.listen(found, "before_execute", _refuse_words)
    return found


def _refuse_words(_connection: Connection, statement: Any, _many: Any, _one: Any, options: Mapping[str, Any]) -> None:
    if isinstance(statement, TextClause) and not options.get(OF_ANY_SIGHT):
        raise TypeError("Expected a statement whose tables can be told, but it is in words: it would show everything.")


class _Sighted(SQLCompiler):
    """A compiler to whose tables their conditions are added."""

    sight: Sight

    def visit_table(self, table: Any, asfrom: Any = False, *rest: Any, ashint: Any = False, enclosing_alias: Any = None,
                    **more: Any) -> Any:
        """The name of a table; where it is read from, a selection of its rows."""
        plain = cast(Any, super()).visit_table
        name = plain(table, asfrom, *rest, ashint=ashint, enclosing_alias=enclosing_alias, **more)
        if not asfrom or ashint:
            return name
        condition = SEEN.get(table.name, _nobody)(Words(self, self.sight))
        if not condition:
            return name
        selection = f"(SELECT {name}.* FROM {name} WHERE {condition})"
        # An alias further out comes along, too.
        named = enclosing_alias is not None and enclosing_alias.element is table
        return selection if named else f"{selection} AS {name}"
