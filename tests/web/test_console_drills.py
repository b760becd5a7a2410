"""The page of a drill, and where the console says when a process was drilled."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpmn.parser import parse
from engine import definitions, drills
from engine.definitions import Resource
from engine.queries import drills as drill_lists
from service_tasks import Registry
from service_tasks.drills import Drill, drill
from tests.examples.order import ORDER_EXAMPLE
from tests.web import browsing
from tests.web.conftest import model

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
NAME = "order-fulfilment.bpmn"
FORGOTTEN = b'<bpmn:compensateEventDefinition id="UndoOrderDefinition" />'


def deploy(engine, content):
    return engine.execute(definitions.deploy, [Resource(name=NAME, content=content)]).definitions[0].key


def drilled(engine, key, content):
    """Drill a definition with the services of the example, and keep the result."""
    registry = Registry()
    registry.load(ORDER_EXAMPLE)
    model = parse(content, NAME)
    resource = Resource(name=NAME, content=content)
    report = drill(Drill(resources=[resource], model=model, process=model.processes[0], registry=registry))
    engine.acting_as("ada").execute(drills.record, key, report.as_json(), failures=len(report.trials),
                                    remained=report.remained, unreached=len(report.unreached))
    return report


@pytest.fixture(scope="module")
def order():
    return (ORDER_EXAMPLE / NAME).read_bytes()


def test_a_version_that_was_never_drilled_says_so(console, engine, order):
    deploy(engine, order)

    assert "Its compensation was never drilled" in console.text("/processes/order-fulfilment")
    assert '<span class="soft">never</span>' in console.text("/processes")
    assert "partitur drill order-fulfilment" in console.text(
        f"/definitions/{deploy(engine, order)}/drill", status=404).replace("&#39;", "'")


def test_a_process_in_which_nothing_is_undone_says_nothing_of_drills(console, engine):
    engine.execute(definitions.deploy, [Resource(name="review.bpmn", content=model("review.bpmn"))])

    assert "never drilled" not in console.text("/processes/review")
    assert "there is nothing to drill" in console.text("/processes")


def test_the_last_drill_is_told_and_a_newer_version_is_not_covered_by_it(console, engine, order):
    # given a version whose compensation was forgotten
    key = deploy(engine, order.replace(FORGOTTEN, b""))
    drilled(engine, key, order.replace(FORGOTTEN, b""))
    assert "2 of 6 failures left something undone" in console.text("/processes/order-fulfilment")
    page = console.text(f"/definitions/{key}/drill")
    assert "authorize-payment</span>" in page
    assert '"ScheduleDelivery": {"classes": ["failing"]}' in page.replace("&#34;", '"')

    # when it is mended, then nobody knows
    newer = deploy(engine, order)
    assert "Version 1 was drilled, but this one never was" in console.text("/processes/order-fulfilment")

    # until it is drilled
    drilled(engine, newer, order)
    assert "nothing left undone" in console.text("/processes/order-fulfilment")
    assert "void-payment → release-inventory" in console.text(f"/definitions/{newer}/drill")
    assert f'href="/definitions/{newer}/drill"' in console.text("/processes")
    assert drill_lists.latest(engine, [key, newer])[newer].drilled_by == "ada"


def test_what_a_drill_recorded_is_shown_as_text(console, engine, order):
    key = deploy(engine, order)
    step = {"process_id": "order-fulfilment", "element_id": "X", "name": "<b>x</b>", "service": "<i>s</i>",
            "why": "<u>w"}
    trial = {"step": step, "code": "<s>", "outcome": "<p>", "scenario": 0, "handlers": [], "compensated": [],
             "remained": [{"service": "<em>", "name": None}], "by_hand": [], "kept": []}
    engine.execute(drills.record, key, {"trials": [trial], "unreached": [step], "runs": 1}, failures=1, remained=1,
                   unreached=1)

    page = console.text(f"/definitions/{key}/drill")

    for word in ("<b>x", "<i>s", "<u>w", "<s>", "<p>", "<em>"):
        assert word not in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_a_drill_is_accessible_and_fits_a_phone(engine, open_page, order, theme):
    content = order.replace(FORGOTTEN, b"")
    key = deploy(engine, content)
    drilled(engine, key, content)
    page = open_page("/", color_scheme=theme, bypass_csp=True)

    for path in (f"/definitions/{key}/drill", "/processes/order-fulfilment", "/processes"):
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            browsing.visit(page, path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.add_script_tag(content=AXE.read_text())
        found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
        assert [(each["id"], node["html"]) for each in found["violations"] for node in each["nodes"]] == [], path
