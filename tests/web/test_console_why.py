"""Why an instance is where it is: the sentence, and for each token the way it took and what can move it."""

from __future__ import annotations

import os
import re

import pytest

from bpmn.interpreter import Take
from engine import definitions, durations, instances, variables
from engine.operations import modification
from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from engine.tasks import user_tasks
from tests.engine import drawing
from tests.web.axe import ALL, AXE
from tests.web.browsing import settle
from tests.web.conftest import HOSTILE


def told(html):
    """The text of the tab."""
    found = re.search(r'<div id="tab-why">(.*)</section>\s*</div>', html, re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_sentence_names_the_correlation_key_as_the_diagram_does(console, story, engine):
    story.deploy("calls.bpmn")
    caller = story.start("caller", variables={"orderId": "4711"})
    called = search(engine, InstanceFilter(parent_key=caller)).items[0].key
    assert "the message “PaymentReceived” with orderId=4711, since" in console.text(f"/instances/{called}")
    assert "The message “PaymentReceived” with key 4711" in told(console.text(f"/instances/{called}?tab=why"))
    assert f"The end of the called instance {called}" in told(console.text(f"/instances/{caller}?tab=why"))


def test_sentence_tells_how_it_is_with_others_once_enough_is_known(console, story, engine):
    story.deploy()
    for _ in range(20):
        story.start()
    for task in lists.user_tasks(engine, limit=100).items:
        engine.execute(user_tasks.complete, task.key, {})
    key = story.start()
    durations.learn(engine)
    assert "; 95 % leave here within" in console.text(f"/instances/{key}")
    other = story.take_job().instance_key
    assert "leave here within" not in console.text(f"/instances/{other}")


def test_each_token_has_its_way_and_what_can_move_it(console, story, engine):
    story.deploy()
    key = story.start()
    text = told(console.text(f"/instances/{key}?tab=why"))
    assert "Check the order" in text
    assert "Came from" in text
    assert "Completing the task · who: group sales, once claimed" in text
    engine.execute(user_tasks.assign, lists.user_tasks(engine).items[0].key, "ann")
    assert "who: ann" in told(console.text(f"/instances/{key}?tab=why"))
    engine.execute(user_tasks.complete, lists.user_tasks(engine).items[0].key, {})
    assert "A call of “charge-card” · who: any worker for it" in told(console.text(f"/instances/{key}?tab=why"))
    story.fail_job()
    assert "A retry, once the cause is mended" in told(console.text(f"/instances/{key}?tab=why"))


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_why_it_is_here_in_a_browser(open_page, failed_instance, width, scheme):
    page = open_page(f"/instances/{failed_instance}?tab=why", viewport={"width": width, "height": 900},
                     color_scheme=scheme, bypass_csp=True)
    settle(page)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(ALL)
    assert [violation["id"] for violation in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.title().endswith("Partitur")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/why-{width}-{scheme}.png", full_page=True)


def test_the_condition_of_the_flow_taken_is_told_with_the_values_of_its_variables(console, engine):
    # given a token that came by a flow with a condition
    condition = ('<bpmn:conditionExpression xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                 'xsi:type="bpmn:tFormalExpression">=amount &gt; 100</bpmn:conditionExpression></bpmn:sequenceFlow>')
    drawn = drawing.process(
        "big", drawing.start(), '<bpmn:exclusiveGateway id="size" default="size_small"/>', drawing.user("check"),
        drawing.user("small"), drawing.end(), flows="start>size size>check size>small check>end small>end")
    flow = re.search(r'<bpmn:sequenceFlow id="size_check"[^>]*/>', drawn)[0]
    drawn = drawn.replace(flow, flow.replace("/>", ">") + condition)
    engine.execute(definitions.deploy, [drawing.file(drawn)])
    big = engine.execute(instances.start, "big", variables={"amount": 120, "note": HOSTILE}).key
    small = engine.execute(instances.start, "big", variables={"amount": 1}).key

    # then
    text = told(console.text(f"/instances/{big}?tab=why"))
    assert "Because amount &gt; 100 amount 120 Values as they were" in text

    # when the variable changes later
    engine.execute(variables.set, big, {"amount": 5})

    # then the value is that of then, beside that of now
    text = told(console.text(f"/instances/{big}?tab=why"))
    assert "Because amount &gt; 100 amount 120 (now 5) Values as they were" in text
    text = told(console.text(f"/instances/{small}?tab=why"))
    assert "the default flow" in text
    assert "Because this was not true: amount &gt; 100 amount 1 Values as they were" in text


def test_a_join_says_from_where_tokens_are_still_missing(console, engine):
    fork, join = ('<bpmn:parallelGateway id="fork"/>', '<bpmn:parallelGateway id="all" name="All of it"/>')
    engine.execute(definitions.deploy, [drawing.file(drawing.process(
        "both", drawing.start(), fork, drawing.user("left"), drawing.user("right"), drawing.user("far"), join,
        drawing.end(), flows="start>fork fork>left fork>right fork>far left>all right>all far>all all>end"))])
    key = engine.execute(instances.start, "both").key
    tasks = {row.element_id: row.key for row in lists.user_tasks(engine, instance_key=key).items}
    engine.execute(user_tasks.complete, tasks["left"], {})
    assert "“All of it” waits for a token from each of “right”, “far”, since" in console.text(f"/instances/{key}")
    text = told(console.text(f"/instances/{key}?tab=why&element=all"))
    assert "Came from “left”" in text
    assert "A token from each of “right”, “far”" in text

    # when the last one is cancelled, the join waits for ever, and says so still
    engine.execute(user_tasks.complete, tasks["right"], {})
    engine.execute(modification.modify, key, takes=[Take(element="far")], reason="Nobody is there.")
    page = console.text(f"/instances/{key}")
    assert "“All of it” waits for a token from each of “far”, since" in page
    assert "Its tokens move." not in page
    engine.execute(instances.cancel, key, "It waits for nothing.")


def test_each_token_in_a_sub_process_is_told_what_is_seen_there_and_what_ends_what_is_around_it(console, engine):
    # given a sub-process for each item, with a gateway in it that looks at the item, and events around
    loop = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>'
            '<zeebe:loopCharacteristics inputCollection="=items" inputElement="x"/>'
            '</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>')
    each = (f'<bpmn:subProcess id="each" name="Each">{loop}' + drawing.inside(
        drawing.start("in"), '<bpmn:exclusiveGateway id="size" default="size_quick"/>', drawing.user("slow"),
        drawing.user("quick"), drawing.boundary("tired", "slow", drawing.timer("Duration", "PT9H")),
        drawing.boundary("remind", "slow", drawing.timer("Duration", "PT1H"), interrupting=False),
        drawing.end("out"), flows="in>size size>slow size>quick slow>out quick>out tired>out remind>out")
        + "</bpmn:subProcess>").replace('<bpmn:sequenceFlow id="size_slow" sourceRef="size" targetRef="slow"/>', (
            '<bpmn:sequenceFlow id="size_slow" sourceRef="size" targetRef="slow"><bpmn:conditionExpression '
            'xsi:type="bpmn:tFormalExpression">=x &gt; 5</bpmn:conditionExpression></bpmn:sequenceFlow>'))
    aborted = ('<bpmn:subProcess id="aborted" triggeredByEvent="true">' + drawing.inside(
        drawing.start("told", drawing.message("m")), drawing.end("over")) + "</bpmn:subProcess>")
    engine.execute(definitions.deploy, [drawing.file(
        drawing.message_of("m", "Abort", "=orderId"), drawing.process(
            "many", drawing.start(), each, drawing.boundary("late", "each", drawing.timer("Duration", "PT5H")),
            drawing.end(), aborted, flows="start>each each>end late>end"))])
    key = engine.execute(instances.start, "many", variables={"items": [3, 7, 9], "x": 1, "orderId": "A-1"}).key

    # then each has its own item, and one that came by the default flow says what was not true
    page = console.text(f"/instances/{key}?tab=why")
    tokens = re.findall(r'<section class="token.*?</section>', page, re.DOTALL)
    texts = [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in tokens]
    assert len(texts) == 3
    assert "this was not true: x &gt; 5 x 3 Values" in texts[0]
    assert "Because x &gt; 5 x 7 Values" in texts[1]
    assert "Because x &gt; 5 x 9 Values" in texts[2]

    # and what would end what is around it can move it; what does not interrupt does not
    for text in texts:
        assert "A time, which ends “Each” around it, in 4 hours" in text
        assert "The message “Abort” with key A-1, which ends “Many” around it" in text
        assert "in 59 minutes" not in text
    assert [text.count("A time, in 8 hours") for text in texts] == [0, 1, 1]

    # and the same when only one element is looked at
    only = told(console.text(f"/instances/{key}?tab=why&element=quick"))
    assert "x 3 Values" in only
    assert "which ends “Each” around it" in only
