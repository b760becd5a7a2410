"""The assets are built when they must be, with whatever Node there is, and otherwise left alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "web" / "assets" / "build.py"


@pytest.fixture
def checkout(tmp_path):
    """A small repository with the build script, in a folder with a space in its name."""
    root = tmp_path / "a checkout"
    (root / "web" / "assets").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "web" / "assets")
    (root / "package.json").write_text(json.dumps({"engines": {"node": ">=20.19"}}))
    (root / "package-lock.json").write_text("{}")
    (root / "web" / "assets" / "console.js").write_text("one()")
    return root


@pytest.fixture
def tools(tmp_path):
    """A folder for the PATH, with a Node and an npm that write down how they were called."""
    folder = tmp_path / "tools"
    folder.mkdir()

    def install(node="v22.1.0", npm_exit=0):
        write(folder / "node", f"echo {node}")
        write(folder / "npm", f'echo "$*" >> "{folder}/calls"; mkdir -p node_modules web/static/dist; exit {npm_exit}')
        return folder

    return install


def write(path, command):
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def build(root, folder=None):
    """Run the script with a Python that has no packages, and only the given tools."""
    path = os.pathsep.join([str(folder)] * bool(folder) + ["/usr/bin", "/bin"]) if folder else str(root)
    return subprocess.run([sys.executable, "-I", "-S", str(root / "web" / "assets" / "build.py")], text=True,
                          capture_output=True, env={"PATH": path}, timeout=30, check=False)


def calls(folder):
    return (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


def test_assets_are_built_once(checkout, tools):
    folder = tools()
    assert [build(checkout, folder).returncode for _ in "12"] == [0, 0]
    assert calls(folder) == ["ci --no-audit --no-fund", "run build"]


def test_a_changed_source_is_built_again_without_installing_again(checkout, tools):
    folder = tools()
    build(checkout, folder)
    (checkout / "web" / "assets" / "console.js").write_text("two()")
    build(checkout, folder)
    assert calls(folder) == ["ci --no-audit --no-fund", "run build", "run build"]


def test_a_changed_lock_file_is_installed_and_built_again(checkout, tools):
    folder = tools()
    build(checkout, folder)
    (checkout / "package-lock.json").write_text('{"changed": true}')
    build(checkout, folder)
    assert calls(folder) == ["ci --no-audit --no-fund", "run build"] * 2


def test_a_machine_without_node_is_told_apart_from_a_failure(checkout):
    assert build(checkout).returncode == 3


def test_a_node_that_is_too_old_counts_as_none(checkout, tools):
    folder = tools(node="v20.18.9")
    assert build(checkout, folder).returncode == 3
    assert calls(folder) == []


def test_what_npm_says_is_shown_when_it_fails_and_the_next_run_tries_again(checkout, tools):
    folder = tools(npm_exit=7)
    failed = build(checkout, folder)
    assert failed.returncode == 7
    assert "Expected `npm ci --no-audit --no-fund` to succeed" in failed.stderr
    assert build(checkout, tools()).returncode == 0
