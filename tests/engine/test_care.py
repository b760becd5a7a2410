"""Incidents are acknowledged, assigned, snoozed, noted; alone, or all with a fingerprint at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import care, chain, retention
from engine.errors import Conflict, InvalidInput, NotFound, WrongState
from engine.queries import incidents, instances, lists, overview
from engine.queries.incidents import IncidentFilter
from engine.queries.instances import InstanceFilter
from engine.work import jobs
from tests.engine.drawing import end, process, service, start

HOUR = timedelta(hours=1)


@pytest.fixture
def failed(engine, steps):
    """Makes an instance that failed; its key and that of its incident."""
    steps.deploy(process("p", start(), service("pay"), end()))

    def make(message="Card 4711 was declined."):
        key = steps.start("p")
        [job] = steps.take("pay")
        engine.execute(jobs.fail, job.key, message, lock_token=job.lock_token, retries=0)
        [row] = lists.incidents(engine, instance_key=key).items
        return key, row.key
    return make


def found(engine, **filter):
    return [row.key for row in incidents.search(engine, IncidentFilter(**filter)).items]


def acts(engine, incident):
    return [row.operation for row in lists.audit(engine, entity="INCIDENT", entity_key=incident).items]


def test_incident_is_acknowledged_by_who_acts(engine, clock, failed):
    _, incident = failed()
    assert engine.acting_as("ann").execute(care.acknowledge, incident, "I look at it.") == 1
    row = incidents.get(engine, incident)
    assert (row.acknowledged_by, row.acknowledged_at) == ("ann", clock())
    assert found(engine, acknowledged=True) == [incident]
    assert found(engine, acknowledged=False) == []
    [act] = lists.audit(engine, operation="ACKNOWLEDGE").items
    assert (act.actor, act.reason, act.instance_key) == ("ann", "I look at it.", row.instance_key)
    assert act.before == {"acknowledged_at": None, "acknowledged_by": None}
    assert act.after == {"acknowledged_at": clock().isoformat(), "acknowledged_by": "ann"}

    engine.execute(care.withdraw, incident)
    assert incidents.get(engine, incident).acknowledged_by is None


def test_incident_is_given_to_a_person_and_to_nobody(engine, failed):
    _, incident = failed()
    engine.execute(care.assign, incident, " ann ")
    assert found(engine, assignee="ann") == [incident]
    assert found(engine, assignee="") == []
    engine.execute(care.assign, incident, None)
    assert found(engine, assignee="") == [incident]
    assert acts(engine, incident) == ["UNASSIGN", "ASSIGN"]


def test_snoozed_incident_calls_nobody_until_its_time(engine, clock, failed):
    key, incident = failed()
    engine.execute(care.snooze, incident, clock() + HOUR, "The bank says: in an hour.")
    assert (found(engine), found(engine, state="snoozed")) == ([], [incident])
    counts = overview.overview(engine)
    assert (counts.incident, counts.snoozed) == (0, 1)
    assert instances.search(engine, InstanceFilter(states=("incident",))).total == 0
    assert [row.key for row in instances.search(engine, InstanceFilter(states=("snoozed",))).items] == [key]
    assert incidents.counts(engine) == incidents.Counts(open=0, snoozed=1)

    clock.advance(hours=1)
    assert (found(engine), found(engine, state="snoozed")) == ([incident], [])
    counts = overview.overview(engine)
    assert (counts.incident, counts.snoozed) == (1, 0)


def test_instance_calls_while_one_of_its_incidents_is_awake(engine, steps, clock):
    steps.deploy(process(
        "p", start(), '<bpmn:parallelGateway id="fork"/>', service("a"), service("b"),
        flows="start>fork fork>a fork>b"))
    steps.start("p")
    for kind in ("a", "b"):
        [job] = steps.take(kind)
        engine.execute(jobs.fail, job.key, "no", lock_token=job.lock_token, retries=0)
    first, second = (row.key for row in lists.incidents(engine).items)
    engine.execute(care.snooze, first, clock() + HOUR, "later")
    assert (overview.overview(engine).incident, overview.overview(engine).snoozed) == (1, 0)
    engine.execute(care.snooze, second, clock() + 2 * HOUR, "later")
    assert (overview.overview(engine).incident, overview.overview(engine).snoozed) == (0, 1)
    clock.advance(hours=1)
    assert (overview.overview(engine).incident, overview.overview(engine).snoozed) == (1, 0)


def test_snoozed_incident_can_be_woken_and_retried(engine, steps, clock, failed):
    _, incident = failed()
    engine.execute(care.snooze, incident, clock() + HOUR, "later")
    engine.execute(care.snooze, incident, None)
    assert found(engine) == [incident]
    engine.execute(care.snooze, incident, clock() + HOUR, "later")
    steps.resolve()
    assert (found(engine), found(engine, state="snoozed"), found(engine, state="resolved")) == ([], [], [incident])
    assert overview.overview(engine).snoozed == 0


@pytest.mark.parametrize("ahead", [timedelta(), -HOUR, timedelta(days=367)])
def test_times_that_have_passed_or_are_too_far_away_are_refused(engine, clock, failed, ahead):
    _, incident = failed()
    with pytest.raises(InvalidInput, match="within a year"):
        engine.execute(care.snooze, incident, clock() + ahead, "later")
    assert found(engine) == [incident]


def test_snoozing_wants_a_reason(engine, clock, failed):
    _, incident = failed()
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(care.snooze, incident, clock() + HOUR, "  ")


def test_notes_are_kept_in_order_with_their_authors(engine, clock, failed):
    _, incident = failed()
    engine.acting_as("ann").execute(care.annotate, incident, "Called the bank.")
    clock.advance(minutes=5)
    engine.acting_as("bob").execute(care.annotate, incident, "They call back.\n\x00")
    notes = incidents.notes(engine, incident)
    assert [(note.author, note.message) for note in notes] == [
        ("ann", "Called the bank."), ("bob", "They call back.\n\ufffd")]
    assert incidents.get(engine, incident).notes == 2


@pytest.mark.parametrize("note", ["", " \n ", "x" * 10_001])
def test_notes_that_say_nothing_or_too_much_are_refused(engine, failed, note):
    _, incident = failed()
    with pytest.raises(InvalidInput, match="note"):
        engine.execute(care.annotate, incident, note)


def test_ticket_and_notes_are_possible_when_it_is_over(engine, steps, failed):
    _, incident = failed()
    steps.resolve()
    engine.execute(care.set_ticket, incident, "https://tickets.example/OPS-7")
    engine.execute(care.annotate, incident, "It was the bank.")
    row = incidents.get(engine, incident)
    assert (row.ticket, row.notes) == ("https://tickets.example/OPS-7", 1)
    for act in (care.acknowledge, care.withdraw):
        with pytest.raises(WrongState, match="resolved"):
            engine.execute(act, incident)
    with pytest.raises(WrongState, match="resolved"):
        engine.execute(care.assign, incident, "ann")


def test_all_with_a_fingerprint_are_cared_for_at_once(engine, clock, failed):
    alike = [failed(f"Card {number} was declined.")[1] for number in range(100, 105)]
    _, other = failed("The bank is away.")
    fingerprint = incidents.get(engine, alike[0]).fingerprint
    assert engine.execute(care.snooze, fingerprint, clock() + HOUR, "The bank works on it.") == 5
    assert found(engine) == [other]
    assert engine.execute(care.assign, fingerprint, "ann") == 5
    assert engine.execute(care.annotate, fingerprint, "See OPS-7.") == 5
    assert sorted(found(engine, state="all", assignee="ann")) == sorted(alike)
    assert acts(engine, alike[2]) == ["ANNOTATE", "ASSIGN", "SNOOZE"]
    assert all(act.details["fingerprint"] == fingerprint
               for act in lists.audit(engine, entity="INCIDENT", entity_key=alike[2]).items)

    # and what fails later is new: nobody has looked at it
    _, later = failed("Card 999 was declined.")
    assert incidents.get(engine, later).fingerprint == fingerprint
    assert set(found(engine)) == {later, other}


def test_too_many_at_once_are_refused(engine, failed, monkeypatch):
    first, *_ = (failed()[1] for _ in range(3))
    fingerprint = incidents.get(engine, first).fingerprint
    monkeypatch.setattr(care, "MOST", 2)
    with pytest.raises(Conflict, match="at most 2"):
        engine.execute(care.acknowledge, fingerprint)
    assert found(engine, acknowledged=True) == []


@pytest.mark.parametrize("which", [17, "nothing", ""])
def test_what_is_not_there_is_said(engine, which):
    with pytest.raises(NotFound):
        engine.execute(care.acknowledge, which)


def test_notes_go_with_their_instance_and_the_trail_stays(engine, clock, failed):
    from engine import instances as commands

    key, incident = failed()
    engine.execute(care.annotate, incident, "gone soon")
    engine.execute(commands.cancel, key, "over")
    clock.advance(days=2)
    while engine.execute(retention.clean, timedelta(days=1)):
        pass
    assert incidents.notes(engine, incident) == ()
    assert acts(engine, incident) == ["ANNOTATE"]
    chain.seal_all(engine)
    assert chain.verify(engine).broken is None


def test_rows_of_instances_say_whether_they_are_snoozed(engine, clock, failed):
    _, incident = failed()
    [row] = instances.search(engine, InstanceFilter()).items
    assert not row.snoozed
    engine.execute(care.snooze, incident, clock() + HOUR, "later")
    [row] = instances.search(engine, InstanceFilter()).items
    assert row.snoozed
