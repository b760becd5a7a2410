"""What the tests passed: made in each of them, put together at the end, and carried between processes as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PASSED = "passed"
"""An element was completed, or a sequence flow taken; the owner is the process."""
BEGUN = "begun"
"""An element began; the owner is the process."""
HIT = "hit"
"""A rule of a decision table matched; the owner is the decision, the id the rule's number."""

Trace = tuple[str, str, str]
"""What, the owner, the id."""


@dataclass(slots=True)
class File:
    """A BPMN or DMN file that was deployed, and the tests that left traces in it."""

    name: str
    content: bytes
    traces: dict[Trace, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()


class Record:
    """The files that tests deployed. A file of the same name with other bytes is another file."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], File] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    @property
    def files(self) -> list[File]:
        """The files, by name."""
        return [self._files[key] for key in sorted(self._files)]

    def file(self, name: str, content: bytes) -> File:
        """The record of a file, made when it is seen for the first time."""
        file = File(name, content)
        return self._files.setdefault((name, file.checksum), file)

    def note(self, file: File, test: str, traces: Iterable[Trace]) -> None:
        """A test left these traces in a file."""
        for trace in traces:
            file.traces[trace].add(test)

    def add(self, other: Record) -> None:
        """Take over what another record holds."""
        for file in other.files:
            own = self.file(file.name, file.content)
            for trace, tests in file.traces.items():
                own.traces[trace] |= tests

    def dump(self) -> str:
        """The record as JSON, for `load`."""
        return json.dumps([{
            "name": file.name, "content": base64.b64encode(file.content).decode(),
            "traces": [[*trace, sorted(tests)] for trace, tests in sorted(file.traces.items())],
        } for file in self.files])

    @classmethod
    def load(cls, text: str) -> Record:
        """A record from what `dump` gave. Raises ValueError for anything else."""
        record = cls()
        try:
            written: list[dict[str, Any]] = json.loads(text)
            for entry in written:
                file = record.file(entry["name"], base64.b64decode(entry["content"]))
                for what, owner, id, tests in entry["traces"]:
                    file.traces[what, owner, id] |= set(tests)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"Expected a record of coverage, but it is broken: {error!r}.") from error
        return record
