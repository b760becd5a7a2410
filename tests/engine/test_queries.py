"""What faces show: each count is the length of the list that the same word gives."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances
from engine.contracts import JobContract
from engine.errors import InvalidInput, NotFound
from engine.queries import conditions, definitions, instance, lists, overview
from engine.queries import instances as instance_lists
from engine.queries.instances import InstanceFilter
from engine.work import holds, jobs
from tests.engine.drawing import boundary, end, process, service, start, timer, user


@pytest.fixture
def zoo(engine, clock, steps):
    """One instance of each kind, by the word for it."""
    engine.contracts["slow"] = JobContract(expected=timedelta(minutes=5))
    steps.deploy(process("job", start(), service("work", retries=2), end()))
    steps.deploy(process("task", start(), user("check"), end()))
    steps.deploy(process("slowly", start(), service("slow"), end()))
    steps.deploy(process("done", start(), end()))
    steps.deploy(process("shut", start(), service("closed"), end()))
    engine.execute(holds.hold, "closed", "stocktaking")
    made = {"stalled": steps.start("slowly"), "held": steps.start("shut")}
    for word, how_often in (("retrying", 1), ("incident", 2)):
        made[word] = steps.start("job", {"kind": word}, business_id=f"B-{word}")
        for _ in range(how_often):
            [job] = steps.take("work")
            engine.execute(jobs.fail, job.key, f"stock is closed for {word}")
        if word == "retrying":
            engine.execute(jobs.fail, steps.take("work")[0].key, "again", retries=1, retry_in=timedelta(days=1))
    made["plain"] = steps.start("job", {"kind": "plain"})
    made["waiting"] = steps.start("task")
    made["suspended"] = steps.start("job")
    engine.execute(instances.suspend, made["suspended"], "rest")
    made["completed"] = steps.start("done")
    made["terminated"] = steps.start("job")
    engine.execute(instances.cancel, made["terminated"], "no more")
    clock.advance(minutes=6)
    return made


def found(engine, **filter) -> set[int]:
    return {row.key for row in instance_lists.search(engine, InstanceFilter(**filter)).items}


def test_each_state_lists_its_own(engine, zoo):
    for word in ("retrying", "incident", "stalled", "held", "waiting", "suspended", "completed", "terminated"):
        assert found(engine, states=[word]) == {zoo[word]}, word
    assert found(engine, states=["active"]) == set(zoo.values()) - {zoo["completed"], zoo["terminated"]}
    assert found(engine, states=["waiting", "stalled"]) == {zoo["waiting"], zoo["stalled"]}


def test_each_count_is_the_length_of_its_list(engine, zoo):
    counts = overview.overview(engine)
    for word in conditions.STATES:
        assert getattr(counts, word) == len(found(engine, states=[word])), word


def test_row_says_the_word_that_matters_most(engine, zoo):
    for word in ("retrying", "incident", "stalled", "held", "waiting", "suspended", "completed", "terminated"):
        assert instance.get(engine, zoo[word]).status == word
    assert instance.get(engine, zoo["plain"]).status == "active"


def test_boundary_event_alone_is_no_waiting(engine, steps):
    steps.deploy(process(
        "edge", start(), service("work"), end(), boundary("late", "work", timer("Duration", "PT1H")), end("e2"),
        flows="start>work work>end late>e2",
    ))
    steps.start("edge")
    assert overview.overview(engine).waiting == 0


def test_instances_are_found_by_what_is_known_of_them(engine, clock, zoo):
    assert found(engine, key=zoo["plain"]) == {zoo["plain"]}
    assert found(engine, business_id="B-incident") == {zoo["incident"]}
    assert found(engine, variable_name="kind", variable_value="plain") == {zoo["plain"]}
    assert found(engine, variable_name="kind") == {zoo["plain"], zoo["retrying"], zoo["incident"]}
    assert found(engine, element_id="check") == {zoo["waiting"]}
    assert found(engine, error="CLOSED for inc") == {zoo["incident"]}
    assert found(engine, error="again") == {zoo["retrying"]}
    assert found(engine, process_id="task", version=1) == {zoo["waiting"]}
    assert found(engine, end_reason="no more") == {zoo["terminated"]}
    assert found(engine, started_from=clock()) == set()
    assert found(engine, started_until=clock()) == set(zoo.values())
    assert found(engine, error="100%") == set()


def test_variables_are_compared_by_value_and_type(engine, steps):
    steps.deploy(process("order", start(), service("work"), end()))
    kinds = {"text": "1", "number": 1, "flag": True, "nothing": None, "long": "x" * 200, "list": [1]}
    made = {name: steps.start("order", {"v": value}) for name, value in kinds.items()}
    for name, value in kinds.items():
        if name != "list":
            assert found(engine, variable_name="v", variable_value=value) == {made[name]}, name
    assert found(engine, variable_name="v", variable_value="x" * 199) == set()
    with pytest.raises(InvalidInput):
        found(engine, variable_name="v", variable_value=[1])


def test_list_is_sorted_and_paged(engine, clock, steps):
    steps.deploy(process("order", start(), service("work"), end()))
    keys = []
    for number in range(5):
        keys.append(steps.start("order", business_id=f"B-{4 - number}"))
        clock.advance(seconds=1)
    page = instance_lists.search(engine, InstanceFilter(), limit=2, offset=1)
    assert ([row.key for row in page.items], page.total) == ([keys[3], keys[2]], 5)
    page = instance_lists.search(engine, InstanceFilter(), sort="business_id", limit=2)
    assert [row.business_id for row in page.items] == ["B-0", "B-1"]
    with pytest.raises(InvalidInput):
        instance_lists.search(engine, InstanceFilter(), sort="size")
    with pytest.raises(InvalidInput):
        instance_lists.search(engine, InstanceFilter(states=["lost"]))


def test_processes_count_their_instances_per_version(engine, steps, zoo):
    steps.deploy(process("job", start(), service("work2"), end()))
    steps.start("job")
    [row] = [row for row in definitions.processes(engine) if row.process_id == "job"]
    assert row.versions == (2, 1)
    assert (row.counts.active, row.counts.incident, row.counts.suspended, row.counts.terminated) == (5, 1, 1, 1)
    newest, oldest = definitions.versions(engine, "job")
    assert (newest.counts.active, oldest.counts.active) == (1, 4)
    assert definitions.get(engine, oldest.key) == oldest
    assert [row.version for row in definitions.search(engine, process_id="job", latest=True).items] == [2]
    counts = {count.element_id: count for count in definitions.element_counts(engine, oldest.key)}
    assert (counts["work"].tokens, counts["work"].incidents) == (4, 1)


def test_what_is_not_there_is_not_found(engine):
    for get in (instance.get, instance.detail, definitions.get, lists.user_task, lists.job, lists.incident):
        with pytest.raises(NotFound):
            get(engine, 4711)


def test_detail_tells_the_history_in_order(engine, steps):
    steps.deploy(process("order", start(), service("one"), service("two"), end()))
    key = steps.start("order")
    steps.do("one", {"x": 1})
    detail = steps.detail(key)
    assert [(e.element_id, e.state) for e in detail.elements] == [
        ("start", "COMPLETED"), ("one", "COMPLETED"), ("two", "ACTIVE")]
    assert detail.flows == {"start_one": 1, "one_two": 1}
    assert [(count.element_id, count.tokens) for count in detail.tokens] == [("two", 1)]
    assert [job.type for job in detail.jobs] == ["two", "one"]
    assert [act.operation for act in detail.audit] == ["START"]


def test_jobs_and_incidents_are_listed_by_what_is_known_of_them(engine, zoo):
    assert lists.incidents(engine, error="CLOSED").total == 1
    assert lists.incidents(engine, error="open").total == 0
    assert lists.jobs(engine, types=["slow"], states=["CREATED"]).total == 1
    assert lists.job_types(engine)["slow"] == 1
    assert lists.audit(engine, operation="SUSPEND").items[0].reason == "rest"


def test_no_version_is_too_large_to_be_asked_for(engine, steps):
    steps.deploy(process("done", start(), end()))
    assert [row.version for row in definitions.search(engine, version=1).items] == [1]
    for version in (2**31, 176_088_834_730, -(2**40)):
        assert definitions.search(engine, version=version).items == ()
        assert instance_lists.search(engine, InstanceFilter(version=version)).items == ()
