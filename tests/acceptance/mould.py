"""Processes of `partitur` in no time: a warm process that has everything imported already, and forks them.

A cold start costs seconds of CPU, nearly all of it imports. A storm that kills twice a second would have nodes that are
never up; forked ones are real processes with commands, connections and deaths of their own.
Run as a program it is the mould, which answers one line of JSON with another.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NEEDED = ("web.cli", "web.cli.node", "engine.cluster.queue_postgres", "psycopg", "asyncpg", "pgqueuer",
          "service_tasks.http", "waitress")
"""What every node imports some day."""


class Mould:
    """The warm process, as the test sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.acceptance.mould"], cwd=ROOT, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def begin(self, arguments: list[str], environment: dict[str, str], lock: float | None = None) -> int:
        """Start `partitur` with arguments; its process id. `lock`: seconds that its worker holds a job."""
        return int(self._ask(begin=arguments, environment=environment, lock=lock))

    def kill(self, process: int) -> int | None:
        """SIGKILL a process; with which code it had ended by itself before, None if it lived."""
        code: int | None = self._ask(kill=process)
        return code

    def ended(self, process: int) -> int | None:
        """With which code a process ended by itself; None if it lives."""
        code: int | None = self._ask(ended=process)
        return code

    def close(self) -> None:
        """End it with all that it forked."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is self._process.stdout:
                self._process.wait()
            if stream:
                stream.close()

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Victim:
    """A command of ours that is started again whenever it was killed."""

    def __init__(self, mould: Mould, arguments: list[str], environment: dict[str, str],
                 lock: float | None = None) -> None:
        self._begin = functools.partial(mould.begin, arguments, environment, lock)
        self._mould, self.arguments = mould, arguments
        self._process = self._begin()
        self.deaths = 0
        self.left: list[int] = []
        """The exit codes with which it ended by itself."""

    def kill(self) -> None:
        """Kill it and start another one."""
        self.end()
        self.deaths += 1
        self._process = self._begin()

    def tend(self) -> None:
        """Start it again if it ended by itself, as who looks after a service does."""
        code = self._mould.ended(self._process)
        if code is not None:
            self.left.append(code)
            self._process = self._begin()

    def end(self) -> None:
        """Kill it for good."""
        code = self._mould.kill(self._process)
        if code is not None:
            self.left.append(code)


def fork(arguments: list[str], environment: dict[str, str], lock: float | None) -> int:
    """A process that runs `partitur` and leaves nothing behind. It logs to the file NODE_LOG, if there is one."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        log = os.open(environment.get("NODE_LOG", os.devnull), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (0, 1, 2):
            os.dup2(log, stream)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["partitur", *arguments]
        if lock is not None:
            from service_tasks.worker import Worker
            from web.cli import node

            vars(node)["Worker"] = functools.partial(Worker, lock=timedelta(seconds=lock))
        from web.cli import main as partitur

        partitur()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        os._exit(code)


def code_of(process: int) -> int | None:
    """Reap a child that has ended, and give its exit code; None if it lives."""
    ended, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def end(process: int) -> int | None:
    """Kill a child and reap it; its exit code if it had ended before."""
    code = code_of(process)
    if code is None:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    return code


def main() -> None:
    """Serve requests until standard input ends."""
    for name in NEEDED:
        importlib.import_module(name)
    gc.freeze()
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "begin" in request:
            said: int | None = fork(request["begin"], request["environment"], request["lock"])
            assert said is not None
            children.add(said)
        elif "ended" in request:
            said = code_of(request["ended"])
            if said is not None:
                children.discard(request["ended"])
        else:
            children.discard(request["kill"])
            said = end(request["kill"])
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    for child in children:
        end(child)


if __name__ == "__main__":
    main()
