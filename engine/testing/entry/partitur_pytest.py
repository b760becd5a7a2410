"""The pytest plugin: the fixture `partitur`, and a report of BPMN coverage.

It is found by its entry point and loaded in every run of pytest where Partitur is installed, so it imports nothing of
Partitur before a test asks for it, and stands at the top level of an installation under a name of its own: a project
may well have a package `engine`, which must neither keep pytest from starting nor be hidden by ours.
`-p no:partitur` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from engine.testing import Scratch
    from engine.testing.coverage.figures import Page
    from engine.testing.coverage.record import Record

FOLDERS = "partitur_models"
KEY: pytest.StashKey[Coverage] = pytest.StashKey()
FROM_WORKER = "partitur_coverage"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("partitur", "process tests (Partitur)")
    group.addoption("--bpmn-coverage", metavar="DIR", type=Path, default=None,
                    help="write a report of the elements, sequence flows and rules that were passed into DIR")
    group.addoption("--bpmn-coverage-min", metavar="PERCENT", type=_percentage, default=None,
                    help="fail the run if less was passed")
    parser.addini(FOLDERS, type="paths", default=[],
                  help="folders of BPMN and DMN files: `deploy` looks in them, and what no test deploys counts as "
                       "never passed")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to gather coverage, if it is asked for. Raises pytest.UsageError."""
    wanted = config.getoption("--bpmn-coverage") is not None or config.getoption("--bpmn-coverage-min") is not None
    if wanted:
        _expect_our_engine()
        config.stash[KEY] = Coverage(config)


@pytest.fixture
def partitur_options() -> dict[str, Any]:
    """Arguments for the scratch engines, such as `time_zone`: to be defined anew by whoever wants others."""
    return {}


@pytest.fixture
def partitur(request: pytest.FixtureRequest, partitur_options: dict[str, Any]) -> Iterator[Scratch]:
    """A scratch engine for one test (`engine.testing.Scratch`), thrown away afterwards.

    Files to deploy are looked for beside the test, in the folders of the ini option `partitur_models`, and in the
    root folder.
    """
    _expect_our_engine()
    from engine.testing import Scratch

    folders = [request.path.parent, *request.config.getini(FOLDERS), request.config.rootpath]
    with Scratch(folders, **partitur_options) as scratch:
        yield scratch
        coverage = request.config.stash.get(KEY, None)
        if coverage is not None:
            coverage.measure(scratch, request.node.nodeid)


class Coverage:
    """What the tests of a run passed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._record: Record | None = None
        self.summary: list[str] = []

    @property
    def is_worker(self) -> bool:
        """Whether this process runs tests for another one (pytest-xdist)."""
        return hasattr(self._config, "workerinput")

    @property
    def record(self) -> Record:
        """What was gathered so far."""
        from engine.testing.coverage.record import Record

        if self._record is None:
            self._record = Record()
        return self._record

    def measure(self, scratch: Scratch, test: str) -> None:
        """Take over what a test passed."""
        from engine.testing.coverage.measuring import measure

        measure(scratch.engine, test, self.record)

    def hand_over(self) -> str:
        """What a worker tells the process that it works for."""
        return self.record.dump()

    def take_over(self, written: str) -> None:
        """What a worker told. Raises ValueError if it is broken."""
        from engine.testing.coverage.record import Record

        self.record.add(Record.load(written))

    def report(self) -> bool:
        """Write the report; False if too little was passed. Raises OSError."""
        from engine.testing.coverage import figures
        from engine.testing.coverage.models import add_files

        add_files(self.record, self._config.getini(FOLDERS))
        pages = figures.pages(self.record)
        passed, total = figures.share([part for page in pages for part in page.parts])
        value = figures.percent(passed, total)
        line = f"BPMN coverage: {value:g} % ({passed} of {total} elements, sequence flows and rules)"
        folder: Path | None = self._config.getoption("--bpmn-coverage")
        if folder is not None:
            self._write(pages, self._config.invocation_params.dir / folder)
            line += f", report in {folder / 'index.html'}"
        self.summary.append(line)
        least: float | None = self._config.getoption("--bpmn-coverage-min")
        if least is None or value >= least:
            return True
        self.summary.append(f"Expected a BPMN coverage of at least {least:g} %, but it is {value:g} %. Never passed:")
        self.summary += [f"  {page.name}: {subject.id}: {part.kind} {part.id}"
                         for page in pages for subject in page.subjects for part in subject.parts if not part.passed]
        return False

    def _write(self, pages: list[Page], folder: Path) -> None:
        from engine.testing.coverage.pages import write

        tests = {test for page in pages for part in page.parts for test in part.tests}
        write(pages, folder, len(tests))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, and fail the run if too little was passed; a worker hands over what it has."""
    coverage = session.config.stash.get(KEY, None)
    if coverage is None or session.config.option.collectonly:
        return
    if coverage.is_worker:
        output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
        output[FROM_WORKER] = coverage.hand_over()
    elif not coverage.report() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker of pytest-xdist gathered; one that crashed has nothing to tell."""
    coverage = node.config.stash.get(KEY, None)
    written = getattr(node, "workeroutput", {}).get(FROM_WORKER)
    if coverage is not None and written is not None:
        coverage.take_over(written)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how much was passed."""
    coverage = config.stash.get(KEY, None)
    for line in coverage.summary if coverage is not None else []:
        terminalreporter.write_line(line)


def _expect_our_engine() -> None:
    """Raises pytest.UsageError if a package of the project hides one of those that process tests are made of."""
    for package, part in (("engine", "engine.testing"), ("bpmn", "bpmn.interpreter")):
        found = find_spec(package)
        if found is None or find_spec(part) is None:
            where = "there is none" if found is None else f"{found.origin or 'a folder of that name'} comes before it"
            raise pytest.UsageError(
                f"Expected the package {package!r} to be Partitur's, but {where}. Process tests need a project in "
                f"which nothing else is importable as {package!r}."
            )


def _percentage(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"Expected a percentage between 0 and 100, but it is {text!r}.")
    return value
