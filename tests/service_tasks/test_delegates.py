"""Classes, beans and expressions of Camunda 7 diagrams, done by registered services: from the diagram to the result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances, services
from engine.contracts import JobContract
from engine.engine import Engine
from engine.queries import lists
from engine.work import activation, deadlines
from service_tasks import Call, Data, RetryLater, service_task
from tests.service_tasks.checking import errors, process, warnings
from tests.service_tasks.stage import PROCESS

seen: list[dict] = []


class Charge(Data):
    charge_id: str
    amount: int


@service_task("charge-card", idempotent=True, read_only=True)
def charge_card(amount: int, currency: str = "EUR") -> Charge:
    seen.append({"amount": amount, "currency": currency})
    return Charge(charge_id="C-1", amount=amount)


@service_task("note", read_only=True)
def note(text: str = "") -> dict[str, str]:
    seen.append({"text": text})
    return {"noted": text}


def delegate(attributes, fields=""):
    """A file of one process with one such task."""
    inner = f"<bpmn:extensionElements>{fields}</bpmn:extensionElements>" if fields else ""
    return process(f'<bpmn:serviceTask id="A" name="A" {attributes}>{inner}</bpmn:serviceTask>', dialect=7)


@pytest.fixture(autouse=True)
def nothing_seen():
    seen.clear()


def run(stage, resource, **variables):
    """Run it to its end with these services; the variables at the end."""
    registry = stage.offer(charge_card, note)
    stage.deploy(resource.name, resource.content)
    stage.hire(registry)
    key = stage.start("p", **variables)
    assert stage.ended(key).row.state == "COMPLETED"
    return stage.variables(key)


@pytest.mark.parametrize("attributes", [
    'camunda:class="org.acme.billing.ChargeCard"',
    'camunda:class="ChargeCardDelegate"',
    'camunda:delegateExpression="${chargeCard}"',
    'camunda:delegateExpression="#{chargeCardDelegate}"',
    'camunda:expression="${chargeCard.execute(execution)}"',
    'camunda:expression="${charge.card(amount)}"',
])
def test_code_of_a_diagram_is_done_by_the_service_that_is_meant(stage, attributes):
    variables = run(stage, delegate(attributes), amount=7)

    assert seen == [{"amount": 7, "currency": "EUR"}]
    assert variables["chargeId"] == "C-1"


def test_injected_fields_are_inputs(stage):
    fields = ('<camunda:field name="currency" stringValue="USD"/><camunda:field name="amount">'
              '<camunda:expression>${price * 2}</camunda:expression></camunda:field>')

    run(stage, delegate('camunda:class="org.acme.ChargeCard"', fields), price=4)

    assert seen == [{"amount": 8, "currency": "USD"}]


def test_the_result_of_an_expression_gets_the_name_that_the_diagram_gives(stage):
    several = delegate('camunda:expression="${chargeCard.now()}" camunda:resultVariable="charge"')

    variables = run(stage, several, amount=7)

    assert variables["charge"] == {"chargeId": "C-1", "amount": 7}
    assert "chargeId" not in variables


def test_a_result_of_one_value_is_that_value(stage):
    one = delegate('camunda:expression="${note.write(text)}" camunda:resultVariable="written"')

    assert run(stage, one, text="Hello") == {"text": "Hello", "written": "Hello"}


def test_a_listener_that_names_a_bean_is_done_by_its_service(stage):
    listener = '<camunda:executionListener event="end" delegateExpression="${noteDelegate}"/>'

    run(stage, delegate('camunda:class="ChargeCard"', listener), amount=1, text="there")

    assert seen == [{"amount": 1, "currency": "EUR"}, {"text": "there"}]


@pytest.mark.parametrize(("attributes", "written"), [
    ('camunda:class="org.acme.ChargeCrad"', "org.acme.ChargeCrad"),
    ('camunda:delegateExpression="${chargeCrad}"', "chargeCrad"),
    ('camunda:expression="${chargeCardd.execute(x)}"', "chargeCardd.execute"),
])
def test_a_misspelt_class_or_bean_is_refused_with_the_service_that_was_meant(attributes, written):
    [(element, message)] = errors(delegate(attributes), charge_card, note)

    assert element == "A"
    assert f"named {written!r}" in message
    assert "Did you mean 'charge-card'?" in message


def test_the_inputs_of_a_bean_are_checked_as_those_of_a_topic():
    fields = '<camunda:field name="amount" stringValue="much"/>'
    [(_, message)] = errors(delegate('camunda:class="org.acme.ChargeCard"', fields), charge_card)

    assert "'amount'" in message
    assert warnings(delegate('camunda:class="org.acme.ChargeCard"'), charge_card) == []


def test_a_topic_is_taken_as_it_is_written():
    [(_, message)] = errors(delegate('camunda:type="external" camunda:topic="ChargeCard"'), charge_card)

    assert "Did you mean 'charge-card'?" in message


@pytest.fixture
def far(stage, database_url, clock):
    """A node without services on the same database."""
    stage.offer(charge_card, note)
    engine = Engine(database_url, clock=clock)
    yield engine
    engine.close()


def test_a_node_without_services_knows_which_is_meant(stage, far):
    stage.deploy("a.bpmn", delegate('camunda:class="org.acme.ChargeCard"').content)

    far.execute(instances.start, "p", variables={"amount": 1})

    assert [job.type for job in lists.jobs(far).items] == ["charge-card"]


def test_a_node_without_services_knows_how_long_a_job_may_wait_for_a_worker(stage, far, clock):
    stage.engine.execute(services.publish, {"work": JobContract(
        pickup=timedelta(minutes=1), expected=timedelta(minutes=5), retries=7, total=timedelta(hours=1))})
    stage.deploy("one-service.bpmn", PROCESS.encode())

    far.execute(instances.start, "one-service")
    [job] = lists.jobs(far).items
    assert (job.retries, job.expected_by is not None) == (7, True)
    clock.advance(minutes=2)
    far.execute(deadlines.give_up_untaken)

    [incident] = lists.incidents(far).items
    assert "within 60 s" in incident.message


def test_what_a_node_publishes_replaces_what_it_said_before_and_what_is_gone_is_forgotten(stage):
    publish = stage.engine.execute
    assert publish(services.publish, {"a": JobContract(retries=1), "b": JobContract()}) == 2
    assert publish(services.publish, {"a": JobContract(retries=1), "b": JobContract()}) == 0
    assert publish(services.publish, {"a": JobContract(retries=2)}, ["b"]) == 1
    publish(services.refresh)

    assert stage.engine.published.contracts == {"a": JobContract(retries=2)}


@pytest.mark.parametrize(("asked", "waited"), [(None, 600), (60, 600), (3600, 3600)])
def test_a_wait_that_the_diagram_states_comes_before_the_contract_s(stage, clock, asked, waited):
    @service_task("flaky", read_only=True)
    def flaky(*, call: Call) -> None:
        raise RetryLater(asked) if asked else RuntimeError("no")

    registry = stage.offer(flaky)
    cycle = "<camunda:failedJobRetryTimeCycle>R3/PT10M</camunda:failedJobRetryTimeCycle>"
    stage.deploy("a.bpmn", delegate('camunda:delegateExpression="${flaky}"', cycle).content)
    stage.hire(registry)
    stage.start("p")

    job = stage.until(lambda: next((job for job in lists.jobs(stage.engine).items if job.error_message), None))

    wait = (job.due_at - clock()).total_seconds()
    assert waited - 30 < wait <= waited
    assert stage.engine.execute(activation.activate, ["flaky"], "w") == []
