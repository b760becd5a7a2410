"""How the database itself is kept: what makes it slow, fill up or lag long before anything fails.

Source: PostgreSQL manual, "Routine Database Maintenance Tasks", "The Cumulative Statistics System", "Replication
Slots"; SQLite documentation, "Write-Ahead Logging" (avoiding excessively large WAL files).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, TextClause, bindparam, select, text

from engine import indexes, retention, schema
from engine.operations import cleaning
from engine.sighted import OF_ANY_SIGHT

if TYPE_CHECKING:
    from engine.engine import Engine

MOST_DEAD = 200_000
"""Dead rows of a table, more than those that live, that autovacuum should have taken away."""
MOST_KEPT = 2**30
"""Bytes of a write-ahead log that somebody keeps from being taken away, or of pages with nothing in them."""
OLDEST_NUMBER = 1_000_000_000
"""Transactions since the oldest row was frozen; at two billion PostgreSQL stops taking changes."""
LATE = timedelta(minutes=1)
OVERDUE = timedelta(days=1)


def _of_all(sql: str) -> TextClause:
    # The catalogue speaks of no instance, so nobody's sight narrows it.
    return text(sql).execution_options(**{OF_ANY_SIGHT: True})


DEAD = _of_all(
    "SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = current_schema()"
    " AND n_dead_tup > :most AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC LIMIT 5")
_AHEAD = ("pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,"
          " {})")
SLOTS = _of_all(
    "SELECT slot_name, CASE WHEN wal_status = 'lost' THEN 'lost' WHEN active THEN 'slow' ELSE 'idle' END"
    f" FROM pg_replication_slots WHERE wal_status = 'lost' OR {_AHEAD.format('restart_lsn')} > :most ORDER BY 1")
STANDBYS = _of_all(
    # A lag is told only after something was replayed since the two met: not if replay was paused before.
    "SELECT coalesce(nullif(application_name, ''), host(client_addr), 'unnamed'), CASE WHEN replay_lag > :late"
    f" THEN replay_lag END FROM pg_stat_replication WHERE replay_lag > :late OR {_AHEAD.format('replay_lsn')} > :most"
    " ORDER BY replay_lag DESC NULLS LAST LIMIT 5")
HIDDEN_STANDBYS = _of_all("SELECT count(*) FROM pg_stat_replication WHERE state IS NULL")
REPLAYED = _of_all(
    "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver), CASE WHEN pg_last_wal_receive_lsn()"
    " IS DISTINCT FROM pg_last_wal_replay_lsn() THEN clock_timestamp() - pg_last_xact_replay_timestamp() END,"
    " CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END")
NUMBERS = _of_all("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()")
PREPARED = _of_all(
    "SELECT gid, clock_timestamp() - prepared FROM pg_prepared_xacts WHERE database = current_database()"
    " AND clock_timestamp() - prepared > :late ORDER BY prepared LIMIT 5")
FREE_PAGES = _of_all(
    "SELECT f.freelist_count * s.page_size, p.page_count * s.page_size FROM pragma_freelist_count f,"
    " pragma_page_count p, pragma_page_size s")
FILE = _of_all("SELECT file FROM pragma_database_list WHERE name = 'main'")

_i, _o = schema.instances.c, schema.operations.c
OLDEST = (
    select(_i.ended_at)
    .where(_i.definition_key == bindparam("definition_key"), _i.ended_at.is_not(None), _i.parent_key.is_(None),
           _i.ended_at < bindparam("before"))
    .order_by(_i.ended_at).limit(1)
)
OLDEST_OPERATION = select(_o.ended_at).where(cleaning.IS_OVER).order_by(_o.ended_at).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What is not as it should be; all of it empty or None where all is well.

    `lost`: indexes of ours that are not there or not used. `dead`: tables with more dead rows than live ones, and how
    many. `slots`: of replication, and whether each keeps the log because nobody reads it (`idle`) or too slowly
    (`slow`), or has `lost` what its reader needs. `behind`: standbys of this server, and by how much; None: not known,
    but by a lot of log. `hidden_standbys`: of which this account is told nothing. `replica`: what is wrong if this is
    one. `oldest_number`: how many transactions ago rows were frozen, if that is too many. `prepared`: transactions that
    wait for their second phase. `log`: bytes of SQLite's write-ahead log, and `free` of its pages without content, if
    they are many. `overdue`: for how long history is there that was to go.
    """

    lost: tuple[str, ...] = ()
    dead: tuple[tuple[str, int], ...] = ()
    slots: tuple[tuple[str, str], ...] = ()
    behind: tuple[tuple[str, timedelta | None], ...] = ()
    hidden_standbys: int = 0
    replica: str | None = None
    oldest_number: int | None = None
    prepared: tuple[tuple[str, timedelta], ...] = ()
    log: int | None = None
    free: int | None = None
    overdue: timedelta | None = None


def look(engine: Engine, history: timedelta | None) -> Upkeep:
    """Look at everything. `history`: how long what ended is kept where no process says otherwise."""
    with engine.read() as connection:
        found = _sqlite(connection) if engine.database.is_sqlite else _postgresql(connection)
        return Upkeep(lost=indexes.lost(engine.database, connection),
                      overdue=_overdue(connection, engine.clock(), history), **found)


def _overdue(connection: Connection, now: datetime, history: timedelta | None) -> timedelta | None:
    late = [before - ended for key, before in retention.rules(connection, now - OVERDUE, history)
            if (ended := connection.scalar(OLDEST, {"definition_key": key, "before": before})) is not None]
    if history is not None:
        before = now - OVERDUE - history
        ended = connection.scalar(OLDEST_OPERATION, {"before": before})
        late += [] if ended is None else [before - ended]
    return max(late) + OVERDUE if late else None


def _postgresql(connection: Connection) -> dict[str, Any]:
    def rows(statement: TextClause, **values: Any) -> tuple[Any, ...]:
        return tuple(tuple(row) for row in connection.execute(statement, values))

    number = int(connection.scalar(NUMBERS) or 0)
    return {
        "dead": rows(DEAD, most=MOST_DEAD), "slots": rows(SLOTS, most=MOST_KEPT),
        "behind": rows(STANDBYS, late=LATE, most=MOST_KEPT),
        "hidden_standbys": int(connection.scalar(HIDDEN_STANDBYS) or 0),
        "prepared": rows(PREPARED, late=LATE), "replica": _replica(connection),
        "oldest_number": number if number > OLDEST_NUMBER else None,
    }


def _replica(connection: Connection) -> str | None:
    is_one, receives, behind, paused = connection.execute(REPLAYED).one()
    if not is_one:
        return None
    if not receives:
        return "it is a standby that receives nothing from its primary"
    if behind is not None and behind > LATE:
        why = ", and its replay is paused" if paused else ""
        return f"it is a standby that is {int(behind.total_seconds())} s behind its primary{why}"
    return None


def _sqlite(connection: Connection) -> dict[str, Any]:
    free, all_of_it = connection.execute(FREE_PAGES).one()
    try:
        log = Path(f"{connection.scalar(FILE)}-wal").stat().st_size
    except OSError:
        log = 0     # nobody writes
    return {"log": log if log > MOST_KEPT else None,
            "free": free if free > MOST_KEPT and free * 2 > all_of_it else None}
