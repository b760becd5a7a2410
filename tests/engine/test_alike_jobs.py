"""Jobs that begin or go out in one transaction share what they have in common, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import instances, schema
from engine.columns import to_json
from engine.contracts import JobContract
from engine.declared import Declarations
from engine.queries import effects as ledger
from engine.queries import lists
from engine.states import EffectState
from engine.work import activation, effects, jobs
from tests.engine.drawing import end, inside, process, script, service, start, user

OF_ITEMS = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
            'inputCollection="=items" inputElement="item"/></bpmn:extensionElements>'
            '</bpmn:multiInstanceLoopCharacteristics>')


def for_each_item(activity):
    """The activity, once for each item."""
    head, slash, tail = activity.rpartition("</")
    return head + OF_ITEMS + slash + tail


def test_each_job_of_an_element_has_the_type_attempts_and_priority_of_its_own_item(engine, steps):
    work = service("work", "=item.type", more='<zeebe:jobPriorityDefinition priority="=item.priority"/>')
    steps.deploy(process("p", start(), for_each_item(
        work.replace('"=item.type"', '"=item.type" retries="=item.retries"')), end()))
    items = [{"type": "a", "retries": 2, "priority": 5}, {"type": "b", "retries": 2, "priority": 5},
             {"type": "a", "retries": 4, "priority": 5}, {"type": "a", "retries": 2, "priority": 7}]
    steps.start("p", {"items": items})
    found = [(job.type, job.retries, job.priority) for job in lists.jobs(engine).items]
    assert sorted(found) == sorted((item["type"], item["retries"], item["priority"]) for item in items)


def test_jobs_of_two_instances_that_go_on_together_stay_apart(engine, steps):
    steps.deploy(process("p", start(), service("a"), service("b"), end()))
    keys = [steps.start("p", {"n": n}) for n in (1, 2)]
    taken = steps.take("a", max_jobs=2)

    def answer(tx):
        for job in taken:
            jobs.complete(tx, job.key)

    engine.execute(answer)
    assert {job.instance_key: job.variables["n"] for job in steps.take("b", max_jobs=2)} == {keys[0]: 1, keys[1]: 2}


def test_each_task_that_a_worker_does_names_its_own_assignee(steps):
    names = [f"user-{n}" for n in range(40)]
    task = ('<bpmn:userTask id="task"><bpmn:extensionElements><zeebe:assignmentDefinition assignee="=item"/>'
            "</bpmn:extensionElements></bpmn:userTask>")
    steps.deploy(process("p", start(), for_each_item(task), end()))
    steps.start("p", {"items": names})
    told = [job.headers["io.camunda.zeebe:assignee"] for job in steps.take(max_jobs=50)]
    assert sorted(told) == sorted(names)


def test_the_digest_of_each_request_covers_what_its_own_service_takes(engine, steps):
    """Two services that are given variables of the same names, and take other ones."""
    engine.contracts["a"] = JobContract(inputs=frozenset({"x"}))
    engine.contracts["b"] = JobContract(inputs=frozenset({"y"}))
    for service_name in ("a", "b"):
        steps.deploy(process(f"of-{service_name}", start(), service(service_name), end()))
        steps.start(f"of-{service_name}", {"x": 1, "y": 2})
    given = {job.key: {"x": 1} if job.type == "a" else {"y": 2} for job in steps.take(max_jobs=2)}
    noted = {row.key: row.request_digest for row in ledger.effects(engine, states=tuple(EffectState)).items}
    assert noted == {key: effects.digest(to_json(variables)) for key, variables in given.items()}


def test_collections_that_are_gone_do_not_lend_their_text_to_later_ones(engine):
    def noted(tx):
        sending = effects.Sending(tx)
        return [sending.of("s", None, {}, {"x": [n]})["b_request_digest"] for n in range(50)]

    assert engine.execute(noted) == [effects.digest(to_json({"x": [n]})) for n in range(50)]


@pytest.mark.parametrize("outer_first", [True, False])
def test_jobs_at_other_depths_see_the_same_variables_when_they_are_taken_together(engine, steps, outer_first):
    # given one job of the process and one in a sub-process, each of which may be the elder
    sub = f'<bpmn:subProcess id="sub">{inside(start("s2"), service("deep", "do"), end("e2"))}</bpmn:subProcess>'
    flows = "start>fork fork>shallow fork>sub" if outer_first else "start>fork fork>sub fork>shallow"
    steps.deploy(process("p", start(), '<bpmn:parallelGateway id="fork"/>', service("shallow", "do"), sub, end(),
                         flows=f"{flows} shallow>end sub>end"))
    steps.start("p", {"amount": 5, "about": {"a": [1]}})
    for job in steps.take("do", max_jobs=2):
        assert job.variables == {"amount": 5, "about": {"a": [1]}}


def test_what_was_said_of_an_outer_variable_is_not_said_of_the_one_that_hides_it(engine, steps):
    hidden = '<zeebe:ioMapping><zeebe:input source="=2" target="n"/></zeebe:ioMapping>'
    steps.deploy(process("p", start(), script("s", "=1", "m"), service("work", more=hidden), end()))
    declarations = Declarations()
    declarations.add("n", 1, "said")
    engine.acting_as("client", declarations).execute(instances.start, "p", variables={"n": 1})
    [job] = steps.take("work")
    assert (job.variables["n"], job.declared) == (2, {})


def test_variables_of_some_names_are_found_by_their_scopes_and_not_among_those_of_all_instances(engine):
    """There may be millions of one name: 100,000 live instances made an order take sixty times as long on SQLite."""
    with engine.read() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL sees how many there are of each name.")
        for statement in (activation.NAMED_LITE, activation.NAMED_LITE_TO_MANY):
            text = str(statement.params(tokens=[1, 2], names=["a", "b"]).compile(
                connection, compile_kwargs={"literal_binds": True}))
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            [variables] = [line for line in plan if "variables" in line]
            assert "(instance_key=? AND scope_key=?" in variables


def test_jobs_and_tasks_that_begin_and_end_in_one_step_are_over(engine, steps):
    # given branches of which the last one ends the process as soon as the others have begun
    steps.deploy(process(
        "p", start(), '<bpmn:parallelGateway id="fork"/>', for_each_item(service("work")), user("check"),
        script("one", "1", "one"), script("two", "2", "two"),
        '<bpmn:endEvent id="stop"><bpmn:terminateEventDefinition/></bpmn:endEvent>',
        flows="start>fork fork>work fork>check fork>one one>two two>stop"))

    # when
    steps.start("p", {"items": [1, 2]})

    # then
    with engine.read() as connection:
        for table in (schema.jobs, schema.user_tasks):
            rows = connection.execute(select(table.c.state, table.c.ended_at)).all()
            assert {tuple(row) for row in rows} == {("CANCELED", engine.clock())}
            assert len(rows) == (2 if table is schema.jobs else 1)
