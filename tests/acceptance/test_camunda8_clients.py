"""Unmodified Camunda 8 clients against `partitur serve`.

The scripts that drive them stand beside the project; without them, or without the registries that have the clients,
these tests skip.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine import tenants
from engine.engine import Engine

ROOT = Path(__file__).parents[2]
DRIVERS = Path(os.environ.get("CLIENT_DRIVERS", ROOT.parent / "shared" / "drivers"))
PATIENCE = 150
TENANTS = ("eu", "us")

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not DRIVERS.is_dir(), reason=f"The client drivers are not there ({DRIVERS.name})."),
]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **more)


class Missing(Exception):
    """A client could not be had."""


def install_npm(folder):
    """Node, with the npm clients that a folder asks for."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        raise Missing("Expected Node on the PATH, but there is none.")
    installed = run(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    if installed.returncode:
        raise Missing(f"The npm clients could not be installed: {installed.stderr[-300:]}")
    return found


def install_python(folder, requirements):
    """A Python with the clients, apart from our own: they bring other versions of what we use."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    commands = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", "-r", requirements]]
    if uv:
        commands = [[uv, "venv", "-q", "--python", sys.executable, folder],
                    [uv, "pip", "install", "-q", "--python", python, "-r", requirements]]
    for command in commands:
        done = run(*map(str, command))
        if done.returncode:
            raise Missing(f"The Python clients could not be installed: {done.stderr[-300:]}")
    return str(python)


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """All clients, being installed at the same time; the folder of the drivers is a copy."""
    folder = tmp_path_factory.mktemp("clients")
    drivers, strict = folder / "drivers", folder / "strict"
    shutil.copytree(DRIVERS, drivers)
    for path in [drivers, *drivers.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.copytree(Path(__file__).parent / "clients", strict)
    with ThreadPoolExecutor() as pool:
        yield {
            "drivers": drivers, "strict folder": strict, "modeler": pool.submit(install_npm, drivers),
            "strict": pool.submit(install_npm, strict),
            "python": pool.submit(install_python, folder / "venv", drivers / "requirements.txt"),
        }


def had(client):
    """The command that runs a client, once it is installed."""
    try:
        return client.result()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def server(begin, tmp_path):
    """The address of a real server in a process of its own."""
    process = begin("serve", "--port", "0", "--json", "--data-dir", str(tmp_path / "data"))
    yield process.facts()["url"]
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def passed(outcome):
    """Every step of a driver passed, and it went through to its last one."""
    report = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, report
    assert "FAIL" not in outcome.stdout, report
    assert re.search(r"\b[1-9]\d* passed, 0 failed", outcome.stdout), report
    return outcome.stdout


def test_the_client_that_camunda_modeler_uses(server, clients):
    node = had(clients["modeler"])
    report = passed(run(node, "c8_sdk.cjs", server, "--full", cwd=clients["drivers"]))
    assert "[full] cancel instance" in report


def add_tenants(tmp_path):
    """Two tenants beside the default one, of which the server has to hear by itself."""
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
    for id in TENANTS:
        engine.execute(tenants.add, id)
    engine.close()
    return TENANTS


def test_the_client_that_validates_every_answer(server, clients, tmp_path):
    node, fixtures = had(clients["strict"]), str(clients["drivers"] / "fixtures")
    report = passed(run(node, "c8_tenants.mjs", server, fixtures, *add_tenants(tmp_path),
                        cwd=clients["strict folder"]))
    assert "PASS  one of each for who asks for both" in report
    # Who knows nothing of tenants does not notice that there are some.
    report = passed(run(node, "c8_strict.mjs", server, fixtures, cwd=clients["strict folder"]))
    assert "PASS  404" in report


def test_the_python_client_that_demands_every_field(server, clients):
    python = had(clients["python"])
    report = passed(run(python, "c8_python.py", server, "--full", cwd=clients["drivers"]))
    assert "[full] cancel instance" in report
