"""What a dialog does to one instance or service: an operation of one item, its outcome shown and its report linked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from engine.operations import at_once
from engine.operations.at_once import Outcome
from engine.operations.plans import ItemState
from web.console import forms, numbers
from web.console.blueprint import acting, done
from web.console.operation_words import ITEM_WORDS


def on_instance(kind: str, parameters: Mapping[str, Any], key: int, sentence: str, target: str | None = None, *,
                colour: str = "active", consent: bool = True) -> ResponseReturnValue:
    """Do a deed to an instance and go to `target`, or to its page; `sentence` says that it was done.

    The form has the reason, and `seen`, the revision of the instance that the dialog told of. `consent`: the dialog
    itself says what cannot be taken back; else the form has to have that somebody knows it. Raises what the deed does.
    """
    given = {name: value for name, value in parameters.items() if value not in (None, [], {})}
    outcome = at_once.act(acting(), kind, given, key, forms.reason(), seen=numbers.field("seen"),
                          consent=consent or "consent" in request.form)
    return _told(outcome, sentence, target or url_for("console.instance", key=outcome.instance), colour)


def on_service(kind: str, service: str, sentence: str, target: str, colour: str) -> ResponseReturnValue:
    """Do a deed to a service and go to `target`. Raises what the deed does."""
    return _told(at_once.act_on_service(acting(), kind, service, forms.reason()), sentence, target, colour)


def _told(outcome: Outcome, sentence: str, target: str, colour: str) -> ResponseReturnValue:
    if outcome.state not in (ItemState.FIXED, ItemState.WATCHING):
        colour, word, _hint = ITEM_WORDS[outcome.state]
        sentence = f"{word}. {outcome.sentence or ''}"
    elif outcome.state == ItemState.WATCHING:
        sentence = f"{sentence} {_('What comes of it is watched.')}"
    report = Markup(' <a href="{}">{}</a>').format(url_for("console.operation", key=outcome.operation), _("Report"))
    return done(Markup("{}{}").format(sentence, report), target, colour)
