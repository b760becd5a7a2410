"""What clients say of variables beyond their values, and variables that are removed, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import instances, schema, variables
from engine.declared import Declarations
from engine.errors import NotFound, WrongState
from engine.queries import job_log
from engine.queries.criteria import Criterion, Search, search
from engine.queries.job_log import JOB_EVENTS
from engine.queries.searches import VARIABLES
from engine.work import jobs
from tests.engine.drawing import end, process, script, service, start


def declaring(engine, name, value, said="said"):
    declarations = Declarations()
    declarations.add(name, value, said)
    return engine.acting_as("client", declarations)


def declared(engine, key):
    found = search(engine, VARIABLES, Search(criteria=[Criterion("instance_key", "eq", key)])).items
    return {each.name: each.declared for each in found}


@pytest.fixture
def key(engine, steps):
    steps.deploy(process("p", start(), service("work"), script("s", "=n + 1", "n"), service("after"), end()))
    return declaring(engine, "n", 1).execute(instances.start, "p", variables={"n": 1, "other": 1}).key


def test_what_is_said_is_kept_with_the_value_until_somebody_sets_it_anew(engine, steps, key):
    assert declared(engine, key) == {"n": "said", "other": None}
    [job] = steps.take("work")
    assert (job.variables, job.declared) == ({"n": 1, "other": 1}, {"n": "said"})
    # the other variable is not what was spoken of, and 1.0 is not 1
    declaring(engine, "n", 1).execute(variables.set, key, {"other": 1})
    declaring(engine, "other", 1).execute(variables.set, key, {"other": 1.0})
    assert declared(engine, key) == {"n": "said", "other": None}
    # an expression says nothing
    engine.execute(jobs.complete, job.key, {"more": None}, lock_token=job.lock_token)
    assert declared(engine, key) == {"n": None, "other": None, "more": None}


def test_it_is_kept_for_a_suspended_instance(engine, steps, key):
    [job] = steps.take("work")
    engine.execute(instances.suspend, key, "wait")
    declaring(engine, "late", "x").execute(jobs.complete, job.key, {"late": "x"}, lock_token=job.lock_token)
    assert "late" not in declared(engine, key)
    engine.cache._kept.clear()
    engine.execute(instances.resume, key, "go on")
    assert declared(engine, key)["late"] == "said"


@pytest.mark.parametrize("cached", [True, False])
def test_removed_variables_are_gone(engine, steps, key, cached):
    [job] = steps.take("work")
    engine.execute(variables.set, job.element_instance_key, {"n": 5}, local=True)
    if not cached:
        engine.cache._kept.clear()
    engine.execute(variables.remove, job.element_instance_key, ["n", "nothing"])     # the inner one
    assert steps.variables(key)["n"] == 1
    engine.execute(variables.remove, job.element_instance_key, ["n"], local=True)    # none is there any more
    assert steps.variables(key)["n"] == 1
    engine.execute(instances.suspend, key, "mend")
    engine.execute(variables.remove, key, ["other"])     # possible while it rests
    engine.execute(instances.resume, key, "mended")
    if not cached:
        engine.cache._kept.clear()
    engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    assert steps.variables(key) == {"n": 2}
    with engine.read() as connection:
        rows = connection.execute(select(schema.variables.c.name).where(schema.variables.c.instance_key == key))
        assert [row.name for row in rows] == ["n"]


def test_set_and_removed_in_one_step(engine, steps, key):
    def both(tx) -> None:
        variables.set(tx, key, {"new": 1, "n": 7})
        variables.remove(tx, key, ["new", "other"])
        variables.set(tx, key, {"other": 2})

    engine.execute(both)
    assert steps.variables(key) == {"n": 7, "other": 2}


def test_only_variables_of_what_is_active_are_removed(engine, key):
    with pytest.raises(NotFound):
        engine.execute(variables.remove, 99, ["n"])
    engine.execute(instances.cancel, key, "enough")
    with pytest.raises(WrongState):
        engine.execute(variables.remove, key, ["n"])


def test_every_event_of_a_job_is_told(engine, steps, clock, key):
    [job] = steps.take("work")
    engine.execute(jobs.fail, job.key, "no", details="at length", retries=1, lock_token=job.lock_token)
    assert job_log.details(engine, [job.key, 99]) == {job.key: "at length"}
    clock.advance(hours=1)
    [job] = steps.take("work")
    engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    events = search(engine, JOB_EVENTS, Search(criteria=[Criterion("job_key", "eq", job.key)])).items
    assert sorted((each.kind, each.retries, each.message) for each in events if each.kind != "CREATED") \
        == [("COMPLETED", None, None), ("FAILED", 1, "no")]
    [failed] = [each for each in events if each.kind == "FAILED"]
    assert job_log.details_of_failure(engine, failed.key) == "at length"
    with pytest.raises(NotFound):
        job_log.details_of_failure(engine, 99)
