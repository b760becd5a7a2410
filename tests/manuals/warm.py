"""Commands of the manuals in no time: a process that has everything imported, and forks `partitur` where it is asked.

`python -m tests.manuals.warm SOCKET` serves; the file `partitur` that `install` writes asks it, with its own standard
streams, folder and environment. A cold start of each command would cost a second of CPU.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests import forked
from tests.acceptance.mould import NEEDED
from web.cli import COMMANDS, main

CLIENT = '''#!{python} -SE
import json, os, signal, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({socket!r})
said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(asked, [len(said).to_bytes(4, "big")], [0, 1, 2])
asked.sendall(said)
process = int.from_bytes(asked.recv(4), "big")
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: os.kill(process, number))
sys.exit(int.from_bytes(asked.recv(4), "big"))
'''


def install(folder: Path, address: str) -> None:
    """Write a `partitur` into a folder that asks the server at an address."""
    program = folder / "partitur"
    program.write_text(CLIENT.format(python=sys.executable, socket=address))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def answer(asked: socket.socket, listener: socket.socket) -> None:
    """Run one command, and say its process id and exit code."""
    head, streams, _, _ = socket.recv_fds(asked, 4, 3)
    length, body = int.from_bytes(head, "big"), b""
    while len(body) < length:
        body += asked.recv(length - len(body))
    process = os.fork()
    if not process:
        listener.close()
        asked.close()
        run(*json.loads(body), streams)
    for stream in streams:
        os.close(stream)
    asked.sendall(process.to_bytes(4, "big"))
    threading.Thread(target=wait, args=(asked, process), daemon=True).start()


def wait(asked: socket.socket, process: int) -> None:
    """Say with which code a process ended."""
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    with asked, suppress(OSError):
        asked.sendall((code if code >= 0 else 128 - code).to_bytes(4, "big"))


def run(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Be `partitur`."""
    def act() -> None:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.argv = ["partitur", *arguments]
        main()

    forked.be(act)


def serve(address: str) -> None:
    """Answer until standard input ends."""
    for name in (*NEEDED, *(f"web.cli.{place.partition(':')[0]}" for place in COMMANDS.values())):
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    # Not by `sys.stdin`, whose lock would be held in every fork.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
    while True:
        asked, _ = listener.accept()
        answer(asked, listener)


if __name__ == "__main__":
    serve(sys.argv[1])
