"""The DMN technology compatibility kit, levels 2 and 3, as the official runners count it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"
ROOT = Path(__file__).resolve().parents[2]
EXTERNAL_JAVA = "compliance-level-3/0076-feel-external-java/"


@pytest.mark.timeout(900)
@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the DMN TCK is not on this machine (shared/conformance)")
def test_all_of_the_kit_passes_but_external_java_functions(tmp_path):
    # given the kit's runner, what it should find (all but external Java), and our side of its protocol
    runner = [sys.executable, str(CONFORMANCE / "tck_runner.py"), "--tck", str(CONFORMANCE / "dmn-tck"), "--no-folders"]
    wanted, report = tmp_path / "wanted.json", tmp_path / "report.json"
    subprocess.run([*runner, "--builtin", "expected", "--json", str(wanted)], check=True, capture_output=True)
    ideal = json.loads(wanted.read_text())
    ideal["tests"] = {name: result for name, result in ideal["tests"].items() if not name.startswith(EXTERNAL_JAVA)}
    assert {result["status"] for result in ideal["tests"].values()} == {"pass"}
    wanted.write_text(json.dumps(ideal))
    ours = shlex.join([sys.executable, "-m", "web.cli", "dmn", "--jsonl"])

    # when
    run = subprocess.run([*runner, "--jobs", "1", "--cmd", ours, "--min-pass", "3381", "--compare", str(wanted),
                          "--json", str(report)], cwd=ROOT, capture_output=True, text=True, check=False)

    # then
    assert run.returncode == 0, run.stdout + run.stderr
    tests = json.loads(report.read_text())["tests"]
    assert len(tests) >= 3391
    assert len([name for name, result in tests.items() if result["status"] != "pass"]) <= 10
