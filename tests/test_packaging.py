"""What is installed from a wheel is complete."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout; building it asks a package registry."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--build-constraints", "constraints.txt", "--out-dir", folder],
                   cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.long
def test_a_wheel_brings_the_assets_the_templates_the_migrations_and_the_example(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("web/static/dist/manifest.json", "web/templates/", "engine/migrations/versions/", "web/py.typed",
                   "partitur_pytest.py", "web/examples/order-fulfilment/order-fulfilment.bpmn",
                   "web/examples/order-fulfilment/demo.py", "web/manual/HANDBOOK.md", "web/manual/pictures/home.webp"):
        assert any(name.startswith(wanted) for name in names), wanted
    assert not any(name.startswith(("tests/", "bench/", "web/assets/", "node_modules/")) for name in names)


@pytest.mark.long
def test_an_installed_wheel_is_healthy_and_works_anywhere(wheel, tmp_path):
    uv = Path(sys.executable).with_name("uv")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    pinned = ("--constraints", ROOT / "constraints.txt")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *pinned, wheel], check=True)
    partitur = python.with_name("partitur")

    def run(*arguments):
        return json.loads(subprocess.run([partitur, *arguments, "--json"], cwd=tmp_path, capture_output=True, text=True,
                                         check=True).stdout)

    assert run("doctor")["healthy"]
    example = next((tmp_path / "venv").rglob("script-order.bpmn"))
    assert run("deploy", example)["definitions"][0]["process_id"] == "script-order"
