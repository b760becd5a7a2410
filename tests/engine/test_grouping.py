"""Commands that share a commit on SQLite: each stands or falls alone."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import event, func, select

from engine import schema
from engine.audit import record
from engine.engine import Engine
from engine.errors import InvalidInput


@pytest.fixture
def lite(sqlite_url) -> Engine:
    engine = Engine(sqlite_url)
    yield engine
    engine.close()


def note(tx, name, *, fails=False):
    record(tx, name, "TEST", 1)
    tx.rows.flush()
    if fails:
        raise InvalidInput(f"Expected {name} to work, but it was told to fail.")
    return name


def run_together(engine, calls):
    """Run each call in a thread of its own, all of them queued behind one that holds the writer."""
    held, release = threading.Event(), threading.Event()

    def hold(tx):
        held.set()
        release.wait(20)

    outcomes = {}

    def one(name, fails):
        try:
            outcomes[name] = engine.execute(note, name, fails=fails)
        except InvalidInput as error:
            outcomes[name] = error

    first = threading.Thread(target=engine.execute, args=(hold,))
    first.start()
    assert held.wait(20)
    threads = [threading.Thread(target=one, args=call) for call in calls]
    for thread in threads:
        thread.start()
    while len(engine._grouping._queue) < len(calls):
        threading.Event().wait(0.001)
    release.set()
    for thread in [first, *threads]:
        thread.join(20)
    return outcomes


def count_commits(engine):
    commits = []
    event.listen(engine.database.engine, "commit", commits.append)
    return commits


def test_commands_that_wait_for_the_writer_share_one_commit(lite):
    next(lite.keys)     # taking a block of keys is a commit too
    commits = count_commits(lite)
    outcomes = run_together(lite, [(f"N{i}", False) for i in range(20)])
    assert outcomes == {f"N{i}": f"N{i}" for i in range(20)}
    assert len(commits) == 2, len(commits)


def test_a_command_that_fails_takes_back_only_its_own_changes(lite):
    outcomes = run_together(lite, [("A", False), ("B", True), ("C", False)])
    assert outcomes["A"] == "A"
    assert outcomes["C"] == "C"
    assert isinstance(outcomes["B"], InvalidInput)
    with lite.read() as connection:
        written = set(connection.scalars(select(schema.audit.c.operation)))
    assert written == {"A", "C"}


def test_no_key_is_given_twice_when_a_block_was_taken_by_a_command_that_failed(lite):
    # given that a failing command uses up the block and takes a new one
    def greedy(tx, fails):
        keys = [tx.key() for _ in range(60_000)]
        tx.rows.flush()
        if fails:
            raise InvalidInput("Expected to work, but it was told to fail.")
        return keys

    outcomes = {}
    held, release = threading.Event(), threading.Event()

    def hold(tx):
        held.set()
        release.wait(20)

    def run(name, fails):
        try:
            outcomes[name] = lite.execute(greedy, fails)
        except InvalidInput:
            outcomes[name] = []

    threads = [threading.Thread(target=lite.execute, args=(hold,))]
    threads[0].start()
    assert held.wait(20)
    for i, fails in enumerate([True, False, True, False]):
        threads.append(threading.Thread(target=run, args=(i, fails)))
        threads[-1].start()
    while len(lite._grouping._queue) < 4:
        threading.Event().wait(0.001)
    release.set()
    for thread in threads:
        thread.join(20)

    # then the keys of those that succeeded are all different, and different from any later one
    used = outcomes[1] + outcomes[3]
    later = [next(lite.keys) for _ in range(60_000)]
    other = Engine(str(lite.database.engine.url))
    elsewhere = [next(other.keys) for _ in range(10)]
    other.close()
    assert len(set(used + later + elsewhere)) == len(used) + len(later) + len(elsewhere)


def test_nothing_is_acknowledged_when_the_commit_fails(lite):
    def refuse(connection):
        raise OSError("disk full")

    event.listen(lite.database.engine, "commit", refuse)
    with pytest.raises(OSError, match="disk full"):
        lite.execute(note, "LOST")
    event.remove(lite.database.engine, "commit", refuse)
    assert lite.execute(note, "KEPT") == "KEPT"
    with lite.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.audit)) == 1
