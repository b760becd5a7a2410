import pytest

from bpmn.near import near_misses
from bpmn.parser import parse
from bpmn.problems import Severity
from service_tasks import Data, Registry, service_task
from service_tasks.checks import Catalogue
from tests.examples.order import ORDER_EXAMPLE, diagram

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0"'
    ' id="D" targetNamespace="t" modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">'
    '<bpmn:process id="P" isExecutable="true">'
)


def model(*types, extra="", retries=None):
    """A process with one service task (S0, S1, …) per job type, in a row."""
    nodes, flows = [], []
    attempts = f' retries="{retries}"' if retries else ""
    for index, type in enumerate(types):
        flows.append(f'<bpmn:sequenceFlow id="F{index}" sourceRef="{"S" + str(index - 1) if index else "Start"}" '
                     f'targetRef="S{index}"/>')
        nodes.append(f'<bpmn:serviceTask id="S{index}" name="Task {index}"><bpmn:extensionElements>'
                     f'<zeebe:taskDefinition type="{type}"{attempts}/></bpmn:extensionElements></bpmn:serviceTask>')
    flows.append(f'<bpmn:sequenceFlow id="F" sourceRef="S{len(types) - 1}" targetRef="End"/>')
    body = f'<bpmn:startEvent id="Start"/>{"".join(nodes)}<bpmn:endEvent id="End"/>{"".join(flows)}{extra}'
    return parse((HEAD + body + "</bpmn:process></bpmn:definitions>").encode(), "order.bpmn")


def problems(found, severity=None):
    return [(problem.element_id, problem.message) for problem in found if severity in (None, problem.severity)]


class Reserved(Data):
    reservation_id: str


@service_task("make-offer")
def make_offer(customer: str) -> dict[str, str]:
    raise NotImplementedError


@service_task("charge-card", errors={"DECLINED": "No money."}, compensated_by="refund-card")
def charge_card(amount: int) -> None: ...


@service_task("refund-card", idempotent=True)
def refund_card(amount: int) -> None: ...


@pytest.fixture
def registry():
    registry = Registry()
    registry.add(make_offer, charge_card, refund_card)
    return registry


def test_the_order_example_has_no_problem():
    registry = Registry()
    registry.load(ORDER_EXAMPLE)

    assert problems(Catalogue(registry=registry).check(parse(diagram(), "order-fulfilment.bpmn"))) == []


@pytest.mark.parametrize("misspelt", ["charge-crad", "chargeCard", "charge_card", "Charge-Cards"])
def test_a_misspelt_service_is_refused_with_the_name_that_was_meant(registry, misspelt):
    [problem] = Catalogue(registry=registry).check(model(misspelt))

    assert problem.severity is Severity.ERROR
    assert (problem.resource_name, problem.element_id, problem.element_name) == ("order.bpmn", "S0", "Task 0")
    assert "'charge-card'" in problem.message
    assert repr(misspelt) in problem.message


def test_a_type_that_nobody_here_knows_is_left_to_external_workers_with_a_warning(registry):
    [problem] = Catalogue(registry=registry).check(model("driver-work"))

    assert problem.severity is Severity.WARNING
    assert "external worker" in problem.message


def test_where_every_service_must_be_known_an_unknown_one_is_refused(registry):
    [problem] = Catalogue(registry=registry, external_types=()).check(model("driver-work"))

    assert problem.severity is Severity.ERROR
    assert "charge-card, make-offer, refund-card" in problem.message


def test_external_types_may_be_named_by_a_pattern(registry):
    catalogue = Catalogue(registry=registry, external_types=["driver-*", "charge-crad"])

    found = problems(catalogue.check(model("driver-work", "charge-crad", "other")), Severity.ERROR)

    assert [element for element, _ in found] == ["S2"]


def test_a_computed_job_type_is_left_to_the_run(registry):
    assert problems(Catalogue(registry=registry, external_types=()).check(model("=jobType"))) == []


def test_an_error_that_nothing_catches_and_an_effect_that_nothing_undoes_are_warnings(registry):
    found = problems(Catalogue(registry=registry).check(model("charge-card")), Severity.WARNING)

    assert [element for element, _ in found] == ["S0", "S0"]
    assert "DECLINED" in found[0][1]
    assert "'refund-card'" in found[1][1]


BOUNDARY = (
    '<bpmn:boundaryEvent id="B" attachedToRef="S0"><bpmn:errorEventDefinition{code}/></bpmn:boundaryEvent>'
    '<bpmn:endEvent id="E"/><bpmn:sequenceFlow id="FB" sourceRef="B" targetRef="E"/>'
)


def test_an_error_event_without_a_code_catches_every_error(registry):
    found = problems(Catalogue(registry=registry).check(model("charge-card", extra=BOUNDARY.format(code=""))))

    assert not any("DECLINED" in message for _, message in found)


def test_more_attempts_for_a_call_that_acts_twice_are_a_warning(registry):
    found = problems(Catalogue(registry=registry).check(model("make-offer", retries="3")))

    assert any("not idempotent" in message for _, message in found)


def test_an_input_that_comes_too_late_is_a_warning():
    @service_task("reserve")
    def reserve(order_id: str) -> Reserved:
        raise NotImplementedError

    @service_task("ship")
    def ship(reservation_id: str) -> None: ...

    registry = Registry()
    registry.add(reserve, ship)
    catalogue = Catalogue(registry=registry)

    assert problems(catalogue.check(model("reserve", "ship"))) == []
    [(element, message)] = problems(catalogue.check(model("ship", "reserve")))
    assert element == "S0"
    assert "'reservationId'" in message
    assert "'Task 1'" in message


def test_an_input_of_another_type_than_what_is_given_is_a_warning():
    @service_task("reserve")
    def reserve(order_id: str) -> Reserved:
        raise NotImplementedError

    @service_task("ship")
    def ship(reservation_id: list[str]) -> None: ...

    registry = Registry()
    registry.add(reserve, ship)

    [(element, message)] = problems(Catalogue(registry=registry).check(model("reserve", "ship")))

    assert element == "S1"
    assert "array" in message
    assert "string" in message


def test_names_that_only_share_a_word_are_no_misspellings():
    assert near_misses("order-payment", ["charge-card", "void-payment", "make-offer"]) == []
