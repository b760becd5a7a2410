"""The first process of a container: the kernel spares it every signal that it does not handle itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APART = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
BEGIN = "from web.entry import main; main()"
"""What the installed program `partitur` is."""


@pytest.fixture
def apart():
    """How to begin a process that is the first one of its own."""
    if not shutil.which("unshare") or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a machine where a process may be the first one of a namespace (unshare)")
    return APART


def test_one_that_is_stopped_while_it_starts_ends_at_once(apart):
    # given a node in a container that waits for a database which takes the connection and says nothing
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"postgresql://partitur@127.0.0.1:{silent.getsockname()[1]}/partitur?connect_timeout=100"
        outside = subprocess.Popen([*apart, sys.executable, "-c", BEGIN, "scheduler"],
                                   env={**os.environ, "DATABASE_URL": url})
        try:
            connection, _ = silent.accept()

            # when it is to stop
            [inside] = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
            os.kill(int(inside), signal.SIGTERM)

            # then it does, and is not killed after the time that a container has for it
            assert outside.wait(20) == 128 + signal.SIGTERM
            connection.close()
        finally:
            outside.kill()
            outside.wait()


def test_the_program_takes_the_signal_before_it_reads_anything_that_takes_time():
    said = "import sys; from web.entry import main; sys.exit(any('typer' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"] == {"partitur": "web.entry:main"}
