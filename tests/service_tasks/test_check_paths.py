"""Errors and who catches them, steps that cannot be undone, attempts, and waits without an end."""

import pytest

from service_tasks import ContractError, service_task
from service_tasks.contract import contract_of
from tests.engine import drawing
from tests.service_tasks.checking import errors, gateway, process, sub, task, warnings


@service_task("charge", errors={"DECLINED": "No money.", "FRAUD": "Not theirs."}, read_only=True)
def charge() -> None: ...


@service_task("mail")
def mail() -> None: ...


@service_task("look", read_only=True, errors={"GONE": "It is not there."})
def look() -> None: ...


@service_task("book", compensated_by="unbook")
def book() -> None: ...


@service_task("unbook", idempotent=True)
def unbook() -> None: ...


ERRORS = (drawing.error_of("declined", "DECLINED"), drawing.error_of("fraud", "FRAUD"))
CATCHES_ALL = "<bpmn:errorEventDefinition/>"


def caught(resource, *services):
    """The codes that nothing catches, by the warnings."""
    return sorted({word for _, message in warnings(resource, *(services or (charge,)), about="would become an incident")
                   for word in ("DECLINED", "FRAUD") if word in message})


def handler(id, event):
    """An event sub-process that an error starts."""
    return sub(id, drawing.start(f"{id}-s", event), drawing.end(f"{id}-e"), event=True)


def with_boundary(host, event, dialect=8):
    flows = f"start>{host} {host}>end b>caught"
    return lambda node: process(
        drawing.start(), node, drawing.boundary("b", host, event), drawing.end(), drawing.end("caught"),
        flows=flows, roots=ERRORS, dialect=dialect)


@pytest.mark.parametrize("dialect", [7, 8])
@pytest.mark.parametrize(("event", "left"), [(drawing.error("declined"), ["FRAUD"]), (CATCHES_ALL, [])])
def test_a_boundary_event_catches_its_code_or_every_code(dialect, event, left):
    assert caught(with_boundary("charge", event, dialect)(task("charge", dialect=dialect))) == left


@pytest.mark.parametrize("event", [drawing.error("declined"), CATCHES_ALL])
def test_a_boundary_event_of_an_enclosing_sub_process_catches_too(event):
    inner = sub("inner", drawing.start("s"), task("charge"), drawing.end("e"))
    outer = sub("outer", drawing.start("s2"), inner, drawing.end("e2"))

    left = caught(with_boundary("outer", event)(outer))

    assert left == ([] if event == CATCHES_ALL else ["FRAUD"])


@pytest.mark.parametrize("level", ["process", "sub-process"])
def test_an_event_sub_process_catches_too(level):
    catcher = handler("oops", drawing.error("declined"))
    if level == "process":
        resource = process(drawing.start(), task("charge"), drawing.end(), catcher, flows="start>charge charge>end",
                           roots=ERRORS)
    else:
        inner = sub("scope", drawing.start("s"), task("charge"), drawing.end("e"), catcher, flows="s>charge charge>e")
        resource = process(inner, roots=ERRORS)

    assert caught(resource) == ["FRAUD"]


def test_an_event_sub_process_does_not_catch_its_own_errors():
    inside = sub("oops", drawing.start("s", drawing.error("declined")), task("charge"), drawing.end("e"), event=True)
    resource = process(drawing.start(), task("first", "look"), drawing.end(), inside, flows="start>first first>end",
                       roots=ERRORS)

    assert caught(resource, charge, look) == ["DECLINED", "FRAUD"]


@pytest.mark.parametrize(("event", "left"), [(CATCHES_ALL, []), (drawing.error("declined"), ["FRAUD"])])
def test_a_call_activity_catches_what_leaves_the_called_process(event, left):
    called = drawing.process("inner", drawing.start("s"), task("charge"), drawing.end("e"))
    resource = with_boundary("call", event)(drawing.call("call", "inner"))
    content = resource.content.replace(b"</bpmn:definitions>", called.encode() + b"</bpmn:definitions>")

    assert caught(drawing.Resource(name="x.bpmn", content=content)) == left


def test_one_caller_that_catches_is_not_enough():
    called = drawing.process("inner", drawing.start("s"), task("charge"), drawing.end("e"))
    other = drawing.process("other", drawing.start("s3"), drawing.call("call2", "inner"), drawing.end("e3"))
    resource = with_boundary("call", CATCHES_ALL)(drawing.call("call", "inner"))
    content = resource.content.replace(b"</bpmn:definitions>", (called + other).encode() + b"</bpmn:definitions>")

    assert caught(drawing.Resource(name="x.bpmn", content=content)) == ["DECLINED", "FRAUD"]


@pytest.mark.parametrize("dialect", [7, 8])
def test_a_step_that_cannot_be_undone_before_one_that_can_fail_is_a_warning(dialect):
    tasks = [task("mail", dialect=dialect), task("charge", dialect=dialect)]
    [(element, message)] = warnings(process(*tasks, dialect=dialect), mail, charge, about="undo")

    assert element == "mail"
    assert "'charge' after it can fail (DECLINED, FRAUD)" in message


@pytest.mark.parametrize("nodes", [("charge", "mail"), ("mail",), ("look", "charge"), ("mail", "unbook")])
def test_no_way_to_undo_is_needed_where_nothing_fails_later_or_nothing_was_done(nodes):
    assert warnings(process(*map(task, nodes)), mail, charge, look, book, unbook, about="a way to undo") == []


def compensated(host, node, after):
    """`node` with a compensation handler, then `after`."""
    undo = task("undo", "unbook", attributes=' isForCompensation="true"')
    event = '<bpmn:compensateEventDefinition id="c"/>'
    association = '<bpmn:association id="as" associationDirection="One" sourceRef="b" targetRef="undo"/>'
    return process(
        drawing.start(), node, drawing.boundary("b", host, event), undo, task(after), drawing.end(),
        flows=f"start>{host} {host}>{after} {after}>end").content.replace(
            b"</bpmn:process>", association.encode() + b"</bpmn:process>")


@pytest.mark.parametrize("around", [False, True])
def test_a_drawn_handler_is_a_way_to_undo_also_around_the_step(around):
    node = sub("scope", drawing.start("s"), task("mail"), drawing.end("e")) if around else task("mail")
    content = compensated("scope" if around else "mail", node, "charge")

    assert warnings(drawing.Resource(name="x.bpmn", content=content), mail, charge, book, unbook, about="undo") == []


def test_an_error_end_event_later_is_a_failure_that_is_foreseen():
    resource = process(drawing.start(), task("mail"), drawing.end("end", drawing.error("declined")),
                       flows="start>mail mail>end", roots=ERRORS)

    [(element, message)] = warnings(resource, mail, about="undo")

    assert (element, "error end event" in message) == ("mail", True)


def test_a_failing_step_after_the_sub_process_or_inside_a_later_one_counts():
    inner = sub("scope", drawing.start("s"), task("mail"), drawing.end("e"))
    later = sub("later", drawing.start("s2"), task("charge"), drawing.end("e2"))

    assert [element for element, _ in warnings(process(inner, later), mail, charge, about="undo")] == ["mail"]


def test_rounds_of_a_multi_instance_can_fail_after_the_first():
    @service_task("send", errors={"FULL": "No room."})
    def send() -> None: ...

    loop = ('<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:extensionElements>'
            '<zeebe:loopCharacteristics inputCollection="=xs" inputElement="x"/></bpmn:extensionElements>'
            '</bpmn:multiInstanceLoopCharacteristics>')

    [(_, message)] = warnings(process(task("send", loop=loop)), send, about="undo")

    assert "another round of it" in message


def test_a_service_that_only_reads_cannot_need_undoing():
    with pytest.raises(ContractError, match="only reads"):
        service_task("peek", read_only=True, compensated_by="unpeek")


def test_a_service_that_only_reads_may_be_called_again():
    assert contract_of(look).policy.idempotent


@pytest.mark.parametrize(("dialect", "retries"), [(8, "3"), (7, "R3/PT10M"), (7, "PT1M,PT5M")])
def test_attempts_that_the_diagram_asks_for_of_a_call_that_acts_twice_are_a_warning(dialect, retries):
    resource = process(task("mail", dialect=dialect, retries=retries), dialect=dialect)

    [(_, message)] = warnings(resource, mail)

    assert "asks for 3" in message
    assert warnings(process(task("look", dialect=dialect, retries=retries), dialect=dialect), look, about="twice") == []


def external(resource):
    return [message for _, message in warnings(resource, mail, about="external worker")]


@pytest.mark.parametrize("around", [False, True])
def test_a_timer_ends_the_wait_for_a_worker_elsewhere(around):
    clock = drawing.timer("Duration", "PT1H")
    node = sub("scope", drawing.start("s"), task("other"), drawing.end("e")) if around else task("other")

    [bounded] = external(with_boundary("scope" if around else "other", clock)(node))
    [endless] = external(process(node))

    assert "for ever" not in bounded
    assert "for ever" in endless


MESSAGES = (drawing.message_of("reply", "reply", key="=id"),)


def waits(resource):
    return [element for element, _ in warnings(resource, about="the wait if the message never comes")]


def test_a_message_without_a_timer_is_waited_for_without_end():
    receive = '<bpmn:receiveTask id="receive" messageRef="reply"/>'

    assert waits(process(drawing.catch("wait", drawing.message("reply")), roots=MESSAGES)) == ["wait"]
    assert waits(process(receive, roots=MESSAGES)) == ["receive"]
    timed = with_boundary("receive", drawing.timer("Duration", "PT1H"))(receive).content.decode()
    timed = timed.replace("</bpmn:definitions>", MESSAGES[0] + "</bpmn:definitions>")
    assert waits(drawing.Resource(name="x.bpmn", content=timed.encode())) == []


def test_a_timer_beside_a_message_at_a_gateway_or_in_an_event_sub_process_ends_the_wait():
    raced = process(
        drawing.start(), gateway("g", "eventBased"), drawing.catch("wait", drawing.message("reply")),
        drawing.catch("late", drawing.timer("Duration", "PT1H")), drawing.end(), drawing.end("end2"),
        flows="start>g g>wait g>late wait>end late>end2", roots=MESSAGES)
    watched = process(
        drawing.start(), drawing.catch("wait", drawing.message("reply")), drawing.end(),
        handler("late", drawing.timer("Duration", "PT1H")), flows="start>wait wait>end", roots=MESSAGES)

    assert waits(raced) == []
    assert waits(watched) == []


def test_listeners_of_processes_and_flows_are_looked_for():
    listener = '<bpmn:extensionElements><camunda:executionListener event="{}" class="mial"/></bpmn:extensionElements>'
    content = process(task("mail", dialect=7), dialect=7).content.decode()
    on_process = content.replace('isExecutable="true">', 'isExecutable="true">' + listener.format("start"))
    on_flow = content.replace('targetRef="mail"/>', f'targetRef="mail">{listener.format("take")}</bpmn:sequenceFlow>')

    for text, element in ((on_process, "p"), (on_flow, "start_mail")):
        [(where, message)] = errors(drawing.Resource(name="x.bpmn", content=text.encode()), mail, external=())
        assert where == element
        assert "'mial'" in message
