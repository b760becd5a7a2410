"""Functions that never wait share one thread; one that waits after all holds nobody up."""

from __future__ import annotations

import queue
import threading

import pytest

from service_tasks import threads
from service_tasks.threads import QUICK, STUCK, Crew, Threads


@pytest.fixture
def crew():
    made = Crew(4, "test")
    yield made
    made.stop()


@pytest.fixture
def clock(monkeypatch):
    """What the crew takes for the time, as a list of one number."""
    now = [100.0]
    monkeypatch.setattr(threads.time, "monotonic", lambda: now[0])
    return now


def names(crew, took, count):
    """The threads that did so much work."""
    done = queue.SimpleQueue()
    for _ in range(count):
        crew.submit(lambda _: done.put(threading.current_thread().name), took)
    return {done.get(timeout=30) for _ in range(count)}


def test_one_thread_does_what_is_quick(crew):
    assert names(crew, QUICK / 2, 100) == {"test-quick-1"}


@pytest.mark.parametrize("took", [None, QUICK, 1.0])
def test_others_do_what_is_slow_or_unknown(crew, took):
    assert "test-quick-1" not in names(crew, took, 10)


def test_what_waits_behind_one_that_is_stuck_goes_elsewhere(crew, clock):
    begun, go_on, done = threading.Event(), threading.Event(), queue.SimpleQueue()

    def stuck(_):
        begun.set()
        go_on.wait(30)

    crew.submit(stuck, 0.0)
    assert begun.wait(30)
    crew.look_after()
    crew.submit(lambda _: done.put(threading.current_thread().name), 0.0)
    crew.look_after()
    assert crew.is_behind, "it may be as quick as ever"
    clock[0] += STUCK * 2
    crew.look_after()
    assert done.get(timeout=30) != "test-quick-1"
    assert not crew.is_behind
    go_on.set()


def test_what_was_just_given_waits_its_time(crew, clock):
    """However long nobody looked: the thread had no chance yet."""
    begun, go_on = threading.Event(), threading.Event()

    def busy(_):
        begun.set()
        go_on.wait(30)

    crew.submit(busy, 0.0)
    assert begun.wait(30)
    crew.look_after()
    clock[0] += STUCK * 2
    for _ in range(2):
        crew.submit(lambda _: None, 0.0)
    crew.look_after()
    crew.look_after()
    assert crew.is_behind
    go_on.set()


def test_what_waits_stays_while_one_after_the_other_is_done(crew, clock):
    begun, go_on = queue.SimpleQueue(), queue.SimpleQueue()

    def busy(_):
        begun.put(1)
        go_on.get(timeout=30)

    for _ in range(3):
        crew.submit(busy, 0.0)
    begun.get(timeout=30)
    crew.look_after()
    clock[0] += STUCK * 2
    go_on.put(1)
    begun.get(timeout=30)
    crew.look_after()
    assert crew.is_behind
    for _ in range(2):
        go_on.put(1)


def test_a_thread_that_is_to_go_goes_though_the_work_before_it_moved():
    one, others = Threads(1, "one"), Threads(1, "others")
    begun, go_on = threading.Event(), threading.Event()

    def busy(_):
        begun.set()
        go_on.wait(30)

    one.submit(busy)
    assert begun.wait(30)
    one.submit(lambda _: None)
    one.shrink()
    one.move(others)
    go_on.set()
    [thread] = one._threads
    thread.join(30)
    assert not thread.is_alive()
    others.stop()
