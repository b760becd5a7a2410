"""Real brokers for tests, each on free ports and with a folder of its own, to be killed and begun again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def needed(name: str) -> str:
    """The program of a broker; without it the test is skipped, or fails where brokers must be."""
    found = shutil.which(name, path=PATH)
    if found is None:
        words = f"Expected to find {name} (Debian: apt-get install {name}), but it is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found


class Server:
    """One server. `begin` returns when it takes connections."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def begin(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), env=self.environment(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 90
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.command()[0]} did not begin: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    end = kill

    def out(self, name: str) -> str:
        """Where events go to."""
        raise NotImplementedError

    def came_in(self, name: str) -> str:
        """Where they come from again."""
        raise NotImplementedError


class Redis(Server):
    def command(self) -> list[str]:
        return [needed("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                "yes", "--appendfsync", "always", "--dir", str(self.folder)]

    def out(self, name: str) -> str:
        return f"redis://127.0.0.1:{self.port}/0?stream={name}"

    came_in = out


class Nats(Server):
    def command(self) -> list[str]:
        return [needed("nats-server"), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]

    def out(self, name: str) -> str:
        return f"nats://127.0.0.1:{self.port}?subject={name}.all"

    def came_in(self, name: str) -> str:
        return f"nats://127.0.0.1:{self.port}?stream={name}"


class RabbitMq(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.others = free_port(), free_port()

    def command(self) -> list[str]:
        needed("rabbitmq-server")
        return [str(RABBIT)]

    def environment(self) -> dict[str, str]:
        names = {
            "NODENAME": f"partitur{self.port}@localhost", "NODE_IP_ADDRESS": "127.0.0.1", "NODE_PORT": str(self.port),
            "DIST_PORT": str(self.others[0]), "MNESIA_BASE": str(self.folder / "kept"),
            "LOG_BASE": str(self.folder / "logs"), "LOGS": "-", "CONFIG_FILE": str(self.folder / "none"),
            "ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }
        return {**os.environ, "HOME": str(self.folder), "ERL_EPMD_PORT": str(self.others[1]),
                "ERL_EPMD_ADDRESS": "127.0.0.1", **{f"RABBITMQ_{name}": value for name, value in names.items()}}

    def end(self) -> None:
        self.kill()
        epmd = shutil.which("epmd", path=PATH)
        for _ in range(50 if epmd else 0):
            told = subprocess.run([epmd, "-kill"], env=self.environment(), capture_output=True, check=False)
            if b"living nodes" not in told.stdout + told.stderr:
                break
            time.sleep(0.1)     # until it has noticed that its node is gone

    def out(self, name: str) -> str:
        return f"amqp://127.0.0.1:{self.port}?queue={name}"

    came_in = out


KINDS = {"rabbitmq": RabbitMq, "redis": Redis, "nats": Nats}
