"""What `.ci/audit` makes of the answers of pip-audit and npm, and of none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[1] / ".ci" / "audit"
FOUND = {"dependencies": [
    {"name": "shaky", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}]},
    {"name": "fine", "version": "2.0", "vulns": []}]}
NONE = {"dependencies": [{"name": "fine", "version": "2.0", "vulns": []}]}
SKIPPED = {"dependencies": [{"name": "fine", "skip_reason": "not found"}]}
OF_NPM = {"vulnerabilities": {"bad": {"via": [{"source": 7, "url": "https://x.example/GHSA-7", "range": "<2"}]},
                              "user": {"via": ["bad"]}}}


@pytest.fixture
def audit(tmp_path):
    """Runs it where pip-audit and npm answer this."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "stubs").mkdir()

    def run(python=NONE, npm={"vulnerabilities": {}}, allowed=""):  # noqa: B006
        (tmp_path / ".ci" / "audit-allow.toml").write_text(allowed)
        said = python if isinstance(python, str) else json.dumps(python)
        (tmp_path / "stubs" / "pip_audit.py").write_text(f"print({said!r})")
        program = tmp_path / "stubs" / "npm"
        program.write_text(f"#!{sys.executable}\nprint({json.dumps(npm)!r})")
        program.chmod(0o755)
        surroundings = {**os.environ, "PYTHONPATH": str(tmp_path / "stubs"),
                        "PATH": f"{tmp_path / 'stubs'}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run([sys.executable, AUDIT, tmp_path], capture_output=True, text=True, env=surroundings,
                              check=False)

    return run


def allow(id, until):
    return f'[[allow]]\nid = "{id}"\nreason = "It is not reached from anywhere."\nuntil = {until}\n'


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a program of the shell there")
def test_vulnerabilities_fail_unless_they_are_allowed_for_now(audit):
    done = audit(FOUND, OF_NPM)
    assert done.returncode == 1, done.stderr
    assert "shaky 1.0: PYSEC-1, CVE-1, mended in 1.1" in done.stdout
    assert "bad <2: GHSA-7" in done.stdout
    assert "FAILED: 1 known vulnerabilities in the npm packages." in done.stdout

    done = audit(FOUND, OF_NPM, allow("CVE-1", "2999-01-01") + allow("GHSA-7", "2999-01-01"))
    assert done.returncode == 0, done.stdout
    assert "allowed until 2999-01-01: shaky 1.0" in done.stdout

    done = audit(FOUND, allowed=allow("CVE-1", "2020-01-01"))
    assert done.returncode == 1
    assert "was allowed until 2020-01-01" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a program of the shell there")
def test_an_index_that_does_not_answer_is_no_failure_and_is_said(audit):
    for python, npm, said in (
        (SKIPPED, {"error": {"summary": "no network"}}, "the index tells nothing of vulnerabilities"),
        ("", {"message": "no network"}, "it said nothing"),
    ):
        done = audit(python, npm)
        assert done.returncode == 0, done.stderr
        assert f"SKIPPED: the Python packages were not audited: {said}." in done.stdout
        assert "SKIPPED: the npm packages were not audited: no network." in done.stdout
    assert "OK: 0 known vulnerabilities in the Python packages." in audit().stdout


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a program of the shell there")
def test_an_exception_says_why_and_until_when(audit):
    done = audit(allowed='[[allow]]\nid = "CVE-1"\nreason = "It is so."\n')
    assert done.returncode == 1
    assert "Expected an id, a reason and a date 'until'" in done.stderr
