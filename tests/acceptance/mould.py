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
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import forked

ROOT = Path(__file__).parents[2]
NEEDED = ("web.cli", "web.cli.node", "engine.cluster.queue_postgres", "psycopg", "asyncpg", "pgqueuer",
          "service_tasks.http", "service_tasks.worker", "waitress")
"""What every node imports some day."""
PATIENCE = 60.0
"""Seconds until a command has to be ready, or to have left."""


class Mould:
    """The warm process, as the test sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.acceptance.mould"], cwd=ROOT, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._turn = threading.Lock()

    def begin(self, arguments: list[str], environment: dict[str, str], lock: float | None = None, *,
              module: str | None = None, out: str = os.devnull, err: str = os.devnull) -> int:
        """Start `partitur`, or a module, with arguments; its process id.

        `lock`: seconds that its worker holds a job. What it prints is added to the files `out` and `err`.
        """
        return int(self._ask(begin=arguments, environment=environment, lock=lock, module=module, streams=[out, err]))

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
        with self._turn:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


class Part:
    """A command, or a module, as a process of its own: what a test does with a `subprocess.Popen`."""

    def __init__(self, mould: Mould, arguments: list[str], environment: dict[str, str], folder: Path, *,
                 module: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._mould, self._code = mould, None
        self.out, self.err = folder / "out", folder / "err"
        self.out.touch()
        self.pid = mould.begin(arguments, environment, module=module, out=str(self.out), err=str(self.err))

    def facts(self) -> Any:
        """The JSON that a command prints when it is ready. Fails if it leaves before."""
        return json.loads(self._until(lambda text: "\n}\n" in text).partition("\n}\n")[0] + "\n}")

    def line(self, number: int = 0) -> str:
        """A line of what it prints."""
        return self._until(lambda text: text.count("\n") > number).splitlines()[number]

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """With which code it ended; None if it lives."""
        if self._code is None:
            self._code = self._mould.ended(self.pid)
        return self._code

    def wait(self, seconds: float = PATIENCE) -> int:
        """With which code it ends. Fails if it lives after some seconds."""
        until = time.monotonic() + seconds
        while (code := self.poll()) is None:
            assert time.monotonic() < until, f"{self.pid} does not leave\n{self.err.read_text()[-3000:]}"
            time.sleep(0.02)
        return code

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._code is None:
            code = self._mould.kill(self.pid)
            self._code = -signal.SIGKILL if code is None else code

    def _until(self, complete: Callable[[str], bool]) -> str:
        until = time.monotonic() + PATIENCE
        while not complete(text := self.out.read_text()):
            left = self.poll()
            assert left is None or complete(self.out.read_text()), f"It left: {left}\n{self.err.read_text()[-3000:]}"
            assert time.monotonic() < until, f"It is not ready\n{self.err.read_text()[-3000:]}"
            time.sleep(0.02)
        return text


class Victim:
    """A command of ours that is started again whenever it was killed."""

    def __init__(self, mould: Mould, arguments: list[str], environment: dict[str, str],
                 lock: float | None = None) -> None:
        log = environment.get("NODE_LOG", os.devnull)
        self._begin = functools.partial(mould.begin, arguments, environment, lock, out=log, err=log)
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


def fork(arguments: list[str], environment: dict[str, str], lock: float | None, module: str | None,
         streams: list[str]) -> int:
    """A process that runs `partitur`, or a module, and leaves nothing behind."""
    process = os.fork()
    if process:
        return process

    def act() -> None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, path in enumerate(streams, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [module or "partitur", *arguments]
        if lock is not None:
            from service_tasks.worker import Worker
            from web.cli import node

            vars(node)["Worker"] = functools.partial(Worker, lock=timedelta(seconds=lock))
        if module is None:
            from web.cli import main as partitur

            partitur()
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)

    forked.be(act)


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
            said: int | None = fork(request["begin"], request["environment"], request["lock"],
                                   request["module"], request["streams"])
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
