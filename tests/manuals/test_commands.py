"""Every command of the manuals is run, in the order of its manual, in a fresh folder.

A block is passed over if a comment above it says why: `<!-- not run: it waits for Docker -->`. A server that a manual
starts runs until its manual is over, as in a terminal of its own; `make` only says what it would do.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from engine import definitions, instances, schema
from engine.definitions import Resource
from engine.engine import Engine
from engine.operations import plans
from engine.queries import lists
from engine.queries.instances import InstanceFilter
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.conftest import TOLD
from tests.manuals.reading import MANUALS, ROOT, blocks
from tests.manuals.warm import install

RUNS_ON = re.compile(r"^(?:partitur (?:serve|demo|worker|scheduler)\b|python \S+/app\.py)[^\n]*$", re.M)
COMMAND = re.compile(r"^(?:\$ )?(?:partitur|make|pip|curl|docker|kubectl|pytest|python|psql|sqlite3) ", re.M)
READY = "until curl --silent --fail --output /dev/null http://localhost:$PORT/ready; do kill -0 $!; sleep 0.1; done"
ASKED = ((re.compile(r"^(partitur users add \w+[^\n|#]*?)( +#.*)?$", re.M),
          " --password-stdin <<< 'correct horse battery staple'"),
         (re.compile(r"^(partitur secrets set \w+)( +#.*)?$", re.M), " <<< 'mailto://user:word@mail.example.com'"))
"""What asks for something, and what is typed."""
WITH_COMMANDS = [path for path in MANUALS if any(block.kind == "sh" and not block.why for block in blocks(path))]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with `partitur` and `make` as the manuals call them."""
    folder = tmp_path_factory.mktemp("programs")
    address = str(folder / "socket")
    warm = subprocess.Popen([sys.executable, "-m", "tests.manuals.warm", address], cwd=ROOT, stdin=subprocess.PIPE)
    install(folder, address)
    (folder / "make").write_text(f'#!/bin/sh\nunset MAKEFLAGS\nexec "{shutil.which("make")}" -C "{ROOT}" -n "$@"\n')
    (folder / "make").chmod(0o755)
    for name, module in (("python", ""), ("pytest", "-m pytest ")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        (folder / name).chmod(0o755)
    while not os.path.exists(address):
        assert warm.poll() is None
        time.sleep(0.02)
    yield folder
    warm.stdin.close()
    warm.wait()


def furnish(url):
    """An installation at 3 a.m.: one instance failed, one waits, one was cancelled; what the manuals call them."""
    engine = Engine(url)
    content = (ROOT / "tests" / "web" / "models" / "review.bpmn").read_bytes()
    engine.execute(definitions.deploy, [Resource(name="review.bpmn", content=content)])
    failed, waiting, ended = (engine.execute(instances.start, "review", variables={"amount": 10}).key for _ in range(3))
    engine.execute(instances.cancel, ended, "The customer does not want it any more.")
    engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=failed).items[0].key, {})
    job = engine.execute(activation.activate, ["charge-card"], worker="bank")[0]
    engine.execute(jobs.fail, job.key, "The bank did not answer.", lock_token=job.lock_token)
    incident = lists.incidents(engine).items[0].key
    engine.execute(definitions.deploy, [Resource(name="review.bpmn", content=content + b"\n")])
    plan = engine.execute(plans.plan, "RETRY", {}, InstanceFilter(keys=(failed,)))
    while engine.execute(plans.judge, plan):
        pass
    with engine.read() as connection:
        fingerprint = connection.scalar(select(schema.incidents.c.fingerprint))
    engine.close()
    return {"INSTANCE": str(failed), "WAITING": str(waiting), "INCIDENT": str(incident), "OPERATION": str(plan),
            "FINGERPRINT": str(fingerprint), "ENDED": str(ended), "SERVICE": "charge-card", "PROCESS": "review"}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def script(path, port):
    """The commands of a manual for bash, which says where it is; its server is at a port of our own."""
    lines = ["set -euo pipefail", "trap 'code=$?; kill $(jobs -p) 2>/dev/null || true; wait; exit $code' EXIT"]
    for block in blocks(path):
        if block.kind == "sh" and not block.why:
            text = RUNS_ON.sub(lambda found: f"{found[0].partition('  #')[0]} >>server.log 2>&1 &\n"
                               + (READY if re.search("serve|demo", found[0]) else ""), block.text)
            for asking, answer in ASKED:
                text = asking.sub(rf"\1{answer}", text)
            lines += [f'echo "— line {block.line}" >&2', text.replace("localhost:8080", f"localhost:{port}")]
    return "\n".join(lines)


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda path: path.stem)
def test_every_command_works(path, programs, tmp_path, sqlite_template):
    for tool in ("bash", "curl", "sqlite3"):
        if shutil.which(tool) is None and re.search(rf"^{tool}\b", script(path, 0), re.M):
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"Expected {tool}, but there is none.")
    # given a fresh folder with the examples
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "partitur.db")
    names = furnish(f"sqlite:///{tmp_path}/data/partitur.db") if "$PROCESS" in path.read_text() else {}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARTITUR_") and name not in TOLD}
    port = free_port()
    environment = {**kept, **names, "PATH": f"{programs}:{kept['PATH']}", "DATA_DIR": f"{tmp_path}/data",
                   "PORT": str(port), "COLUMNS": "120", "PYTHONPATH": str(ROOT)}

    # when
    done = subprocess.run(["bash", "-c", script(path, port)], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=100, check=False)

    # then
    log = tmp_path / "server.log"
    said = done.stdout[-2000:] + done.stderr[-2000:] + (log.read_text()[-2000:] if log.exists() else "")
    assert done.returncode == 0, said


@pytest.mark.parametrize("path", MANUALS, ids=lambda path: path.stem)
def test_no_command_hides_in_a_block_that_is_not_run(path):
    for block in blocks(path):
        if block.kind != "sh":
            assert not COMMAND.search(block.text), f"{path.name}, line {block.line}: ```sh, so that it is run"
        if block.why:
            assert len(block.why) > len("not run: ") + 8
