"""Unmodified Camunda 8 clients against `partitur serve`.

The scripts that drive them stand beside the project; without them, or without the registries that have the clients,
these tests skip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRIVERS = Path(os.environ.get("CLIENT_DRIVERS", ROOT.parent / "shared" / "drivers"))
PATIENCE = 150

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not DRIVERS.is_dir(), reason=f"The client drivers are not there ({DRIVERS.name})."),
]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **more)


@pytest.fixture(scope="module")
def drivers(tmp_path_factory):
    """A copy of the drivers, to be made complete."""
    folder = tmp_path_factory.mktemp("clients") / "drivers"
    shutil.copytree(DRIVERS, folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def node_with(folder):
    """Node, with the npm clients that a folder asks for."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("Expected Node on the PATH, but there is none.")
    installed = run(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    if installed.returncode:
        pytest.skip(f"The npm clients could not be installed: {installed.stderr[-300:]}")
    return found


@pytest.fixture(scope="module")
def node(drivers):
    """Node with the client of Camunda Modeler."""
    return node_with(drivers)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Node with the client that validates, and the folder of its script."""
    folder = tmp_path_factory.mktemp("clients") / "strict"
    shutil.copytree(Path(__file__).parent / "clients", folder)
    return node_with(folder), folder


@pytest.fixture(scope="module")
def python(drivers, tmp_path_factory):
    """A Python with the clients, apart from our own: they bring other versions of what we use."""
    folder = tmp_path_factory.mktemp("clients") / "venv"
    made = run(sys.executable, "-m", "venv", str(folder))
    found = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    installed = made if made.returncode else run(
        str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
        str(drivers / "requirements.txt"),
    )
    if installed.returncode:
        pytest.skip(f"The Python clients could not be installed: {installed.stderr[-300:]}")
    return str(found)


@pytest.fixture
def server(tmp_path):
    """The address of a real server in a process of its own."""
    command = [sys.executable, "-m", "web.cli", "serve", "--port", "0", "--json", "--data-dir", str(tmp_path / "data")]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    answer: list[str] = []
    reading = threading.Thread(target=lambda: answer.append(_until_address(process)), daemon=True)
    reading.start()
    reading.join(60)
    assert answer, f"Expected the server to start, but it did not: {(tmp_path / 'log').read_text()[-2000:]}"
    assert answer[0], f"Expected the server to start, but it ended: {(tmp_path / 'log').read_text()[-2000:]}"
    yield answer[0]
    process.terminate()
    process.wait(60)


def _until_address(process) -> str:
    for line in process.stdout:
        found = re.search(r"http://[\w.]+:\d+", line)
        if found:
            return found[0]
    return ""


def passed(outcome):
    """Every step of a driver passed, and it went through to its last one."""
    report = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, report
    assert "FAIL" not in outcome.stdout, report
    assert re.search(r"\b[1-9]\d* passed, 0 failed", outcome.stdout), report
    return outcome.stdout


def test_the_client_that_camunda_modeler_uses(server, node, drivers):
    assert "[full] cancel instance" in passed(run(node, "c8_sdk.cjs", server, "--full", cwd=drivers))


def test_the_client_that_validates_every_answer(server, strict, drivers):
    node, folder = strict
    assert "PASS  404" in passed(run(node, "c8_strict.mjs", server, str(drivers / "fixtures"), cwd=folder))


def test_the_python_client_that_demands_every_field(server, python, drivers):
    assert "[full] cancel instance" in passed(run(python, "c8_python.py", server, "--full", cwd=drivers))

