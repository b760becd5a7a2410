"""What the console calls operations: a word, a hint and an icon for each kind, state and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext

from engine.approvals.asking import ApprovalState
from engine.operations.plans import ItemState, OperationState


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind of operation. `word` is what a button says, `noun` what a list calls it."""

    word: Any
    noun: Any
    hint: Any
    icon: str
    danger: bool = False


KINDS: dict[str, KindWords] = {
    "RETRY": KindWords(
        lazy_gettext("Retry"), lazy_gettext("Retry what failed"),
        lazy_gettext("Each open incident is resolved and its element is tried again. Calls in doubt are left."),
        "retrying"),
    "SUSPEND": KindWords(
        lazy_gettext("Suspend"), lazy_gettext("Suspend"),
        lazy_gettext("No service is called and no timer fires until they are resumed."), "pause"),
    "RESUME": KindWords(
        lazy_gettext("Resume"), lazy_gettext("Resume"),
        lazy_gettext("They go on where they stopped. Timers that fell due meanwhile fire."), "play"),
    "SET_VARIABLES": KindWords(
        lazy_gettext("Set variables"), lazy_gettext("Set variables"),
        lazy_gettext("Each is set where it is visible from the instance, else at the top."), "edit"),
    "SET_RETRIES": KindWords(
        lazy_gettext("Change attempts"), lazy_gettext("Change attempts"),
        lazy_gettext("How many attempts the open jobs have left. An incident is not resolved by that."), "gear"),
    "DELIVER": KindWords(
        lazy_gettext("Deliver a message"), lazy_gettext("Deliver a message"),
        lazy_gettext("Whoever waits for the message gets it; the others are told before."), "mail"),
    "FIRE": KindWords(
        lazy_gettext("Fire timers"), lazy_gettext("Fire timers"),
        lazy_gettext("What waits for a time goes on at once. A timer that repeats keeps its later times."), "waiting"),
    "DECIDE": KindWords(
        lazy_gettext("Decide"), lazy_gettext("Decide a call in doubt"),
        lazy_gettext("The service is asked, called once more, or the outcome is written down."), "in_doubt"),
    "MIGRATE": KindWords(
        lazy_gettext("Migrate"), lazy_gettext("Migrate to another version"),
        lazy_gettext("They go on in another version. Those that do not fit are told before, and stay."), "up"),
    "MODIFY": KindWords(
        lazy_gettext("Move tokens"), lazy_gettext("Move tokens"),
        lazy_gettext("Tokens are put at other elements and taken away."), "gateway", danger=True),
    "RESTART": KindWords(
        lazy_gettext("Restart"), lazy_gettext("Restart from an element"),
        lazy_gettext("They go on from an element of their past; those that ended start as new ones."), "back"),
    "CANCEL": KindWords(
        lazy_gettext("Cancel"), lazy_gettext("Cancel"),
        lazy_gettext("They end for good, with all that they called. What services did stays done."), "cancel",
        danger=True),
    "HOLD": KindWords(
        lazy_gettext("Hold a service"), lazy_gettext("Hold a service"),
        lazy_gettext("Its jobs wait without losing attempts."), "held"),
    "RELEASE": KindWords(
        lazy_gettext("Release a service"), lazy_gettext("Release a service"),
        lazy_gettext("Its jobs are handed out again, few at first."), "play"),
}
ON_INSTANCES = tuple(kind for kind in KINDS if kind not in ("HOLD", "RELEASE"))
IN_BULK = tuple(kind for kind in ON_INSTANCES if kind != "DECIDE")
"""The kinds that are offered for many instances; a call in doubt is decided where it is."""

STATE_WORDS: dict[str, tuple[str, Any]] = {
    OperationState.FREEZING: ("active", lazy_gettext("Being frozen")),
    OperationState.PLANNING: ("active", lazy_gettext("Being planned")),
    OperationState.PLANNED: ("waiting", lazy_gettext("Planned")),
    OperationState.WAITING: ("held", lazy_gettext("Waits for an approval")),
    OperationState.RUNNING: ("active", lazy_gettext("Under way")),
    OperationState.PAUSED: ("suspended", lazy_gettext("Paused")),
    OperationState.STOPPED: ("terminated", lazy_gettext("Stopped")),
    OperationState.DONE: ("completed", lazy_gettext("Done")),
}
"""How each state of an operation is shown: the colour of which state of instances, and a word."""

APPROVAL_STATES: dict[str, tuple[str, Any]] = {
    ApprovalState.WAITING: ("waiting", lazy_gettext("Waits")),
    ApprovalState.APPROVED: ("completed", lazy_gettext("Approved")),
    ApprovalState.DECLINED: ("terminated", lazy_gettext("Declined")),
    ApprovalState.WITHDRAWN: ("suspended", lazy_gettext("Withdrawn")),
}
"""How each state of a request for an approval is shown: the colour of which state of instances, and a word."""

ITEM_WORDS: dict[str, tuple[str, Any, Any]] = {
    ItemState.FROZEN: ("active", lazy_gettext("Not looked at yet"), lazy_gettext("What it would be like is found out")),
    ItemState.PLANNED: ("waiting", lazy_gettext("Can be done"), lazy_gettext("It was tried and taken back")),
    ItemState.BLOCKED: ("stalled", lazy_gettext("Cannot be done"), lazy_gettext("The sentence says why")),
    ItemState.WATCHING: ("active", lazy_gettext("Being watched"), lazy_gettext("What comes of it is seen")),
    ItemState.FIXED: ("completed", lazy_gettext("Fixed"), lazy_gettext("It was done, and no failure came back")),
    ItemState.FAILED_AGAIN: ("incident", lazy_gettext("Failed again"), lazy_gettext("It was done, and failed again")),
    ItemState.SKIPPED: ("suspended", lazy_gettext("Skipped"), lazy_gettext("It changed after it was planned")),
    ItemState.NOT_STARTED: ("held", lazy_gettext("Not started"), lazy_gettext("The sentence says why")),
}
"""How each state of an item is shown: colour, word and explanation."""
