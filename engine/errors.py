"""What can go wrong, in two families.

A `Rejection`: the caller asked for something that is not possible; nothing changed. A `Failure`: the process itself
cannot go on; the engine raises an incident and the caller's command succeeds. Anything else is a bug and rolls the
transaction back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpmn.problems import Problem
    from engine.transaction import Transaction


class Rejection(Exception):
    """The command is not possible. Nothing was changed; the message says what was expected and what was there."""


class NotFound(Rejection):
    """There is nothing with this key or id."""


class WrongState(Rejection):
    """It exists, but in its present state the command makes no sense (ended, suspended, locked by another)."""


class Conflict(Rejection):
    """Something that may exist only once exists already, or several things answer where one was expected."""


class TooMany(Rejection):
    """It would be possible, but not so often: a limit of the tenant. To ask again in a second is right."""


class NotAllowed(Rejection):
    """It would be possible, but not for who asks: the permission is missing."""


class NeedsApproval(WrongState):
    """Another person has to approve it first. Nothing was changed, but `ask` writes down that it waits (the engine runs
    it), and `key` is the request."""

    def __init__(self, what: str, requester: str, ask: Callable[[Transaction], int]) -> None:
        self.what, self.requester, self.ask = what, requester, ask
        self.key: int | None = None
        super().__init__(what)

    def __str__(self) -> str:
        """The sentence for who asked."""
        return (f"Expected another person to approve this {self.what}, because two people are needed here, but so far "
                f"only {self.requester!r} asked for it. It waits as request {self.key}, and nothing was done yet.")


class InvalidInput(Rejection):
    """A value of the command cannot be used."""


class DeploymentRefused(Rejection):
    """At least one file of a deployment cannot run; none was deployed. `problems` has those of all files.

    With `strict` warnings are enough to refuse it.
    """

    def __init__(self, problems: tuple[Problem, ...], *, strict: bool = False) -> None:
        self.problems = problems
        self.strict = strict
        wanted = "files that can run, and without warnings (strict)" if strict else "files that can run"
        super().__init__(f"Expected {wanted}, but found problems:\n" + "\n".join(map(str, problems)))


class WrongSchema(Exception):
    """The database was made by another version of Partitur, or by another program; this one does not start on it.

    `advice`: what to do about it.
    """

    def __init__(self, found: str, advice: str) -> None:
        self.found = found
        self.advice = advice
        super().__init__(f"{found} {advice}")


class Unavailable(Exception):
    """The database cannot be reached now, or cannot be written. Nothing was changed, unless it is `in_doubt`: then the
    connection broke while the commit was under way. To ask again is right; with an idempotency key it is safe, too."""

    retry_after = 2
    """Seconds after which to ask again."""

    def __init__(self, why: str, *, in_doubt: bool = False) -> None:
        self.why = why
        self.in_doubt = in_doubt
        outcome = "It is not known whether the change was made" if in_doubt else "Nothing was changed"
        super().__init__(f"Expected the database to answer, but: {why}. {outcome}; try again in a moment.")


class SharedSessions(Unavailable):
    """A pooler before the database hands sessions on between transactions: announcements would be lost, and statements
    that are prepared. `advice`: what to do about it."""

    advice = "Set pool_mode=session for it (docs/SCALING.md, *PgBouncer*), or lead DATABASE_URL to PostgreSQL itself."

    def __init__(self) -> None:
        super().__init__("the pooler before it hands sessions on between transactions (pool_mode)")


class Failure(Exception):
    """The process cannot go on by itself; the engine raises an incident for it.

    `incident_type` is one of Camunda 8's incident error types.
    """

    incident_type = "UNKNOWN"


class InvalidTimer(Failure):
    """The text of a timer is no date, duration or cycle."""

    incident_type = "EXTRACT_VALUE_ERROR"


class ProcessMissing(Failure):
    """A call activity names a process that was never deployed."""

    incident_type = "CALLED_ELEMENT_ERROR"
