"""The console in a real browser: what people do and see happen."""

from __future__ import annotations

import pytest

from engine import instances
from engine.queries import instance as read
from engine.queries import lists
from tests.web.browsing import badge, diagram, give_reason, shape, visit
from tests.web.conftest import MODELS

pytestmark = pytest.mark.browser


def test_file_is_uploaded_started_and_its_token_seen_on_the_diagram(open_page):
    # given
    page = open_page("/deployments/new")

    # when
    page.set_input_files("input[type=file]", MODELS / "review.bpmn")
    assert page.locator("[data-files] li").inner_text().startswith("review.bpmn")
    page.get_by_role("button", name="Deploy").click()

    # then
    page.wait_for_url("**/processes/review*")
    assert "Deployed Order review version 1." in page.locator("#toasts").inner_text()
    diagram(page)

    # when
    page.get_by_role("button", name="Start an instance").click()
    page.get_by_label("Business id", exact=True).fill("order-1")
    page.get_by_label("Variables").fill('{"amount": 3}')
    page.locator("#start").get_by_role("button", name="Start").click()

    # then
    page.wait_for_url("**/instances/*")
    diagram(page)
    assert badge(page, "check", "active").inner_text() == "1"
    assert "passed" in shape(page, "to_review").get_attribute("class")
    assert "here" in shape(page, "check").get_attribute("class")


def test_refused_file_is_shown_with_its_elements_marked(open_page):
    # given
    page = open_page("/deployments/new")

    # when
    page.set_input_files("input[type=file]", MODELS / "broken.bpmn")
    page.get_by_role("button", name="Deploy").click()

    # then
    diagram(page)
    assert "Nothing was deployed: 2 problems" in page.locator("[role=alert]").first.inner_text()
    assert "failing" in shape(page, "nameless").get_attribute("class")
    assert "failing" in shape(page, "guess").get_attribute("class")
    assert "failing" not in shape(page, "begin").get_attribute("class")

    # when a problem is clicked
    page.locator("button.where", has_text="nameless").click()

    # then its element is pointed out
    assert "chosen" in shape(page, "nameless").get_attribute("class")


def test_bad_json_is_refused_beside_the_field_before_anything_is_sent(open_page, story):
    # given
    story.deploy()
    page = open_page("/processes/review")
    page.get_by_role("button", name="Start an instance").click()

    # when
    page.get_by_label("Variables").fill("{amount: 3}")

    # then
    assert page.locator("#start .json-note").inner_text().startswith("This is not valid JSON")
    assert page.get_by_label("Variables").evaluate("field => !field.validity.valid")


def test_user_task_is_claimed_and_completed_with_its_form(open_page, engine, story):
    # given
    story.deploy()
    key = story.start(variables={"amount": 10, "gift": False})
    page = open_page("/tasks")

    # when
    page.get_by_role("button", name="Claim").click()
    page.wait_for_url("**/tasks?task=*")
    page.get_by_label("amount").fill("12")
    page.get_by_label("gift").select_option("true")
    page.get_by_label("Further variables").fill('{"approved": true}')
    page.get_by_role("button", name="Complete").click()

    # then
    page.wait_for_url("**/tasks")
    assert "Check the order is completed." in page.locator("#toasts").inner_text()
    assert read.variables(engine, key) == {"amount": 12, "gift": True, "approved": True}


def test_incident_is_seen_on_the_diagram_and_retried(open_page, engine, failed_instance):
    # given
    page = open_page(f"/instances/{failed_instance}")
    diagram(page)
    assert badge(page, "charge", "incident").inner_text() == "1"

    # when
    page.locator("#tab-incidents").get_by_role("button", name="Retry", exact=True).click()
    give_reason(page, "retry", "The bank is back.")

    # then
    page.locator("#toasts", has_text="Tried again").wait_for()
    diagram(page)
    assert badge(page, "charge", "incident").count() == 0
    assert lists.incidents(engine, instance_key=failed_instance).total == 0


def test_instance_is_cancelled_only_with_a_reason(open_page, engine, failed_instance):
    # given
    page = open_page(f"/instances/{failed_instance}")
    page.get_by_role("button", name="Cancel").click()

    # when no reason is given
    page.locator("#cancel .dialog-actions .primary").click()

    # then the form is not sent
    assert page.locator("#cancel textarea").evaluate("field => field.validity.valueMissing")
    assert read.get(engine, failed_instance).status == "incident"

    # when
    give_reason(page, "cancel", "Ordered twice.")

    # then
    page.locator("#toasts", has_text="cancelled").wait_for()
    assert read.get(engine, failed_instance).end_reason == "Ordered twice."


def test_refusal_of_the_engine_is_shown_in_the_dialog(open_page, engine, failed_instance):
    # given a page that is older than the instance's end
    page = open_page(f"/instances/{failed_instance}")
    page.get_by_role("button", name="Suspend").click()
    engine.execute(instances.cancel, failed_instance, "Somebody was faster.")

    # when
    give_reason(page, "suspend", "Wait.")

    # then
    sentence = page.locator("#suspend .form-error")
    sentence.get_by_text("Expected").wait_for()
    assert page.locator("#suspend").is_visible()


def test_page_follows_the_engine_by_itself_until_it_is_paused(open_page, engine, failed_instance):
    # given
    page = open_page("/")
    page.clock.install()
    visit(page, f"/instances/{failed_instance}")
    drawn = page.locator("bpmn-diagram svg").first.element_handle()

    # when
    engine.execute(instances.suspend, failed_instance, "Wait.")
    page.clock.fast_forward(4_000)

    # then the page changes, and the diagram was not drawn anew
    page.locator("h1 .state", has_text="Suspended").wait_for()
    assert drawn.evaluate("svg => svg.isConnected")

    # when
    page.get_by_role("button", name="Pause live updates").click()
    engine.execute(instances.resume, failed_instance, "Go on.")

    # then
    page.get_by_role("button", name="Resume live updates").wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(60_000)
    page.evaluate("() => fetch('/health')")
    assert [url.rsplit("/", 1)[1] for url in asked] == ["health"]
    assert page.locator("h1 .state", has_text="Suspended").count() == 1


def test_page_that_cannot_be_updated_says_so_and_keeps_what_it_shows(open_page, failed_instance):
    # given
    page = open_page("/")
    page.clock.install()
    visit(page, f"/instances/{failed_instance}")
    seen = page.locator("#as-of time").get_attribute("datetime")

    # when the server is gone
    page.route("**/instances/**", lambda route: route.abort())
    page.clock.fast_forward(4_000)

    # then
    page.locator("#stale").wait_for()
    assert page.locator("h1").inner_text().startswith("order-0")
    assert page.locator("#as-of time").get_attribute("datetime") == seen

    # when it answers with an error
    page.unroute("**/instances/**")
    page.route("**/instances/**", lambda route: route.fulfill(status=503, body="This server is shutting down."))
    page.clock.fast_forward(4_000)
    page.locator("#stale").wait_for()
    assert page.locator("h1").inner_text().startswith("order-0")

    # when it is back
    page.unroute("**/instances/**")
    page.clock.fast_forward(4_000)

    # then
    page.locator("#stale").wait_for(state="hidden")
    page.locator(f'#as-of time:not([datetime="{seen}"])').wait_for()


def test_form_that_does_not_get_through_says_so(open_page, failed_instance):
    # given
    page = open_page(f"/instances/{failed_instance}")
    page.route("**/suspension", lambda route: route.abort())

    # when
    page.get_by_role("button", name="Suspend").click()
    give_reason(page, "suspend", "Wait.")

    # then
    page.locator("#suspend .form-error", has_text="cannot be reached").wait_for()


def test_diagram_history_and_tables_are_one_selection(open_page, failed_instance):
    # given
    page = open_page(f"/instances/{failed_instance}?tab=jobs")
    diagram(page)

    drawn = page.locator("bpmn-diagram svg").first.element_handle()

    # when an element without jobs is clicked on the diagram
    shape(page, "check").click()

    # then
    page.wait_for_url("**element=check*")
    page.locator(".narrowed").wait_for()
    assert page.locator('.tree a[aria-current="true"]').inner_text().startswith("Check the order")
    assert "chosen" in shape(page, "check").get_attribute("class")
    assert page.locator("#tab-jobs tbody tr").count() == 0
    assert drawn.evaluate("svg => svg.isConnected")

    # when another one is chosen in the history
    page.locator(".tree a", has_text="Charge the card").click()

    # then
    page.wait_for_url("**element=charge*")
    page.locator("#tab-jobs tbody tr").wait_for()
    assert "chosen" in shape(page, "charge").get_attribute("class")
    assert "chosen" not in shape(page, "check").get_attribute("class")

    # when
    page.go_back()

    # then
    page.wait_for_url("**element=check*")
    page.locator('.tree a[aria-current="true"]', has_text="Check the order").wait_for()


def test_file_without_a_diagram_is_shown_with_a_sentence_in_its_place(open_page, story):
    story.deploy("calls.bpmn")
    page = open_page("/processes/caller")
    page.locator("bpmn-diagram .trouble", has_text="This file has no diagram").wait_for()
