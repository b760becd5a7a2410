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
    # given the kit's runner, and our side of its protocol
    report = tmp_path / "report.json"
    ours = shlex.join([sys.executable, "-m", "web.cli", "dmn", "--jsonl"])
    command = [sys.executable, str(CONFORMANCE / "tck_runner.py"), "--tck", str(CONFORMANCE / "dmn-tck"), "--jobs", "1",
               "--cmd", ours, "--no-folders", "--min-pass", "3381", "--json", str(report)]

    # when
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    # then
    assert run.returncode == 0, run.stdout + run.stderr
    tests = json.loads(report.read_text())["tests"]
    failed = sorted(name for name, result in tests.items() if result["status"] != "pass")
    assert len(tests) >= 3391
    assert [name for name in failed if not name.startswith(EXTERNAL_JAVA)] == []
    assert len(failed) <= 10
