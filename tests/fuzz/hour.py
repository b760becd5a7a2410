"""Fuzz the languages of a model with atheris (libFuzzer), guided by coverage.

    uv venv /tmp/fuzz && uv pip install -p /tmp/fuzz atheris lark lxml regex tzdata msgspec
    PYTHONPATH=. /tmp/fuzz/bin/python tests/fuzz/hour.py /tmp/corpus -max_total_time=3600

Each new kind of trouble (what was raised, and where) is written once into `CORPUS/../findings`, and the run goes on;
a crash of the interpreter itself ends it. Atheris needs a Python of its own: it is no dependency of the project.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bpmn"]):
    from tests.fuzz.harness import attack
    from tests.fuzz.seeds import all_seeds

_SIZE = 8_192


class Hunt:
    """Tries inputs, and keeps the first of each kind of trouble."""

    def __init__(self, findings: Path) -> None:
        self._findings = findings
        self._seen: set[str] = set()
        findings.mkdir(exist_ok=True)

    def __call__(self, data: bytes) -> None:
        try:
            attack(data)
        except Exception as error:
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/bpmn/" in frame.filename][-2:]
        kind = f"{type(error).__name__} " + " ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
        if kind in self._seen:
            return
        self._seen.add(kind)
        name = hashlib.sha256(kind.encode()).hexdigest()[:12]
        (self._findings / name).write_bytes(data)
        (self._findings / f"{name}.txt").write_text(
            f"{kind}\n{data[:500]!r}\n{''.join(traceback.format_exception(error))[-4000:]}", errors="replace")
        sys.stderr.write(f"FOUND {name} {kind} {str(error)[:200]}\n")


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer's own arguments end it."""
    corpus = Path(arguments[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in all_seeds():
        if len(seed) <= _SIZE:
            (corpus / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    atheris.Setup([arguments[0], str(corpus), f"-max_len={_SIZE}", "-timeout=60", "-rss_limit_mb=3000",
                   *arguments[2:]], Hunt(corpus.parent / "findings"))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
