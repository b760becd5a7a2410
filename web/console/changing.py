"""What the pages share that change where instances are: they find out what a deed would do, and plan it.

Nothing is changed by these pages. They end in a plan (`engine.operations.plans`), whose page asks for the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn.model import Process
from engine.errors import InvalidInput, Rejection
from engine.operations import freezing, plans, trial
from engine.operations.deeds import deed_of
from engine.operations.trial import Judged
from engine.queries import operations as found
from engine.queries.definitions import ElementCount
from engine.queries.instances import InstanceFilter
from web.console import forms
from web.console.blueprint import acting, done, engine
from web.console.words import type_word

AT_ONCE = 200
"""So many instances are judged while the page is made; larger plans get ready in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An element as one can choose it: its name and kind in words, and how many tokens are there."""

    id: str
    label: str
    tokens: int


def choices(process: Process, tokens: Iterable[ElementCount]) -> list[Choice]:
    """Every element of a process, in the order of the diagram."""
    there = {count.element_id: count.tokens for count in tokens}
    return [Choice(id=id, label=f"{element.name or id} · {type_word(element.type)}", tokens=there.get(id, 0))
            for id, element in process.elements.items()]


def variables_of(text: str) -> dict[str, Any]:
    """The JSON object that somebody typed as variables; empty text is none. Raises InvalidInput."""
    found = forms.json_value(text, "the variables") if text.strip() else {}
    if not isinstance(found, dict):
        raise InvalidInput('Expected the variables as a JSON object such as {"orderId": 4711}, but it is something '
                           'else.')
    return found


def judged(kind: str, parameters: Mapping[str, Any], key: int) -> Judged:
    """What a deed would do to an instance now; what refuses its parameters is an obstacle, too."""
    try:
        return engine().execute(lambda tx: _judge(tx, kind, parameters, key))
    except Rejection as error:
        return Judged(changes=[], expected={}, refusal=error)


def _judge(tx: Any, kind: str, parameters: Mapping[str, Any], key: int) -> Judged:
    deed = deed_of(kind, parameters)
    deed.check(tx)
    return trial.judge(tx, deed, key)


def request_text(kind: str, parameters: Mapping[str, Any], keys: Iterable[int]) -> str:
    """What a program would send to `POST /api/operations` for the same plan."""
    body = {"kind": kind, "parameters": parameters, "keys": [str(key) for key in keys]}
    return json.dumps(body, indent=2, ensure_ascii=False)


def request_of_many(kind: str, parameters: Mapping[str, Any], keys: Iterable[int], query: str) -> str:
    """What a program would send to `POST /api/operations` for the same plan of chosen instances, or of a filter."""
    named = [str(key) for key in keys]
    body = {"kind": kind, "parameters": parameters, **({"keys": named} if named else {"filter": query})}
    return json.dumps(body, indent=2, ensure_ascii=False)


def plan(kind: str, parameters: Mapping[str, Any], filter: InstanceFilter, query: str = "") -> ResponseReturnValue:
    """Freeze the instances and go to the page of the plan."""
    key = freezing.plan(acting(), kind, parameters, filter, query=query)
    judge_few(key)
    return done(_("Planned. Nothing is changed until you apply it."), url_for("console.operation", key=key), "waiting")


def judge_few(key: int) -> None:
    """Find out at once what a plan of few instances would change: whoever planned it looks at it next."""
    if found.operation(engine(), key).total <= AT_ONCE:
        while engine().execute(plans.judge, key):
            pass
