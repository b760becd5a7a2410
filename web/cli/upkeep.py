"""What `partitur doctor` says of how the database itself is kept; only what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from engine import upkeep
from engine.engine import Engine
from engine.upkeep import Upkeep
from web.cli.checks import Check, Result
from web.cli.vitals import words

NAMED = 5
"""How many indexes are named."""

TOLD_OF_SLOTS = {
    "idle": "nobody reads {names}, and more than {size} of log are kept",
    "slow": "more than {size} of log are kept for {names}, whose reader does not keep up",
    "lost": "the log that {names} needs is gone",
}
"""What is said of slots, by what is wrong with them (`engine.upkeep.Upkeep.slots`)."""


def examine(engine: Engine, history: timedelta | None) -> Iterator[Check]:
    """Look at everything; `history` is how long ended instances are kept whose process says nothing."""
    seen = upkeep.look(engine, history)
    yield from _storage(seen)
    yield from _replication(seen)
    if seen.overdue is not None:
        yield Check(name="Retention", result=Result.WARNING,
                    found=f"history is still there that was to go {words(seen.overdue)} ago",
                    advice="Let a node run all the time, or one more: each cleans in a tenth of its time. If they do,"
                           " their logs say why cleaning failed.")


def _storage(seen: Upkeep) -> Iterator[Check]:
    if seen.lost:
        more = f" and {len(seen.lost) - NAMED} more" if len(seen.lost) > NAMED else ""
        yield Check(name="Indexes", result=Result.FAILED,
                    found=f"missing or not used: {', '.join(seen.lost[:NAMED])}{more}",
                    advice="`partitur upgrade` makes them again; until then pages and commands are slow.")
    if seen.dead:
        yield Check(name="Vacuum", result=Result.WARNING,
                    found="more dead rows than live ones: "
                          + ", ".join(f"{name} ({dead:,})" for name, dead in seen.dead),
                    advice="`VACUUM (ANALYZE)` these tables, and look whether autovacuum is on and what keeps it from"
                           " them: a transaction or a standby that stays open.")
    if seen.oldest_number is not None:
        yield Check(name="Transaction numbers", result=Result.FAILED,
                    found=f"{seen.oldest_number:,} since rows were frozen; at two billion PostgreSQL takes no changes",
                    advice="`VACUUM (FREEZE)` the database now, and look what keeps autovacuum from it.")
    if seen.prepared:
        yield Check(name="Prepared", result=Result.WARNING,
                    found=f"transactions wait for their second phase: {_aged(seen.prepared)}",
                    advice="Partitur makes none: COMMIT PREPARED or ROLLBACK PREPARED them; they keep their locks.")
    if seen.log is not None:
        yield Check(name="Write-ahead log", result=Result.WARNING, found=f"{_megabytes(seen.log)} beside the database",
                    advice="Somebody reads without an end: close other programs that have the file open, or restart the"
                           " server.")
    if seen.free is not None:
        yield Check(name="Free pages", result=Result.WARNING, found=f"{_megabytes(seen.free)} of the file are empty",
                    advice="They are used again. To give them back, stop the server, and `VACUUM` the file.")


def _replication(seen: Upkeep) -> Iterator[Check]:
    if seen.replica is not None:
        yield Check(name="Replica", result=Result.WARNING, found=seen.replica,
                    advice="What is read here is old. Look at its log, whether it reaches its primary, and whether"
                           " somebody paused it (`SELECT pg_wal_replay_resume()`).")
    if seen.behind:
        yield Check(name="Standbys", result=Result.WARNING, found=f"behind: {_aged(seen.behind)}",
                    advice="What they show is old, and what was not sent is lost if this server is. Look at their load"
                           " and at the network.")
    if seen.hidden_standbys:
        yield Check(name="Standbys", result=Result.OK,
                    found=f"{seen.hidden_standbys} follow, but how far is not told to this account",
                    advice="`GRANT pg_read_all_stats` to it shows that, too.")
    if seen.slots:
        yield Check(name="Replication slots", result=Result.WARNING,
                    found="; ".join(TOLD_OF_SLOTS[kind].format(
                        names=", ".join(name for name, each in seen.slots if each == kind),
                        size=_megabytes(upkeep.MOST_KEPT))
                        for kind in TOLD_OF_SLOTS if any(each == kind for _, each in seen.slots)),
                    advice="Look at who reads them, or `SELECT pg_drop_replication_slot(…)`: they fill the disk. Who"
                           " reads one that has lost its log begins anew, from a copy.")


def _aged(found: Iterable[tuple[str, timedelta | None]]) -> str:
    return ", ".join(f"{name} ({f'more than {_megabytes(upkeep.MOST_KEPT)}' if age is None else words(age)})"
                     for name, age in found)


def _megabytes(size: int) -> str:
    return f"{size // 2**20:,} MB"
