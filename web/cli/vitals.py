"""What `partitur doctor` looks at in the database: the nodes that serve, what is late, and who is in the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from engine import chain, rights
from engine.engine import Engine
from engine.queries.standing import NodeRow, Standing, standing
from engine.work import holds
from engine.work.holds import Hold, HoldKind
from web.cli.checks import Check, Result

SKEW = timedelta(seconds=1)
"""Clocks that differ more than that are not kept by NTP."""
WRONG = timedelta(seconds=10)
NEWEST = 50_000
"""Entries of the audit trail that are verified."""
LATE = timedelta(minutes=1)
"""Timers, entries and locks that are overdue for longer wait for somebody who does not come."""
GONE = timedelta(hours=1)
"""How long a node that left without saying so is worth a warning: by then it was started again, or is not missed."""


def examine(engine: Engine) -> Iterator[Check]:
    """Look at everything that a running installation shows."""
    seen, held = standing(engine), holds.all_of_them(engine)
    yield check_nodes(seen)
    yield check_clocks(seen)
    yield check_partitions(seen)
    yield check_timers(seen)
    if seen.queue_waiting is not None:
        yield check_queue(seen)
    yield check_locks(seen)
    yield check_services(held, seen.now)
    yield check_transactions(seen)


def check_audit(engine: Engine) -> Check:
    """The newest entries of the audit trail are as they were sealed."""
    verdict = chain.verify(engine, newest=NEWEST)
    if verdict.broken is not None:
        return Check(name="Audit trail", result=Result.FAILED, found=verdict.broken.sentence,
                     advice="Find out who can write to the database. `partitur audit verify` looks at all entries.")
    return Check(name="Audit trail", result=Result.OK, found=f"the newest {verdict.checked} entries are as they were")


def check_nodes(seen: Standing) -> Check:
    """Somebody fires timers, and nobody has died lately."""
    alive = seen.alive
    gone = [node for node in seen.nodes if not node.is_alive and seen.now - node.seen_at <= GONE]
    if not alive and not gone:
        return Check(name="Nodes", result=Result.OK, found="none is running")
    if alive and not seen.has("scheduler"):
        return Check(name="Nodes", result=Result.FAILED, found=f"{_listed(alive)}; none of them is a scheduler",
                     advice="Run `partitur scheduler`, or a server without --no-scheduler: timers do not fire.")
    versions = {node.version for node in alive}
    if len(versions) > 1:
        return Check(name="Nodes", result=Result.WARNING, found=f"of several versions: {', '.join(sorted(versions))}",
                     advice="Right while they are being replaced; otherwise stop the older ones.")
    if gone:
        last = ", ".join(f"{_listed([node])} {words(seen.now - node.seen_at)} ago" for node in gone)
        return Check(name="Nodes", result=Result.WARNING, found=f"gone without leaving: {last}",
                     advice="Start them again if they are missed. Others take on their work; after an hour this is"
                            " not told any more.")
    return Check(name="Nodes", result=Result.OK, found=_listed(alive))


def _listed(nodes: tuple[NodeRow, ...] | list[NodeRow]) -> str:
    return ", ".join(f"{node.host}:{node.pid} ({'+'.join(node.roles)})" for node in nodes)


def check_clocks(seen: Standing) -> Check:
    """The clocks of nodes, and of this machine, show what the database's shows."""
    apart = {f"{node.host}:{node.pid}": node.clock_ahead for node in seen.alive}
    apart["this machine"] = seen.clock_ahead
    where, most = max(apart.items(), key=lambda each: abs(each[1]))
    if abs(most) < SKEW:
        return Check(name="Clocks", result=Result.OK, found="within a second of the database's")
    way = "ahead of" if most > timedelta() else "behind"
    return Check(
        name="Clocks", result=Result.FAILED if abs(most) >= WRONG else Result.WARNING,
        found=f"{where} is {abs(most).total_seconds():.1f} s {way} the database",
        advice="Let NTP set the clocks. Timers and locks go by the database's all the same; logs, tokens and"
               " certificates do not.",
    )


def check_partitions(seen: Standing) -> Check:
    """Every partition is served by a living scheduler, and the workers' services are called in each."""
    if seen.unserved:
        return Check(name="Partitions", result=Result.FAILED, found=f"nobody serves {seen.unserved}",
                     advice="Start a scheduler for them, or one without --partitions.")
    if seen.uncalled:
        named = "; ".join(f"no worker calls {service!r} in {where}" for service, where in seen.uncalled.items())
        return Check(name="Partitions", result=Result.FAILED, found=named,
                     advice="Start a worker for them, or one without --partitions: their jobs wait.")
    return Check(name="Partitions", result=Result.OK, found="all served" if seen.unserved == "" else "no scheduler")


def check_timers(seen: Standing) -> Check:
    """No timer waits long after its time."""
    if seen.timer_lag <= LATE:
        return Check(name="Timers", result=Result.OK, found=f"the oldest is {words(seen.timer_lag)} late")
    return Check(name="Timers", result=Result.FAILED if seen.has("scheduler") else Result.WARNING,
                 found=f"the oldest is {words(seen.timer_lag)} late",
                 advice="Start a scheduler, or more of them; the log of those that run says what stops them.")


def check_queue(seen: Standing) -> Check:
    """What is due is taken from the queue."""
    found = f"{seen.queue_waiting} due, the oldest for {words(seen.queue_lag or timedelta())}"
    if (seen.queue_lag or timedelta()) <= LATE:
        return Check(name="Queue", result=Result.OK, found=found)
    return Check(name="Queue", result=Result.FAILED if seen.has("scheduler") else Result.WARNING, found=found,
                 advice="Start a scheduler, or more of them: the queue is filled faster than it is emptied.")


def check_locks(seen: Standing) -> Check:
    """No job is locked by a worker whose lock ended long ago."""
    if not seen.stuck_locks:
        return Check(name="Locks", result=Result.OK, found="none is stuck")
    return Check(name="Locks", result=Result.FAILED if seen.has("scheduler") else Result.WARNING,
                 found=f"{seen.stuck_locks} ended more than a minute ago and were not released",
                 advice="Start a scheduler: it gives such jobs to other workers.")


def check_services(held: Sequence[Hold], now: datetime) -> Check:
    """No service is held, by a person or by its circuit breaker."""
    if not held:
        return Check(name="Services", result=Result.OK, found="none is held")
    by_hand = any(each.kind == HoldKind.OPERATOR for each in held)
    by_itself = any(each.kind == HoldKind.BREAKER for each in held)
    return Check(
        name="Services", result=Result.WARNING, found="; ".join(_held(each, now) for each in held),
        advice=" ".join(filter(None, (
            "`partitur release SERVICE --reason …` hands out jobs again." if by_hand else "",
            "Look at the service whose breaker is open: one call tries it from time to time, and closes the breaker"
            " when it succeeds." if by_itself else ""))),
    )


def _held(hold: Hold, now: datetime) -> str:
    since = words(max(now - hold.held_at, timedelta()))
    if hold.kind == HoldKind.OPERATOR:
        return f"{hold.service} is held by {hold.held_by} for {since}: {hold.reason}"
    tried = f"{hold.trials} trials failed, " if hold.trials > 1 else "1 trial failed, " if hold.trials else ""
    again = f"the next in {words(hold.trial_at - now)}" if hold.trial_at and hold.trial_at > now else "the next is due"
    return f"{hold.service}: breaker open for {since} ({tried}{again}): {hold.reason}"


def check_transactions(seen: Standing) -> Check:
    """No transaction stays open for long."""
    if not seen.long_transactions and seen.hidden_sessions:
        return Check(name="Transactions", result=Result.OK,
                     found=f"none is open for long, but {seen.hidden_sessions} of other accounts are not told",
                     advice="`GRANT pg_read_all_stats` to this account shows those, too.")
    if not seen.long_transactions:
        return Check(name="Transactions", result=Result.OK, found="none is open for long")
    slow = ", ".join(f"{each.who or 'unnamed'} (process {each.pid}, {each.state}, {words(each.age)})"
                     for each in seen.long_transactions)
    return Check(name="Transactions", result=Result.WARNING, found=slow,
                 advice="End them, by `SELECT pg_terminate_backend(…)` of their process: they keep locks, and keep"
                        " PostgreSQL from reclaiming room.")


def words(length: timedelta) -> str:
    """A time in the largest unit that tells it."""
    seconds = int(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def check_rights(engine: Engine) -> Check | None:
    """The account of the database may do no more than a server needs; None on SQLite."""
    found = rights.of(engine.database)
    if found is None:
        return None
    if found.rules:
        return Check(name="Rights", result=Result.WARNING,
                     found=f"{found.account!r} may do anything on the database server",
                     advice="Give servers an account of their own: docs/PLATFORM.md, *With few rights*.")
    if found.owns:
        return Check(name="Rights", result=Result.OK, found=f"{found.account!r} owns the tables",
                     advice="`partitur upgrade --grant ROLE` gives servers an account with fewer rights.")
    return Check(name="Rights", result=Result.OK, found=f"{found.account!r} reads and writes rows only")
