"""A node that freezes in the middle of a transaction: `zombie.py DATABASE_URL JOB LOCK_TOKEN SECONDS`.

It answers a job, stops itself before the commit while it holds the instance, and goes on when it is told to. SECONDS
is how long PostgreSQL bears with an idle transaction. It says how the answer ended.
"""

from __future__ import annotations

import os
import signal
import sys

from sqlalchemy import text

from engine.engine import Engine
from engine.errors import Rejection, Unavailable
from engine.transaction import Transaction
from engine.work import jobs


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(url: str, key: str, lock_token: str, seconds: str) -> None:
    engine = Engine(url)
    tries: list[int] = []

    def answer(tx: Transaction) -> None:
        tries.append(1)
        if len(tries) == 1:
            tx.connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{float(seconds)}s'"))
        jobs.complete(tx, int(key), {"by": "the zombie"}, lock_token=int(lock_token))
        tx.rows.flush()
        if len(tries) == 1:
            _say("holding")
            os.kill(os.getpid(), signal.SIGSTOP)

    try:
        engine.execute(answer)
    except (Rejection, Unavailable) as error:
        _say(f"refused: {error}")
    else:
        _say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
