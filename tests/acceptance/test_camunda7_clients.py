"""Unmodified Camunda 7 clients against `partitur serve`.

The JavaScript worker's driver stands beside the project, with the diagrams of all of them; without it, or without the
registries that have the clients, these tests skip.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.test_camunda8_clients import (
    DRIVERS,
    add_tenants,
    had,
    install_npm,
    install_python,
    passed,
    run,
    server,
)

__all__ = ["server"]  # a fixture that the clients of both interfaces share

OWN = Path(__file__).parent / "clients"
NPM_CLIENT = "camunda-external-task-client-js"

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not DRIVERS.is_dir(), reason=f"The client drivers are not there ({DRIVERS.name})."),
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """The clients, being installed at the same time; the folder of the drivers is a copy."""
    folder = tmp_path_factory.mktemp("clients")
    drivers = folder / "drivers"
    shutil.copytree(DRIVERS, drivers)
    for path in [drivers, *drivers.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    wanted = json.loads((drivers / "package.json").read_text())
    wanted["dependencies"] = {NPM_CLIENT: wanted["dependencies"][NPM_CLIENT]}
    (drivers / "package.json").write_text(json.dumps(wanted))
    with ThreadPoolExecutor() as pool:
        yield {
            "drivers": drivers, "node": pool.submit(install_npm, drivers),
            "python": pool.submit(install_python, folder / "venv", OWN / "c7_requirements.txt"),
        }


def test_the_javascript_worker(server, clients, tmp_path):
    node = had(clients["node"])
    shutil.copy(OWN / "c7_tenants.mjs", clients["drivers"])
    report = passed(run(node, "c7_tenants.mjs", f"{server}/engine-rest", "fixtures", *add_tenants(tmp_path),
                        cwd=clients["drivers"]))
    assert "PASS  the worker of us gets its task" in report
    # What is left of it is locked, and of no matter to a worker that knows nothing of tenants.
    report = passed(run(node, "c7_external_task.mjs", f"{server}/engine-rest", "--full", cwd=clients["drivers"]))
    assert "[full] events instance ended" in report


@pytest.mark.parametrize(("driver", "last"), [
    ("c7_external_task.py", "signal"), ("c7_pycamunda.py", "signal"), ("c7_operaton.py", "clean up"),
    ("c7_generated.py", "every GET operation that there is answers with what the document states"),
])
def test_the_python_clients(server, clients, driver, last):
    python = had(clients["python"])
    report = passed(run(python, driver, f"{server}/engine-rest", str(clients["drivers"] / "fixtures"), cwd=OWN))
    assert f"PASS  {last}" in report
