"""The console in a real browser: what only a browser can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import instances, user_tasks
from engine.queries import instance as read
from engine.queries import lists
from tests.web.conftest import MODELS

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = '"><img src=x onerror="document.title=\'broken in\'"><script>document.title=\'broken in\'</script>'


@pytest.fixture
def failed(engine, story):
    """Two instances at the user task, and one whose job failed for good."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}", variables={"amount": 10, "note": HOSTILE, "gift": False})
            for number in range(3)]
    task = lists.user_tasks(engine, instance_key=keys[0]).items[0]
    engine.execute(user_tasks.complete, task.key, {})
    story.fail_job(HOSTILE)
    return keys[0]


def every_page(engine, key):
    """The address of every page, and of the tabs of an instance."""
    task = lists.user_tasks(engine).items[0].key
    tabs = (f"/instances/{key}?tab={tab}" for tab in ("variables", "incidents", "jobs", "tasks", "audit", "raw"))
    return ("/", "/processes", "/processes/review", "/deployments/new", "/instances", *tabs, "/tasks", f"/tasks/{task}",
            "/services", "/audit", "/nowhere")


def diagram(page):
    """Wait until the diagram is drawn."""
    page.wait_for_selector("bpmn-diagram[data-ready]")
    return page.locator("bpmn-diagram")


def settle(page):
    """Wait until the page has loaded and its diagram, if it has one, is drawn or cannot be."""
    page.wait_for_selector("bpmn-diagram[data-ready], bpmn-diagram[data-undrawn], main:not(:has(bpmn-diagram))",
                           state="attached")


def visit(page, path):
    """Go to another page of the same console."""
    page.goto("/".join(page.url.split("/")[:3]) + path)
    settle(page)


def shape(page, element):
    return page.locator(f'bpmn-diagram g.djs-element[data-element-id="{element}"]')


def badge(page, element, state):
    return page.locator(f'.djs-overlays[data-container-id="{element}"] .badge[data-state="{state}"]')


def give_reason(page, dialog, reason):
    page.locator(f"#{dialog} textarea[name=reason]").fill(reason)
    page.locator(f"#{dialog} .dialog-actions .primary").click()


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
    page.wait_for_url("**/tasks/*")
    page.get_by_label("amount").fill("12")
    page.get_by_label("gift").select_option("true")
    page.get_by_label("Further variables").fill('{"approved": true}')
    page.get_by_role("button", name="Complete").click()

    # then
    page.wait_for_url("**/tasks")
    assert "Check the order is completed." in page.locator("#toasts").inner_text()
    assert read.variables(engine, key) == {"amount": 12, "gift": True, "approved": True}


def test_incident_is_seen_on_the_diagram_and_retried(open_page, engine, failed):
    # given
    page = open_page(f"/instances/{failed}")
    diagram(page)
    assert badge(page, "charge", "incident").inner_text() == "1"

    # when
    page.locator("#tab-incidents").get_by_role("button", name="Retry", exact=True).click()
    give_reason(page, "retry", "The bank is back.")

    # then
    page.locator("#toasts", has_text="Tried again").wait_for()
    diagram(page)
    assert badge(page, "charge", "incident").count() == 0
    assert lists.incidents(engine, instance_key=failed).total == 0


def test_instance_is_cancelled_only_with_a_reason(open_page, engine, failed):
    # given
    page = open_page(f"/instances/{failed}")
    page.get_by_role("button", name="Cancel").click()

    # when no reason is given
    page.locator("#cancel .dialog-actions .primary").click()

    # then the form is not sent
    assert page.locator("#cancel textarea").evaluate("field => field.validity.valueMissing")
    assert read.get(engine, failed).status == "incident"

    # when
    give_reason(page, "cancel", "Ordered twice.")

    # then
    page.locator("#toasts", has_text="cancelled").wait_for()
    assert read.get(engine, failed).end_reason == "Ordered twice."


def test_refusal_of_the_engine_is_shown_in_the_dialog(open_page, engine, failed):
    # given a page that is older than the instance's end
    page = open_page(f"/instances/{failed}")
    page.get_by_role("button", name="Suspend").click()
    engine.execute(instances.cancel, failed, "Somebody was faster.")

    # when
    give_reason(page, "suspend", "Wait.")

    # then
    sentence = page.locator("#suspend .form-error")
    sentence.get_by_text("Expected").wait_for()
    assert page.locator("#suspend").is_visible()


def test_page_follows_the_engine_by_itself_until_it_is_paused(open_page, engine, failed):
    # given
    page = open_page("/")
    page.clock.install()
    visit(page, f"/instances/{failed}")
    drawn = page.locator("bpmn-diagram svg").first.element_handle()

    # when
    engine.execute(instances.suspend, failed, "Wait.")
    page.clock.fast_forward(4_000)

    # then the page changes, and the diagram was not drawn anew
    page.locator("h1 .state", has_text="Suspended").wait_for()
    assert drawn.evaluate("svg => svg.isConnected")

    # when
    page.get_by_role("button", name="Pause live updates").click()
    engine.execute(instances.resume, failed, "Go on.")

    # then
    page.get_by_role("button", name="Resume live updates").wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(60_000)
    page.evaluate("() => fetch('/health')")
    assert [url.rsplit("/", 1)[1] for url in asked] == ["health"]
    assert page.locator("h1 .state", has_text="Suspended").count() == 1


def test_page_that_cannot_be_updated_says_so_and_keeps_what_it_shows(open_page, failed):
    # given
    page = open_page("/")
    page.clock.install()
    visit(page, f"/instances/{failed}")
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
    assert page.locator("#as-of time").get_attribute("datetime") > seen


def test_form_that_does_not_get_through_says_so(open_page, failed):
    # given
    page = open_page(f"/instances/{failed}")
    page.route("**/suspension", lambda route: route.abort())

    # when
    page.get_by_role("button", name="Suspend").click()
    give_reason(page, "suspend", "Wait.")

    # then
    page.locator("#suspend .form-error", has_text="cannot be reached").wait_for()


def test_diagram_history_and_tables_are_one_selection(open_page, failed):
    # given
    page = open_page(f"/instances/{failed}?tab=jobs")
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


def test_untrusted_text_never_becomes_markup(open_page, engine, story, failed):
    page = open_page("/")
    page.on("dialog", lambda dialog: pytest.fail("A script of somebody else ran."))
    for path in (*every_page(engine, failed), "/instances?error=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"):
        visit(page, path)
        assert page.locator("img").count() == 0, path
        assert "broken in" not in page.title(), path


def test_file_without_a_diagram_is_shown_with_a_sentence_in_its_place(open_page, story):
    story.deploy("calls.bpmn")
    page = open_page("/processes/caller")
    page.locator("bpmn-diagram .trouble", has_text="This file has no diagram").wait_for()


def test_names_in_a_diagram_never_become_markup(open_page):
    # given a model whose labels are HTML
    page = open_page("/deployments/new")

    # when
    page.set_input_files("input[type=file]", MODELS / "broken.bpmn")
    page.get_by_role("button", name="Deploy").click()

    # then
    diagram(page)
    assert "Bad FEEL" in shape(page, "guess").text_content()
    assert page.locator("bpmn-diagram img").count() == 0


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_mode_follows_the_system_and_the_switch_and_is_remembered(open_page):
    # given
    light = background(open_page("/", color_scheme="light"))
    page = open_page("/", color_scheme="dark")
    dark = background(page)
    assert dark != light

    # when
    page.get_by_role("button", name="Switch between light and dark").click()
    assert background(page) == light
    page.reload()

    # then the server knows it from the first byte
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert background(page) == light


def test_diagram_is_readable_in_dark_mode(open_page, failed):
    page = open_page(f"/instances/{failed}", color_scheme="dark")
    diagram(page)
    stroke = shape(page, "done").locator("circle").first.evaluate("it => getComputedStyle(it).stroke")
    paper = page.locator("bpmn-diagram").evaluate("it => getComputedStyle(it).backgroundColor")
    assert luminance(stroke) - luminance(paper) > 100


def luminance(colour):
    red, green, blue = (int(part) for part in colour[colour.index("(") + 1:-1].split(",")[:3])
    return 0.2 * red + 0.7 * green + 0.1 * blue


def test_pages_fit_a_phone_a_tablet_and_a_small_screen(open_page, engine, failed):
    page = open_page("/")
    for path in every_page(engine, failed):
        visit(page, path)
        for width in (360, 800, 1000):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_meet_wcag_aa(open_page, engine, failed, scheme):
    # given a browser that lets the checker in, which the pages' own policy would not
    page = open_page("/", color_scheme=scheme, bypass_csp=True)

    for path in every_page(engine, failed):
        # when
        visit(page, path)
        page.add_script_tag(content=AXE.read_text())
        found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")

        # then
        told = [(broken["id"], node["target"], node["failureSummary"]) for broken in found["violations"]
                for node in broken["nodes"]]
        assert told == [], path


def test_keyboard_reaches_the_content_the_navigation_and_a_dialog(open_page, failed):
    # given
    page = open_page(f"/instances/{failed}")

    # when
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Suspend").focus()
    page.keyboard.press("Enter")

    # then the field for the reason has the focus, and Escape leads back
    assert page.locator(":focus").get_attribute("name") == "reason"
    page.keyboard.press("Escape")
    assert page.locator(":focus").inner_text() == "Suspend"


def test_key_is_copied(open_page, failed):
    page = open_page(f"/instances/{failed}", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".page-head .copy button").click()
    page.locator(".page-head .copy button[data-done]").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == str(failed)


def test_times_are_relative_and_absolute_in_utc_or_local_time(open_page, failed):
    page = open_page(f"/instances/{failed}", timezone_id="America/New_York")
    moment = page.locator(".facts time").first
    assert moment.inner_text() in {"now"} or moment.inner_text().endswith("ago")
    assert moment.get_attribute("title").endswith("UTC")
    page.get_by_role("button", name="Times in UTC").click()
    assert moment.get_attribute("title").endswith("local time")
