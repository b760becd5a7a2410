"""The report on BPMN coverage in a real browser, opened from its folder as people do."""

from __future__ import annotations

import pytest

from engine.testing import Scratch
from engine.testing.coverage import figures, pages
from engine.testing.coverage.measuring import measure
from engine.testing.coverage.record import Record
from tests.bpmn.dmn import tables
from tests.engine.testing.diagrams import ORDER
from tests.web import axe

pytestmark = pytest.mark.browser

PAGES = ("index.html", "order-fulfilment.bpmn.html", "risk.dmn.html")


@pytest.fixture
def report(tmp_path):
    """A report in which some things were passed, some began, and some were never reached."""
    record = Record()
    risk = tables.decision("risk", tables.table(["amount"], ["risk"], ["< 100 | 1", ">= 100 | 2"]), name="Risk")
    (tmp_path / "risk.dmn").write_bytes(tables.definitions(risk))
    with Scratch([tmp_path, ORDER.parent]) as scratch:
        scratch.deploy("order-fulfilment.bpmn", "risk.dmn")
        scratch.decide("risk", amount=5)
        scratch.start("order-fulfilment", items=[{"quantity": 200, "unitPrice": 12}])
        scratch.advance(days=2)
        measure(scratch.engine, "tests/test_a_module_with_a_long_name.py::test_that_has_one_too", record)
    folder = tmp_path / "report"
    pages.write(figures.pages(record), folder, 1)
    return folder


@pytest.fixture
def open_report(browser, report):
    """Opens a page of the report without a network; it may ask for nothing but itself, and must not complain."""
    asked, complaints, contexts = [], [], []

    def open_(name, **options):
        context = browser.new_context(offline=True, java_script_enabled=options.pop("scripts", False), **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((report / name).as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert all(url.startswith(report.as_uri()) for url in asked), asked
    assert complaints == []


def test_the_report_leads_from_a_process_to_what_was_never_passed(open_report):
    page = open_report("index.html")
    page.get_by_role("link", name="Order fulfilment").click()

    assert page.locator("svg .never title", has_text="Reserve stock: never passed").count() == 1
    assert page.locator("svg .begun title", has_text="Review order: began, but never completed").count() == 1
    page.locator('svg a[aria-label="Order lapsed: passed by 1 test"]').click()

    row = page.locator("tr:target")
    assert "ReviewLapsed" in row.inner_text()
    row.locator("summary").click()
    assert row.locator("li").inner_text().endswith("::test_that_has_one_too")


def test_rules_of_a_decision_are_told_apart(open_report):
    page = open_report("risk.dmn.html")

    rows = page.locator("tbody tr")
    assert rows.evaluate_all("rows => rows.map(row => row.className)") == ["passed", "never"]
    assert "< 100" in rows.first.inner_text()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_are_no_wider_than_the_screen(open_report, name, width):
    page = open_report(name, viewport={"width": width, "height": 740}, scripts=True)

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", PAGES)
def test_pages_meet_wcag_aa(open_report, name):
    assert axe.troubles(open_report(name, scripts=True)) == []
