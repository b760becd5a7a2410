"""Where the three services keep what they did and what they were asked, in one SQLite database of their own."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    service TEXT, key TEXT, status INTEGER, body TEXT, PRIMARY KEY (service, key)
);
CREATE TABLE IF NOT EXISTS effects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, kind TEXT, order_id TEXT, subject TEXT, body TEXT, at TEXT
);
CREATE INDEX IF NOT EXISTS ix_effects ON effects (service, kind, subject);
CREATE TABLE IF NOT EXISTS received (
    number INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, method TEXT, path TEXT, headers TEXT, body TEXT,
    order_id TEXT, status INTEGER, at TEXT
);
CREATE TABLE IF NOT EXISTS faults (
    number INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, order_id TEXT, behaviour TEXT, seconds REAL, times INTEGER
);
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, available INTEGER);
"""
STOCK = dict.fromkeys(("TEA-ASSAM", "TEA-SENCHA", "MUG-BLUE", "POT-GLASS", "KETTLE-STEEL"), 100_000)
PREFIX = {"reserve": "R-", "authorize": "P-", "schedule": "D-"}


class Store:
    """One connection, one lock: each answer and its effects are one transaction."""

    def __init__(self, database: str | Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(database), check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # It survives a crash of the process; only a power failure could lose the last answers of this example.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        self._db.executemany("INSERT OR IGNORE INTO stock VALUES (?, ?)", STOCK.items())

    def once(self, service: str, key: str, act: Callable[[], tuple[int, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
        """Act and keep the answer under `key`, or repeat the answer kept there."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                known = self._one("SELECT status, body FROM answers WHERE service = ? AND key = ?", service, key)
                if known:
                    self._db.execute("COMMIT")
                    return known["status"], json.loads(known["body"])
                status, body = act()
                self._db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (service, key, status, json.dumps(body)))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            return status, body

    def effect(self, service: str, kind: str, order: str, body: dict[str, Any], subject: str | None = None) -> int:
        """Note that something was done, and give back its number; `subject` is what it was done to."""
        cursor = self._db.execute(
            "INSERT INTO effects (service, kind, order_id, subject, body, at) VALUES (?, ?, ?, ?, ?, ?)",
            (service, kind, order, subject, json.dumps(body), _now()),
        )
        number = int(cursor.lastrowid or 0)
        if subject is None:
            self._db.execute("UPDATE effects SET subject = ? WHERE number = ?", (f"{PREFIX[kind]}{number}", number))
        return number

    def find(self, service: str, kind: str, subject: str) -> dict[str, Any] | None:
        """The effect of that kind on that subject, if there is one."""
        row = self._one(
            "SELECT * FROM effects WHERE service = ? AND kind = ? AND subject = ?", service, kind, subject
        )
        return _as_effect(row) if row else None

    def order_of(self, body: dict[str, Any]) -> str | None:
        """The order that a reservation or authorization belongs to."""
        subject = body.get("reservationId") or body.get("authorizationId")
        row = self._one("SELECT order_id FROM effects WHERE subject = ?", subject)
        return row["order_id"] if row else None

    def effects(self, order: str | None = None) -> list[dict[str, Any]]:
        """All effects, or those of one order, oldest first."""
        rows = self._all("SELECT * FROM effects WHERE ? IS NULL OR order_id = ? ORDER BY number", order, order)
        return [_as_effect(row) for row in rows]

    def record(
        self, service: str, method: str, path: str, headers: dict[str, str], body: dict[str, Any], status: int
    ) -> None:
        """Keep a request as it came, and how it was answered."""
        order = body.get("orderId") or self.order_of(body)
        with self._lock:
            self._db.execute(
                "INSERT INTO received (service, method, path, headers, body, order_id, status, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (service, method, path, json.dumps(headers), json.dumps(body), order, status, _now()),
            )

    def received(self, order: str | None = None) -> list[dict[str, Any]]:
        """All requests, or those about one order, oldest first."""
        rows = self._all("SELECT * FROM received WHERE ? IS NULL OR order_id = ? ORDER BY number", order, order)
        return [
            {
                "service": row["service"], "method": row["method"], "path": row["path"], "orderId": row["order_id"],
                "headers": json.loads(row["headers"]), "body": json.loads(row["body"]), "status": row["status"],
                "at": row["at"],
            }
            for row in rows
        ]

    def add_fault(
        self, service: str, order: str | None, behaviour: str, seconds: float, times: int | None
    ) -> None:
        """Make a service misbehave for an order (None: for all)."""
        with self._lock:
            self._db.execute(
                "INSERT INTO faults (service, order_id, behaviour, seconds, times) VALUES (?, ?, ?, ?, ?)",
                (service, order, behaviour, seconds, times),
            )

    def take_fault(self, service: str, order: str | None) -> sqlite3.Row | None:
        """The fault to show now, if any; counts it."""
        with self._lock:
            fault = self._one(
                "SELECT * FROM faults WHERE service = ? AND (order_id IS NULL OR order_id = ?)"
                " AND (times IS NULL OR times > 0) ORDER BY number LIMIT 1",
                service, order,
            )
            if fault is not None and fault["times"] is not None:
                self._db.execute("UPDATE faults SET times = times - 1 WHERE number = ?", (fault["number"],))
            return fault

    def faults_left(self) -> int:
        """How many faults are still to be shown at some request."""
        with self._lock:
            row = self._one("SELECT count(*) AS number FROM faults WHERE times IS NULL OR times > 0")
        return int(row["number"]) if row else 0

    def clear_faults(self, order: str | None = None) -> None:
        """Behave again."""
        with self._lock:
            self._db.execute("DELETE FROM faults WHERE ? IS NULL OR order_id = ?", (order, order))

    def available(self, sku: str) -> int:
        """How many of an article are in stock."""
        row = self._one("SELECT available FROM stock WHERE sku = ?", sku)
        return int(row["available"]) if row else 0

    def move_stock(self, sku: str, quantity: int) -> None:
        """Add to the stock of an article, or take from it."""
        self._db.execute("UPDATE stock SET available = available + ? WHERE sku = ?", (quantity, sku))

    def _one(self, statement: str, *arguments: object) -> sqlite3.Row | None:
        with self._lock:
            row: sqlite3.Row | None = self._db.execute(statement, arguments).fetchone()
            return row

    def _all(self, statement: str, *arguments: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(statement, arguments).fetchall()


def _as_effect(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "service": row["service"], "kind": row["kind"], "orderId": row["order_id"], "subject": row["subject"],
        "body": json.loads(row["body"]), "at": row["at"],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
