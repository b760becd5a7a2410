"""The pytest plugin, as somebody's project uses it."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys

import partitur_pytest as plugin
import pytest

from engine.testing.coverage import figures, measuring, models, pages, record  # noqa: F401  (loaded once, not per run)
from engine.testing.coverage.record import Record
from tests.engine.drawing import end, file, process, start, user
from tests.engine.testing.diagrams import EXAMPLE

pytest_plugins = ["pytester"]

TEST = """
    import pytest

    def test_review(partitur):
        partitur.deploy("review.bpmn")
        run = partitur.start("review")
        run.complete("t", approved=True)
        run.assert_ended()
"""


@pytest.fixture
def project(pytester):
    """A project with a process and a test of it."""
    content = file(process("review", start(), user("t"), end())).content
    (pytester.path / "review.bpmn").write_bytes(content)
    pytester.makepyfile(TEST)
    return pytester


def test_a_process_is_tested_in_five_lines(project):
    result = project.runpytest_inprocess()

    result.assert_outcomes(passed=1)
    assert "BPMN coverage" not in result.stdout.str()
    assert not list(project.path.glob("*/index.html"))


def test_each_test_has_an_engine_of_its_own(project):
    project.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(2))
        def test_first_instance(partitur, n):
            partitur.deploy("review.bpmn")
            partitur.start("review")
            assert len(partitur.instances()) == 1
    """)

    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_project_says_when_and_where_its_tests_run(project):
    project.makepyfile("""
        from datetime import datetime, UTC
        import pytest

        @pytest.fixture
        def partitur_options():
            return {"begin": datetime(2040, 2, 1, tzinfo=UTC), "time_zone": "Asia/Tokyo"}

        def test_time(partitur):
            assert partitur.now.year == 2040
            assert str(partitur.engine.time_zone) == "Asia/Tokyo"
    """)

    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_failure_shows_where_the_instance_is_and_the_line_of_the_test(project):
    project.makepyfile("""
        def test_review(partitur):
            partitur.deploy("review.bpmn")
            run = partitur.start("review", amount=5)
            run.assert_ended()
    """)

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Expected the instance to have ended, but it is active.",
                                 "*at t: waits for a person to do the user task*", "*variables: amount=5"])
    result.stdout.fnmatch_lines([">*run.assert_ended()"])
    # Nothing of the plugin's own code is in the way.
    assert "self._fail" not in result.stdout.str()


def test_coverage_is_reported(project):
    result = project.runpytest_inprocess("--bpmn-coverage", "report")

    result.stdout.fnmatch_lines([
        "BPMN coverage: 100 % (5 of 5 elements, sequence flows and rules), report in report/index.html"])
    found = json.loads((project.path / "report" / "coverage.json").read_text())
    parts = found["files"][0]["subjects"][0]["parts"]
    [name] = {test for part in parts for test in part["tests"]}
    assert name.endswith("::test_review")
    assert (project.path / "report" / "review.bpmn.html").exists()


@pytest.mark.parametrize(("least", "code"), [("40", 0), ("40.1", 1), ("100", 1), ("0", 0)])
def test_too_little_coverage_fails_the_run_and_names_what_is_missing(project, least, code):
    project.makepyfile("""
        def test_review(partitur):
            partitur.deploy("review.bpmn")
            partitur.start("review")
    """)

    result = project.runpytest_inprocess("--bpmn-coverage-min", least)

    assert result.ret == code
    result.assert_outcomes(passed=1)
    if code:
        result.stdout.fnmatch_lines([f"Expected a BPMN coverage of at least {least} %, but it is 40 %. Never passed:",
                                     "  review.bpmn: review: element t"])


@pytest.mark.parametrize("least", ["-1", "101", "much", "nan"])
def test_a_senseless_minimum_is_refused(least):
    with pytest.raises(argparse.ArgumentTypeError, match="between 0 and 100"):
        plugin._percentage(least)


def test_models_in_the_folders_of_the_project_are_found_and_counted(project):
    (project.path / "models" / "more").mkdir(parents=True)
    shutil.move(project.path / "review.bpmn", project.path / "models" / "review.bpmn")
    other = file(process("other", start(), end())).content
    (project.path / "models" / "more" / "other.bpmn").write_bytes(other)
    project.makeini("[pytest]\npartitur_models = models\n")

    result = project.runpytest_inprocess("--bpmn-coverage", "report")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["BPMN coverage: 62.5 % (5 of 8 *"])


def test_a_failed_test_counts_too(project):
    project.makepyfile("""
        def test_review(partitur):
            partitur.deploy("review.bpmn")
            partitur.start("review")
            assert False
    """)

    result = project.runpytest_inprocess("--bpmn-coverage-min", "10")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["BPMN coverage: 40 %*"])


def test_without_any_process_test_there_is_nothing_to_miss(pytester):
    pytester.makepyfile("def test_sum(): assert 1 + 1 == 2")

    result = pytester.runpytest_inprocess("--bpmn-coverage", "report", "--bpmn-coverage-min", "100")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["BPMN coverage: 100 % (0 of 0 *"])
    assert "No test deployed anything." in (pytester.path / "report" / "index.html").read_text()


def test_the_plugin_can_be_left_out(project):
    result = project.runpytest_inprocess("-p", "no:partitur")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'partitur' not found*"])


def test_the_plugin_imports_nothing_until_it_is_used():
    heavy = ("sqlalchemy", "lxml", "SpiffWorkflow", "msgspec", "structlog", "bpmn", "engine")
    script = f"import sys, partitur_pytest; print([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.fixture
def other_engine(tmp_path):
    """A project that has a package `engine` of its own, and never heard of ours: how pytest ends there."""
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("def start(): return 'brumm'")
    (tmp_path / "engine" / "motor.py").write_text("cylinders = 4")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")

    def run(test, *arguments, command=("-m", "pytest")):
        (tmp_path / "test_engine.py").write_text(test)
        return subprocess.run([sys.executable, *command, "-q", *arguments], cwd=tmp_path, capture_output=True,
                              text=True)

    return run


@pytest.mark.parametrize("command", [("-m", "pytest"), ("-c", "import pytest; pytest.console_main()")])
def test_a_project_with_an_engine_of_its_own_keeps_it(other_engine, command):
    done = other_engine("""
import engine
from engine import motor

def test_start():
    assert (engine.start(), motor.cylinders) == ("brumm", 4)
""", command=command)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [(), ("--bpmn-coverage", "report")])
def test_a_project_whose_engine_hides_ours_is_told_so_when_it_wants_ours(other_engine, arguments):
    done = other_engine("def test_order(partitur): pass", *arguments)

    assert done.returncode != 0
    assert "Expected the package 'engine' to be Partitur's, but" in done.stdout + done.stderr


def test_unknown_names_of_the_package_are_told():
    import engine.testing

    assert all(hasattr(engine.testing, name) for name in engine.testing.__all__)
    with pytest.raises(AttributeError, match="has no 'Scratches'"):
        engine.testing.Scratches  # noqa: B018


class Worker:
    """What pytest-xdist hands to a plugin of the process that workers report to."""

    def __init__(self, config, **output):
        self.config = config
        self.workeroutput = output


@pytest.fixture
def gathering(pytestconfig):
    """The stash of this very run, with the coverage of another one in it."""
    before = pytestconfig.stash.get(plugin.KEY, None)
    pytestconfig.stash[plugin.KEY] = plugin.Coverage(pytestconfig)
    yield pytestconfig
    if before is None:
        del pytestconfig.stash[plugin.KEY]
    else:
        pytestconfig.stash[plugin.KEY] = before


def test_workers_hand_over_what_they_gathered_and_a_crashed_one_does_no_harm(gathering):
    # given what two workers gathered
    written = []
    for test in ("one", "two"):
        gathered = Record()
        kept = gathered.file("p.bpmn", file(process("p", start(), end())).content)
        gathered.note(kept, test, [("passed", "p", "start")])
        written.append(gathered.dump())

    # when they end, and a third one has crashed
    for text in written:
        plugin.pytest_testnodedown(Worker(gathering, partitur_coverage=text), None)
    crashed = Worker(gathering)
    del crashed.workeroutput
    plugin.pytest_testnodedown(crashed, "crashed")

    # then
    [kept] = gathering.stash[plugin.KEY].record.files
    assert kept.traces == {("passed", "p", "start"): {"one", "two"}}


def test_a_worker_writes_no_report(project):
    project.makeconftest("""
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(config):
            config.workerinput, config.workeroutput = {}, {}

        def pytest_unconfigure(config):
            print("handed over:", len(config.workeroutput["partitur_coverage"]) > 100)
    """)

    result = project.runpytest_inprocess("--bpmn-coverage", "report", "-s")

    result.stdout.fnmatch_lines(["*handed over: True*"])
    assert not (project.path / "report").exists()


def test_the_order_example_is_tested_completely(pytester):
    shutil.copytree(EXAMPLE, pytester.path / "shop", ignore=shutil.ignore_patterns("__pycache__", "services", "data"))

    result = pytester.runpytest_inprocess(
        "shop/tests", "--bpmn-coverage", "report", "--bpmn-coverage-min", "100", "--import-mode=importlib")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["BPMN coverage: 100 % (42 of 42 *"])
    assert (pytester.path / "report" / "order-fulfilment.bpmn.html").exists()
