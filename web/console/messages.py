"""Messages: what is kept, what reached nobody and why, who waits; and giving a message to somebody by hand."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from engine import requests
from engine.errors import InvalidInput
from engine.queries import messages as found
from engine.queries import misses
from engine.queries.messages import MessageRow
from engine.queries.misses import Difference, Kind, Oddity
from web.console import at_once, formatting, forms, numbers, paging
from web.console.blueprint import bp, engine

VIEWS = (("stray", lazy_gettext("Reached nobody")), ("kept", lazy_gettext("Kept")),
         ("waiting", lazy_gettext("Waited for")))


@bp.get("/messages")
def messages() -> ResponseReturnValue:
    """The messages, or who waits for them, that the address asks for.

    Raises:
        InvalidInput: there is no such view.
    """
    view = request.args.get("view") or "stray"
    name, key = request.args.get("name") or None, request.args.get("key") or None
    more = {"limit": paging.SIZE, "offset": paging.offset()}
    if view == "waiting":
        page = paging.page(found.waiting(engine(), name=name, correlation_key=key,
                                         process_id=request.args.get("process") or None, **more))
        return render_template("messages/waiting.html", section="mail", live=10, page=page, view=view, views=VIEWS,
                               counts=found.counts(engine()))
    if view not in ("stray", "kept"):
        raise InvalidInput(_("Expected one of the views stray, kept and waiting, but found %(view)s.",
                             view=repr(view[:40])))
    listed = found.strays if view == "stray" else found.kept
    rows = paging.page(listed(engine(), name=name, correlation_key=key, **more))
    return render_template("messages/list.html", section="mail", live=10, page=rows, view=view, views=VIEWS,
                           counts=found.counts(engine()), nearest={row.key: nearest(row) for row in rows.rows[:20]})


@bp.get("/messages/<key:key>")
def message(key: int) -> ResponseReturnValue:
    """One message: what it carries, and whom it nearly reached, the closest first."""
    row = found.message(engine(), key)
    close = misses.near_misses(engine(), row)
    # With somebody to compare it with, the differences say more.
    odd = () if close or row.delivered_to is not None else misses.oddities(row)
    return render_template("messages/detail.html", section="mail", live=0, message=row, misses=close,
                           sentence=sentence, odd=[str(ODD[each]) for each in odd])


@bp.post("/messages/<key:key>/delivery")
def deliver_message(key: int) -> ResponseReturnValue:
    """Give a message to somebody who waits, whatever the keys say.

    Raises:
        InvalidInput: nobody was chosen, or no reason was given.
    """
    forms.reason()
    waiting = numbers.field("subscription")
    if waiting is None:
        raise InvalidInput(_("Expected the subscription of an instance that waits, but none was chosen."))
    # A repetition gets what came of it, and finds nobody who waits.
    instance = 0 if requests.repeats() else found.instance_of(engine(), waiting)
    return at_once.on_instance("DELIVER", {"subscription": waiting, "kept": key}, instance,
                               _("The message was delivered."), colour="completed")


def nearest(row: MessageRow) -> str | None:
    """Why the message did not reach the one whom it nearly reached, in a sentence, or what is odd about it by itself;
    None if nobody is near and nothing is odd."""
    if row.delivered_to is not None:
        return None
    close = misses.near_misses(engine(), row, limit=1)
    told = [sentence(each) for each in close[0].differences] if close else [
        str(ODD[each]) for each in misses.oddities(row)]
    return " ".join(told) or None


def sentence(difference: Difference) -> str:
    """A difference between a message and who waits, in words."""
    return SENTENCES[difference.kind](difference)


ODD = {
    Oddity.KEY_BLANK: lazy_gettext("Its key begins or ends with a blank, shown as ␣: it reaches only who waits with "
                                   "the same blank."),
    Oddity.KEY_EMPTY: lazy_gettext("Its key is empty, or blanks alone."),
    Oddity.KEY_INVISIBLE: lazy_gettext("Its key has characters that are not seen."),
    Oddity.KEY_QUOTED: lazy_gettext("Its key is in quotation marks, which belong to it."),
    Oddity.NAME_BLANK: lazy_gettext("Its name begins or ends with a blank, shown as ␣."),
    Oddity.NAME_INVISIBLE: lazy_gettext("Its name has characters that are not seen."),
}
"""What is odd about a message by itself, in words."""

SENTENCES: dict[Kind, Callable[[Difference], str]] = {
    Kind.LATE: lambda it: _("The message arrived %(time)s before the subscription was opened, and it was not to be "
                            "kept (time to live 0).", time=formatting.duration(it.apart)),
    Kind.EXPIRED: lambda it: _("The message expired %(time)s before the subscription was opened.",
                               time=formatting.duration(it.apart)),
    Kind.HAD_IT: lambda it: _("The process %(process)s has had this message already, and gets each one once.",
                              process=it.ours),
    Kind.BLANK: lambda it: _("The keys differ in blanks at their ends: the message has “%(ours)s”, who waits has "
                             "“%(theirs)s”.", ours=_blanks(it.ours), theirs=_blanks(it.theirs)),
    Kind.CASE: lambda it: _("The keys differ in capital letters: the message has “%(ours)s”, who waits has "
                            "“%(theirs)s”.", ours=it.ours, theirs=it.theirs),
    Kind.QUOTES: lambda it: _("One of the keys has quotation marks: the message has %(ours)s, who waits has "
                              "%(theirs)s.", ours=it.ours, theirs=it.theirs),
    Kind.NUMBER: lambda it: _("The keys are the same number, written differently: the message has “%(ours)s”, who "
                              "waits has “%(theirs)s”.", ours=it.ours, theirs=it.theirs),
    Kind.INVISIBLE: lambda it: _("The keys look the same, but one has characters that are not seen: the message has "
                                 "%(ours)s, who waits has %(theirs)s.", ours=ascii(it.ours), theirs=ascii(it.theirs)),
    Kind.NO_KEY: lambda it: _("The message has no key; who waits has “%(theirs)s”.", theirs=it.theirs),
    Kind.KEY_WANTED: lambda it: _("The message has the key “%(ours)s”; who waits has none.", ours=it.ours),
    Kind.KEY_ALIKE: lambda it: _("The keys are alike: the message has “%(ours)s”, who waits has “%(theirs)s”.",
                                 ours=it.ours, theirs=it.theirs),
    Kind.KEY_OTHER: lambda it: _("The message has the key “%(ours)s”, who waits has “%(theirs)s”.",
                                 ours=it.ours, theirs=it.theirs),
    Kind.NAME_WRITTEN: lambda it: _("The name is written differently: the message is called “%(ours)s”, “%(theirs)s” "
                                    "is waited for.", ours=_blanks(it.ours), theirs=_blanks(it.theirs)),
    Kind.NAME_ALIKE: lambda it: _("The names are alike: the message is called “%(ours)s”, “%(theirs)s” is waited for.",
                                  ours=_blanks(it.ours), theirs=_blanks(it.theirs)),
    Kind.TENANT: lambda it: _("The message is of the tenant %(ours)s, who waits is of %(theirs)s.",
                              ours=it.ours, theirs=it.theirs),
}


def _blanks(text: str) -> str:
    """A text whose blanks at the ends can be seen."""
    inner = text.strip()
    if not inner:
        return "␣" * len(text)
    before, behind = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
    return "␣" * before + inner + "␣" * behind


bp.add_app_template_filter(_blanks, "blanks")
