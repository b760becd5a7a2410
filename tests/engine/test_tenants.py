"""Two tenants with everything the same: nothing crosses, and one's flood leaves the other its share."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import update

from engine import (
    conditions,
    decisions,
    definitions,
    fairness,
    instances,
    messages,
    pausing,
    schema,
    signals,
    strays,
    tenants,
    timers,
)
from engine.cluster import due
from engine.cluster.queue import Entry, Kind
from engine.cluster.sweeping import Handling
from engine.definitions import Resource
from engine.engine import Engine
from engine.errors import Conflict, DeploymentRefused, InvalidInput, NotFound, TooMany, WrongState
from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from engine.schema import DEFAULT_TENANT
from engine.work import activation, jobs
from engine.work.filters import JobFilter
from tests.engine import drawing
from tests.engine.drawing import (
    call,
    catch,
    end,
    message,
    message_of,
    process,
    service,
    signal,
    signal_of,
    start,
    timer,
)

WORK = process("work", start(), service("do"), end())
WAITS = (message_of("paid", "paid", "=order"), process("waits", start(), catch("wait", message("paid")), end()))
BEGINS = (message_of("begin", "begin"), process("begins", start(event=message("begin")), service("do"), end()))
HEARS = (signal_of("alarm", "alarm"), process("hears", start(event=signal("alarm")), service("do"), end()))
CALLS = process("calls", start(), call("sub", "work"), end())
SLEEPS = process("sleeps", start(), catch("wait", timer("Duration", "PT1H")), end())


@pytest.fixture
def eu(engine):
    """An engine with the tenants `eu` and `us` beside the default one."""
    for id in ("eu", "us"):
        engine.execute(tenants.add, id)
    return "eu"


def deploy(engine, tenant_id, *parts, name="test.bpmn"):
    return engine.execute(definitions.deploy, [drawing.file(*parts, name=name)], tenant_id=tenant_id)


def start_in(engine, tenant_id, process_id, **more):
    return engine.execute(instances.start, process_id, tenant_id=tenant_id, **more).key


def of(engine, tenant_id, **more):
    return [row.key for row in search(engine, InstanceFilter(tenant_id=tenant_id, **more), sort="key").items]


def test_a_tenant_is_added_changed_and_removed_while_nothing_belongs_to_it(engine):
    made = engine.execute(tenants.add, "eu", name="Europe", starts_per_second=5)
    assert [tenant.id for tenant in tenants.all_of_them(engine)] == [DEFAULT_TENANT, "eu"]
    assert made == tenants.get(engine, "eu")
    engine.execute(tenants.change, "eu", name="EU", description=" all of it ")
    assert (tenants.get(engine, "eu").name, tenants.get(engine, "eu").description) == ("EU", "all of it")
    with pytest.raises(Conflict):
        engine.execute(tenants.add, "eu")
    for wrong in ("", "a b", "<default>", "ü", "x" * 32, "a/b"):
        with pytest.raises(InvalidInput):
            engine.execute(tenants.add, wrong)
    with pytest.raises(InvalidInput, match="always there"):
        engine.execute(tenants.remove, DEFAULT_TENANT, "why")
    deploy(engine, "eu", WORK)
    with pytest.raises(WrongState, match="'eu' has deployments"):
        engine.execute(tenants.remove, "eu", "gone")
    engine.execute(tenants.add, "us")
    engine.execute(tenants.remove, "us", "gone")
    with pytest.raises(NotFound, match="'us'"):
        engine.execute(tenants.remove, "us", "gone")


def test_what_names_an_unknown_tenant_is_refused(engine, steps):
    steps.deploy(WORK)
    for command, *given in (
        (definitions.deploy, [drawing.file(WORK)]), (definitions.check, [drawing.file(WORK)]),
        (instances.start, "work"), (messages.publish, "paid"), (messages.correlate, "paid"),
        (signals.broadcast, "alarm"), (conditions.evaluate,), (decisions.evaluate, "risk"),
        (pausing.pause, "work", "why"),
    ):
        with pytest.raises(NotFound, match="Expected a tenant 'eu', but there is none"):
            engine.execute(command, *given, tenant_id="eu")


def test_the_same_process_has_versions_of_its_own_in_each_tenant(engine, steps, eu):
    other = process("work", start(), service("else"), end())
    assert steps.deploy(WORK).definitions[0].version == 1
    assert deploy(engine, eu, WORK).definitions[0].created
    assert deploy(engine, eu, other).definitions[0].version == 2
    assert deploy(engine, "us", WORK).definitions[0].version == 1
    assert not steps.deploy(WORK).definitions[0].created
    assert steps.at(start_in(engine, eu, "work")) == ["else"]
    assert steps.at(start_in(engine, "us", "work")) == ["do"]
    with pytest.raises(NotFound, match="in tenant 'us'"):
        start_in(engine, "us", "work", version=2)
    # A start key is one of its tenant.
    one, same, another = (start_in(engine, id, "work", start_key="a") for id in (eu, eu, "us"))
    assert one == same != another


def test_a_message_reaches_only_who_waits_in_its_tenant(engine, steps, eu):
    # given three instances that differ in their tenant only
    keys = {}
    for id in (DEFAULT_TENANT, eu, "us"):
        deploy(engine, id, *WAITS)
        keys[id] = start_in(engine, id, "waits", variables={"order": "4711"}, business_id="B")

    # when one message is published, correlated, and kept for later
    engine.execute(messages.publish, "paid", "4711", tenant_id=eu)
    [reached] = engine.execute(messages.correlate, "paid", business_id="B", tenant_id="us")
    assert reached.instance_key == keys["us"]
    with pytest.raises(NotFound):
        engine.execute(messages.correlate, "paid", instance_key=keys[DEFAULT_TENANT], tenant_id=eu)

    # then
    assert [steps.state(keys[id]) for id in (DEFAULT_TENANT, eu, "us")] == ["ACTIVE", "COMPLETED", "COMPLETED"]
    engine.execute(messages.publish, "paid", "7", tenant_id=eu, message_id="m", time_to_live=timedelta(hours=1))
    engine.execute(messages.publish, "paid", "7", tenant_id="us", message_id="m", time_to_live=timedelta(hours=1))
    assert steps.state(start_in(engine, DEFAULT_TENANT, "waits", variables={"order": "7"})) == "ACTIVE"
    assert steps.state(start_in(engine, eu, "waits", variables={"order": "7"})) == "COMPLETED"


def test_a_message_starts_an_instance_in_its_tenant_while_another_tenant_has_one_for_the_same_key(engine, eu):
    for id in (eu, "us"):
        deploy(engine, id, *BEGINS)
    for id in (eu, "us", eu):
        engine.execute(messages.publish, "begin", "4711", tenant_id=id)
    assert (len(of(engine, eu)), len(of(engine, "us"))) == (1, 1)


def test_signals_calls_and_pauses_stay_in_their_tenant(engine, steps, eu):
    for id in (DEFAULT_TENANT, eu):
        deploy(engine, id, *HEARS)
    engine.execute(signals.broadcast, "alarm", tenant_id=eu)
    assert (of(engine, DEFAULT_TENANT), len(of(engine, eu))) == ([], 1)

    steps.deploy(WORK)
    deploy(engine, eu, CALLS)
    caller = start_in(engine, eu, "calls")
    [incident] = lists.incidents(engine).items
    assert incident.tenant_id == eu
    assert "in tenant 'eu'" in incident.message
    assert of(engine, DEFAULT_TENANT) == []
    deploy(engine, eu, WORK)
    steps.resolve()
    assert len(of(engine, eu, process_id="work")) == 1
    assert caller in of(engine, eu)

    engine.execute(pausing.pause, "work", "why", tenant_id=eu)
    with pytest.raises(WrongState, match="to take new starts"):
        start_in(engine, eu, "work")
    assert steps.at(start_in(engine, DEFAULT_TENANT, "work")) == ["do"]


def test_a_worker_gets_the_jobs_of_the_tenants_it_asks_for(engine, eu):
    for id in (DEFAULT_TENANT, eu, "us"):
        deploy(engine, id, WORK)
        start_in(engine, id, "work")
    taken = engine.execute(activation.activate, ["do"], "w", 9, only=JobFilter(tenant_ids=[eu]))
    assert [job.tenant_id for job in taken] == [eu]
    taken = engine.execute(activation.activate, ["do"], "w", 9, only=JobFilter(tenant_ids=["us", DEFAULT_TENANT]))
    assert {job.tenant_id for job in taken} == {"us", DEFAULT_TENANT}


def flood(engine, counts, process_id="work", model=WORK):
    for id, count in counts.items():
        deploy(engine, id, model)
        for _ in range(count):
            start_in(engine, id, process_id)


@pytest.mark.parametrize(("types", "most"), [(["do"], 1), (["do"], 5), (["do", "other"], 2), (None, 2)])
def test_the_flood_of_one_tenant_leaves_the_others_their_share_of_jobs(engine, eu, types, most):
    # given a tenant whose jobs came first, and all of them before those of the others
    flood(engine, {"us": 40, eu: 6, DEFAULT_TENANT: 6})

    # when workers take jobs until there are none
    order = []
    while taken := engine.execute(activation.activate, types, "w", most):
        order += [job.tenant_id for job in taken]

    # then the others had a third each, until they had no more
    shares = Counter(order[:18])
    assert max(shares.values()) - min(shares.values()) <= 3, order
    assert Counter(order) == {"us": 40, eu: 6, DEFAULT_TENANT: 6}
    for at in range(15):
        assert len(set(order[at:at + 6])) == 3, (at, order)


def test_two_nodes_share_fairly_together(engine, eu, database_url, clock):
    flood(engine, {"us": 30, eu: 8})
    other = Engine(database_url, clock=clock)
    order = []
    for _ in range(8):
        for node in (engine, other):
            order += [job.tenant_id for job in node.execute(activation.activate, ["do"], "w", 1)]
    other.close()
    assert Counter(order) == {"us": 8, eu: 8}


def test_jobs_of_different_services_do_not_keep_a_tenant_from_its_turn(engine, eu):
    """Two workers that ask in turn: each serves both tenants."""
    two = process("work", start(), service("a"), service("b"), end(), flows="start>a start>b a>end b>end")
    flood(engine, {"us": 8, eu: 8}, model=two)
    seen = Counter()
    for _ in range(4):
        for type in ("a", "b"):
            seen.update((type, job.tenant_id) for job in engine.execute(activation.activate, [type], "w", 1))
    assert seen == {("a", eu): 2, ("a", "us"): 2, ("b", eu): 2, ("b", "us"): 2}


def test_the_flood_of_one_tenant_leaves_the_others_their_share_of_timers(engine, clock, eu, monkeypatch):
    monkeypatch.setattr(timers, "BATCH", 10)
    flood(engine, {"us": 30}, "sleeps", SLEEPS)
    clock.advance(minutes=30)
    flood(engine, {eu: 5, DEFAULT_TENANT: 3}, "sleeps", SLEEPS)
    assert timers_due_at(engine) == clock() + timedelta(minutes=30)
    clock.advance(hours=3)
    ended = []
    for _ in range(4):
        engine.execute(timers.trigger_due)
        ended.append(Counter({id: len(of(engine, id, states=["completed"])) for id in engine.tenants.ids}))
    assert sorted(ended[0].values()) == [3, 3, 4]
    assert (ended[1][eu], ended[1][DEFAULT_TENANT], ended[1].total()) == (5, 3, 20)
    assert ended[3].total() == 38
    assert timers.due(engine) == []
    assert timers_due_at(engine) is None


@pytest.mark.parametrize("by", ["queue", "scheduler"])
def test_both_ways_of_firing_timers_serve_the_tenants_in_turn(engine, clock, eu, monkeypatch, by):
    """An entry of the queue fires the timers of a group of partitions, the scheduler those of all."""
    monkeypatch.setattr(timers, "BATCH", 6)
    flood(engine, {"us": 24, eu: 4, DEFAULT_TENANT: 4}, "sleeps", SLEEPS)
    with engine.database.write() as connection:
        connection.execute(update(schema.timers).values(partition_key=0))
    order, fire = [], timers.fire

    def noted(tx, timer):
        order.append(timer.tenant_id)
        fire(tx, timer)

    monkeypatch.setattr(timers, "fire", noted)
    clock.advance(hours=2)
    if by == "queue":
        Handling(engine)(Entry(Kind.TIMERS, "", 0, clock()))
    else:
        while due.fire_timers(engine):
            pass
    assert Counter(order[:12]) == {"us": 4, eu: 4, DEFAULT_TENANT: 4}
    assert len(order) == 32


def timers_due_at(engine):
    with engine.read() as connection:
        return timers.next_due(connection)


def test_with_one_tenant_no_statement_is_more(engine, steps):
    steps.deploy(WORK)
    seen = []
    sql_event.listen(engine.database.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    for command, *given in ((activation.activate, ["do"], "w", 1), (timers.trigger_due,)):
        engine.execute(command, *given)
    assert seen
    assert not any("tenants" in statement for statement in seen)
    engine.execute(tenants.add, "eu")
    seen.clear()
    engine.execute(activation.activate, ["do"], "w", 1)
    assert any("tenants" in statement for statement in seen)


def test_a_tenant_starts_no_more_than_its_limit(engine, clock, eu):
    engine.execute(tenants.change, eu, name=eu, starts_per_second=2)
    for id in (eu, "us"):
        deploy(engine, id, WORK)
    for _ in range(2):
        start_in(engine, eu, "work")
    with pytest.raises(TooMany, match="tenant 'eu' has used up its starts of this second"):
        start_in(engine, eu, "work")
    start_in(engine, "us", "work")
    clock.advance(seconds=0.5)
    start_in(engine, eu, "work")
    with pytest.raises(TooMany):
        start_in(engine, eu, "work")
    jobs_of = engine.execute(activation.activate, ["do"], "w", 9)
    for job in jobs_of:
        engine.execute(jobs.complete, job.key)
    assert len(of(engine, eu)) == 3


def test_the_limit_of_starts_is_that_of_all_nodes_together(engine, clock, eu, database_url):
    engine.execute(tenants.change, eu, name=eu, starts_per_second=40)
    deploy(engine, eu, WORK)
    other = Engine(database_url, clock=clock)
    started = Counter()
    try:
        for turn in range(120):
            node = (engine, other)[turn % 2]
            try:
                # What comes to nothing gives nobody more.
                with pytest.raises((InvalidInput, TooMany)):
                    start_in(node, eu, "work", elements=["nothing"])
                start_in(node, eu, "work")
                started[turn % 2] += 1
            except TooMany:
                pass
        assert 20 <= sum(started.values()) <= 40
        assert min(started.values()) >= 10
        clock.advance(seconds=1.5)
        started.clear()
        for turn in range(100):
            try:
                start_in((engine, other)[turn % 2], eu, "work")
                started[turn % 2] += 1
            except TooMany:
                pass
        assert sum(started.values()) == 40
    finally:
        other.close()


def test_a_tenant_has_no_more_jobs_at_once_than_it_may(engine, clock, eu):
    engine.execute(tenants.change, "us", name="us", jobs_at_once=3)
    flood(engine, {"us": 20, eu: 4})

    def take(count):
        return Counter(job.tenant_id for job in engine.execute(activation.activate, ["do"], "w", count))

    assert take(4) == {"us": 2, eu: 2}
    assert take(10) == {"us": 1, eu: 2}
    assert take(10) == {}
    clock.advance(minutes=6)
    for wrong in (0, -1):
        with pytest.raises(InvalidInput, match="jobs at once"):
            engine.execute(tenants.change, "us", name="us", jobs_at_once=wrong)


def test_the_only_tenant_has_no_more_jobs_at_once_than_it_may_either(database_url, clock):
    alone, other = Engine(database_url, clock=clock), Engine(database_url, clock=clock)
    try:
        alone.execute(tenants.change, DEFAULT_TENANT, name="Ours", jobs_at_once=3)
        assert lists.audit(alone).items[0].after["jobs_at_once"] == 3
        other.tenants.refresh()
        deploy(alone, DEFAULT_TENANT, WORK)
        for _ in range(6):
            start_in(alone, DEFAULT_TENANT, "work")
        first = alone.execute(activation.activate, ["do"], "w", 2)
        assert [len(first), len(other.execute(activation.activate, ["do"], "w", 9))] == [2, 1]
        assert other.execute(activation.activate, None, "w", 9) == []
        alone.execute(jobs.complete, first[0].key)
        assert len(other.execute(activation.activate, ["do"], "w", 9)) == 1
        clock.advance(minutes=6)        # a lock that ran out leaves room
        assert len(other.execute(activation.activate, ["do"], "w", 9)) == 2
    finally:
        alone.close()
        other.close()


def test_what_cannot_be_divided_goes_round():
    turns = fairness.Turns()
    stock = {"a": 9, "b": 2, "c": 0}

    def take(name, count):
        given = min(count, stock[name])
        stock[name] -= given
        return [name] * given

    given = [fairness.served(turns, ["c", "b", "a"], 2, take) for _ in range(5)]
    assert [sorted(each) for each in given] == [["a", "b"], ["a", "b"], ["a", "a"], ["a", "a"], ["a", "a"]]
    assert fairness.served(turns, [], 3, take) == []
    assert stock == {"a": 1, "b": 0, "c": 0}


def test_files_of_one_tenant_are_not_found_by_another(engine, eu):
    dmn = ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="g" name="g" namespace="n">'
           '<decision id="risk" name="risk"><literalExpression id="l"><text>%s</text></literalExpression>'
           '<variable name="risk"/></decision></definitions>')
    for id, text in ((eu, "1"), ("us", "2")):
        engine.execute(definitions.deploy, [Resource(name="r.dmn", content=(dmn % text).encode())], tenant_id=id)
    found = [engine.execute(decisions.evaluate, "risk", tenant_id=id).outcome.output for id in (eu, "us")]
    assert [int(each) for each in found] == [1, 2]
    with pytest.raises(NotFound):
        engine.execute(decisions.evaluate, "risk")
    form = Resource(name="f.form", content=b'{"type": "default", "id": "f", "components": []}')
    deployed = [engine.execute(definitions.deploy, [form], tenant_id=id).forms[0] for id in (eu, "us")]
    assert [(each.version, each.tenant_id) for each in deployed] == [(1, eu), (1, "us")]
    with pytest.raises(DeploymentRefused):
        engine.execute(definitions.deploy, [Resource(name="f.form", content=b"{")], tenant_id=eu)


def test_a_message_that_reached_nobody_is_delivered_by_hand_within_its_tenant(engine, steps, eu):
    for id in (eu, "us"):
        deploy(engine, id, *WAITS)
    keys = {id: start_in(engine, id, "waits", variables={"order": "1"}) for id in (eu, "us")}
    stray = engine.execute(messages.publish, "paid", "misspelt", tenant_id=eu).key
    waiting = {id: steps.detail(key).subscriptions[0].key for id, key in keys.items()}
    with pytest.raises(InvalidInput, match="Expected an instance of tenant 'eu'"):
        engine.execute(strays.deliver, stray, waiting["us"], "why")
    engine.execute(strays.deliver, stray, waiting[eu], "why")
    assert [steps.state(keys[id]) for id in (eu, "us")] == ["COMPLETED", "ACTIVE"]
