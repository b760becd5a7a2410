"""A node that dies while it makes a plan: `dying_planner.py DATABASE_URL KEY COMMIT PART`.

It is asked for a plan by REST under an Idempotency-Key, writes down PART items at a time, and is gone before it commits
for that time (0: never). It says what it answered.
"""

from __future__ import annotations

import json
import sys

from engine.engine import Engine
from engine.operations import freezing
from tests.acceptance.crash_scenarios import Death
from web.app import create_app

BODY = {"kind": "SUSPEND", "parameters": {}, "filter": "process=p&state=active"}


def main(url: str, key: str, commit: str, part: str) -> None:
    engine = Engine(url)
    freezing.PART = int(part)
    app = create_app(engine, secret_key="test")
    Death("commit", int(commit), "before").watch(engine)
    answer = app.test_client().post("/api/operations", json=BODY, headers={"Idempotency-Key": key})
    sys.stdout.write(json.dumps({"status": answer.status_code, "said": answer.json}, indent=2) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
