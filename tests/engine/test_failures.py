"""What the home page tells of failures, and of what changed since somebody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import incidents, instances
from engine.contracts import JobContract
from engine.queries import instances as lists
from engine.queries import lists as things
from engine.queries import overview
from engine.queries.changes import changes, recovered
from engine.queries.failures import outages
from engine.queries.incidents import IncidentFilter
from engine.queries.incidents import search as incidents_of
from engine.queries.instances import InstanceFilter
from engine.states import EffectState
from engine.work import jobs
from tests.engine.drawing import end, process, service, start


@pytest.fixture
def outage(engine, clock, steps):
    """Three instances of two processes that the same service failed, one that another did, over two hours."""
    for name, kind in (("one", "pay"), ("two", "pay"), ("three", "ship")):
        steps.deploy(process(name, start(), service(kind, retries=1), end()), name=f"{name}.bpmn")
    for number, (name, kind) in enumerate([("one", "pay"), ("one", "pay"), ("two", "pay"), ("three", "ship")]):
        steps.start(name)
        [job] = steps.take(kind)
        engine.execute(jobs.fail, job.key, f"Refused order {number}.")
        clock.advance(minutes=40)
    return clock


def test_one_outage_is_one_row_over_all_processes(engine, outage):
    now = outage()
    pay, ship = outages(engine)
    assert (pay.service, pay.pattern, pay.instances, pay.incidents) == ("pay", "Refused order #.", 3, 3)
    assert [place[1:] for place in pay.places] == [("one", "pay"), ("two", "pay")]
    assert (pay.first_seen, pay.newest) == (now - timedelta(minutes=160), now - timedelta(minutes=80))
    assert (pay.lately, ship.lately) == (0, 1)
    assert (ship.service, ship.instances) == ("ship", 1)


def test_number_of_an_outage_is_the_length_of_its_list(engine, outage):
    for each in outages(engine):
        listed = lists.search(engine, InstanceFilter(states=["incident"], fingerprint=each.fingerprint))
        assert listed.total == each.instances
    assert lists.search(engine, InstanceFilter(fingerprint="0" * 16)).total == 0


def test_resolved_failures_count_for_first_seen_only(engine, outage, steps):
    first = outages(engine)[0].first_seen
    oldest = min(things.incidents(engine).items, key=lambda row: row.created_at)
    engine.execute(incidents.resolve, oldest.key, reason="tried again")
    pay = outages(engine)[0]
    assert (pay.first_seen, pay.instances) == (first, 2)


def test_what_changed_since_then_is_counted(engine, outage, steps):
    now = outage()
    all_of_it = changes(engine, now - timedelta(hours=5))
    assert (all_of_it.new_failures, all_of_it.failed, all_of_it.unresolved, all_of_it.started) == (2, 4, 4, 4)
    lately = changes(engine, now - timedelta(minutes=60))
    assert (lately.new_failures, lately.failed, lately.started) == (1, 1, 1)
    # The second failure of a kind is no news.
    assert changes(engine, now - timedelta(minutes=100)).new_failures == 1

    key = next(row.key for row in lists.search(engine, InstanceFilter(process_id="two")).items)
    engine.acting_as("ann").execute(instances.cancel, key, "no more")
    after = changes(engine, now, but_for="bob")
    assert (after.terminated, after.completed, after.acts, after.unresolved) == (1, 0, 1, 0)
    assert changes(engine, now, but_for="ann").acts == 0


def test_a_kind_of_failure_has_recovered_once_nothing_of_it_is_open(engine, outage, steps):
    away = outage()
    assert recovered(engine, away) == ()
    outage.advance(minutes=5)
    kind = next(each.fingerprint for each in outages(engine) if each.service == "pay")
    first, *others = [row.key for row in incidents_of(engine, IncidentFilter(fingerprint=kind)).items]
    engine.execute(incidents.resolve, first)
    # One of three is over: that is no recovery.
    assert recovered(engine, away) == ()
    for each in others:
        engine.execute(incidents.resolve, each)
    [pay] = recovered(engine, away)
    assert (pay.pattern, pay.incidents, pay.at) == ("Refused order #.", 3, outage())
    assert pay.fingerprint not in {each.fingerprint for each in outages(engine)}
    # It had not been open for who looked before it began, nor for who looks now; a limit is kept.
    assert recovered(engine, away - timedelta(hours=5)) == ()
    assert recovered(engine, outage() + timedelta(seconds=1)) == ()
    assert recovered(engine, away, limit=0) == ()

    # It fails again: all is as before, until that one is cancelled.
    key = steps.start("one")
    [job] = [job for job in steps.take("pay", max_jobs=9) if job.instance_key == key]
    engine.execute(jobs.fail, job.key, "Refused order 9.")
    assert recovered(engine, away) == ()
    engine.execute(instances.cancel, key, "no more")
    assert [each.fingerprint for each in recovered(engine, away)] == [pay.fingerprint]


def test_a_call_in_doubt_is_listed_until_it_is_decided(engine, steps):
    engine.contracts["pay"] = JobContract(repeatable=False)
    steps.deploy(process("one", start(), service("pay", retries=1), end()))
    key = steps.start("one")
    [job] = steps.take("pay")
    assert overview.overview(engine).in_doubt == 0
    engine.execute(jobs.fail, job.key, "no answer", effect=EffectState.IN_DOUBT)
    found = lists.search(engine, InstanceFilter(states=["in_doubt"]))
    assert [row.key for row in found.items] == [key]
    assert found.items[0].in_doubt
    assert found.items[0].status == "in_doubt"
    assert overview.overview(engine).in_doubt == found.total == 1
    engine.execute(instances.cancel, key, "no more")
    assert lists.search(engine, InstanceFilter(states=["in_doubt"])).total == 0
