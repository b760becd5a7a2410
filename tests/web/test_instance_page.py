"""The page of an instance: its past, its timeline, its variables' history, and what can be done on each tab."""

from __future__ import annotations

import json
import os
import re

import pytest

from engine import definitions, instances, secrets, variables
from engine.definitions import Resource
from engine.keyring import Keyring
from engine.queries import instance as read
from engine.queries import lists, past
from engine.tasks import user_tasks
from tests.engine import drawing
from tests.web.axe import ALL, AXE
from tests.web.browsing import badge, diagram, give_reason, settle, shape
from tests.web.conftest import HOSTILE, model
from web.console.instance_tabs import TABS
from web.console.timeline import draw


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def lived(engine, story):
    """An instance with a past: a task that was done, a value that a person changed, and a failed job."""
    story.deploy()
    key = story.start(business_id="order-0", variables={"amount": 10, "note": HOSTILE})
    engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=key).items[0].key, {"amount": 20})
    story.fail_job(HOSTILE)
    engine.acting_as("ann").execute(variables.set, key, {"amount": 30}, reason="The customer called.")
    return key


@pytest.fixture
def waiting(engine):
    """An instance that waits for a message, a signal and a time, and its key."""
    drawn = drawing.process(
        "wait", drawing.start(), '<bpmn:parallelGateway id="split"/>',
        drawing.catch("paid", drawing.message("payment")), drawing.catch("later", drawing.timer("Duration", "PT8H")),
        drawing.end("a"), drawing.end("b"), flows="start>split split>paid split>later paid>a later>b")
    engine.execute(definitions.deploy, [drawing.file(drawing.message_of("payment", "payment", "=id"), drawn)])
    return engine.execute(instances.start, "wait", variables={"id": "1"}).key


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_shown_now_and_in_the_past(console, lived, tab):
    for address in (f"/instances/{lived}?tab={tab}", f"/instances/{lived}?tab={tab}&at=1",
                    f"/instances/{lived}?tab={tab}&element=check", f"/instances/{lived}?tab={tab}&offset=50"):
        html = console.text(address)
        assert f'id="tab-{tab}"' in html
        assert HOSTILE not in html


def test_a_moment_shows_tokens_variables_and_no_way_to_act(console, lived):
    html = console.text(f"/instances/{lived}?at=2&tab=variables")
    assert "This is the past." in html
    assert 'data-dialog="suspend"' not in html
    assert 'data-dialog="edit-variable"' not in html
    assert "Go back to now to do something." in html
    amount = re.search(r"<strong>amount</strong>.*?</div>", html, re.DOTALL)[0]
    assert text_of(amount).endswith("10")
    assert "order-0" in html
    now = console.text(f"/instances/{lived}?tab=variables")
    assert "This is the past." not in now
    assert text_of(re.search(r"<strong>amount</strong>.*?</div>", now, re.DOTALL)[0]).endswith("30")


@pytest.mark.parametrize(("at", "status"), [("1", 200), ("99999999999999", 200), ("0", 200), ("yesterday", 422),
                                            ("2020-01-01T00:00:00Z", 200), ("2999-01-01T00:00:00", 200), ("", 200),
                                            ("-1", 422), ("9" * 30, 422), ("²", 422)])
def test_any_moment_is_shown_or_refused_in_a_sentence(console, lived, at, status):
    html = console.text(f"/instances/{lived}?at={at}", status)
    if status == 422:
        assert "number of a step or a time" in html


@pytest.mark.parametrize("query", [
    "zoom=0-1", "zoom=5-1", "zoom=x", "zoom=999999999999999-999999999999999", "before=1", "before=9223372036854775807",
    "variable=nothing&scope=1", "revision=0&variable=amount", "evaluation=1&tab=decisions", "element=" + "x" * 400,
])
def test_any_view_is_shown(console, lived, query):
    assert "order-0" in console.text(f"/instances/{lived}?{query}")


def test_history_of_a_variable_tells_who_when_and_why(console, lived):
    html = console.text(f"/instances/{lived}?tab=variables&variable=amount&scope={lived}")
    told = text_of(html[html.index('id="versions"'):])
    assert "30 ann (set variables) The customer called." in told
    assert told.index("30") < told.index("20 Check the order") < told.index("10 system")
    # what was set leads to how the instance was then
    moments = re.findall(r'href="([^"]*at=20[^"]*)"', html)
    then = console.text(moments[1].replace("&amp;", "&"))
    assert text_of(re.search(r"<strong>amount</strong>.*?</div>", then, re.DOTALL)[0]).endswith("20")


def test_raw_state_masks_secrets_and_can_be_taken_away(console, engine, lived, tmp_path):
    engine.keyring = Keyring(path=tmp_path / "secrets_key")
    engine.execute(secrets.put, "KEY", "hunter22-very-secret")
    engine.execute(variables.set, lived, {"leak": "it is hunter22-very-secret!"})
    file = console.get(f"/instances/{lived}/raw.json")
    assert file.headers["Content-Disposition"] == f'attachment; filename="instance-{lived}.json"'
    stored = json.loads(file.text)
    assert stored["row"]["business_id"] == "order-0"
    assert stored["saved_tokens"]
    assert "hunter22" not in file.text
    assert "[secret KEY]" in file.text
    assert "hunter22" not in console.text(f"/instances/{lived}?tab=raw")


def test_long_tables_and_histories_come_in_pages(console, engine):
    each = ('<bpmn:subProcess id="each"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>'
            '<zeebe:loopCharacteristics inputCollection="=list" inputElement="item"/></bpmn:extensionElements>'
            "</bpmn:multiInstanceLoopCharacteristics>")
    inner = drawing.inside(drawing.start("in"), drawing.user("work"), drawing.end("out"))
    drawn = drawing.process("many", drawing.start(), f"{each}{inner}</bpmn:subProcess>", drawing.end())
    engine.execute(definitions.deploy, [drawing.file(drawn)])
    key = engine.execute(instances.start, "many", variables={"list": list(range(120))}).key
    html = console.text(f"/instances/{key}?tab=tasks")
    assert "1–50 of 120" in text_of(html)
    assert "101–120 of 120" in text_of(console.text(f"/instances/{key}?tab=tasks&offset=100"))
    assert html.count('class="lane-step"') == 100
    older = re.search(r'rel="prev" href="([^"]*before=[^"]*)"', html)[1].replace("&amp;", "&")
    assert "Newest" in console.text(older)


def test_called_instances_are_a_tree_with_a_way_up(console, story, engine):
    story.deploy("calls.bpmn")
    caller = story.start("caller", variables={"orderId": "4711"})
    called = read.detail(engine, caller).called[0].key
    html = console.text(f"/instances/{called}?tab=called")
    crumbs = re.search(r'<nav class="crumbs".*?</nav>', html, re.DOTALL)[0]
    assert f'href="/instances/{caller}"' in crumbs
    assert f'href="/instances/{caller}"' in html[html.index("The whole tree"):]
    assert "Another instance called this one." in html


@pytest.fixture
def quote(engine):
    """An instance whose business rule task computed a price."""
    files = [Resource(name=name, content=model(name)) for name in ("pricing.dmn", "quote.bpmn")]
    engine.execute(definitions.deploy, files)
    return engine.execute(instances.start, "quote", variables={"amount": 1200, "customer": {"status": "gold"}}).key


def test_matched_rule_is_shown_with_its_evaluation(console, quote):
    html = console.text(f"/instances/{quote}?tab=decisions")
    assert "gold_large" in html
    assert "This rule matched." in html
    assert 'decision="discount"' in html
    other = console.text(f"/instances/{quote}?tab=decisions&decision=price")
    assert 'decision="price"' in other


def test_timer_fires_and_message_is_delivered_by_hand(console, engine, waiting):
    html = console.text(f"/instances/{waiting}?tab=events")
    timer = re.search(r'data-action="([^"]*/firing)"', html)[1]
    delivery = re.search(r'data-action="([^"]*/delivery)"', html)[1]
    assert console.post(timer, {"reason": " "}).status_code == 422
    assert console.post(delivery, {"reason": "The bank called.", "variables": "[1"}).status_code == 422
    assert console.post(timer, {"reason": "It is time."}).status_code == 303
    assert console.post(delivery, {"reason": "The bank called.", "variables": '{"sum": 3}'}).status_code == 303
    assert read.get(engine, waiting).state == "COMPLETED"
    assert read.variables(engine, waiting)["sum"] == 3
    again = console.post(delivery, {"reason": "The bank called.", "variables": "{}"})
    assert (again.status_code, "may have got its event meanwhile" in again.text) == (404, True)
    told = text_of(console.text(f"/instances/{waiting}?tab=audit"))
    assert "It is time." in told


def test_actions_that_cannot_be_used_say_why(console, engine, lived, waiting):
    engine.execute(instances.suspend, waiting, "Wait.")
    html = console.text(f"/instances/{waiting}?tab=events")
    assert "The instance is suspended: resume it first." in html
    engine.execute(instances.cancel, lived, "Enough.")
    html = console.text(f"/instances/{lived}")
    assert "This instance has ended: nothing can be done to it any more." in html
    assert 'data-dialog="cancel"' not in html
    for tag in re.findall(r'<[^>]+aria-disabled="true"[^>]*>', html):
        assert 'title="' in tag


def test_bars_of_the_timeline_lie_inside_it(engine, lived):
    rows = past.entries(engine, lived, limit=100)
    row = read.get(engine, lived)
    for zoom in ("", "0-1", "0-100000", "500-400"):
        drawn = draw(rows, row.started_at, engine.clock(), zoom)
        assert all(0 <= bar.x <= 1000 and bar.x + bar.width <= 1006 for bar in drawn.bars.values())
    assert all(bar.width for bar in draw(rows, row.started_at, engine.clock()).bars.values())


@pytest.mark.browser
def test_the_past_is_walked_through_by_keys_slider_and_links(open_page, lived):
    # given
    page = open_page(f"/instances/{lived}?tab=variables")
    diagram(page)
    drawn = page.locator("bpmn-diagram svg").first.element_handle()
    steps = int(page.locator("#step").get_attribute("max"))

    # when one goes back from now
    page.get_by_role("link", name="One step back").click()

    # then
    page.wait_for_url(f"**at={steps}*")
    page.get_by_text("This is the past.", exact=True).wait_for()
    assert page.get_by_role("button", name="Suspend").get_attribute("aria-disabled") == "true"
    page.locator("#live-switch").wait_for(state="hidden")

    # when by keys
    page.locator("body").press("ArrowLeft")
    page.wait_for_url(f"**at={steps - 1}*")
    page.locator(".stepper-word", has_text=f"Step {steps - 1} of").wait_for()
    page.locator("body").press("ArrowRight")
    page.wait_for_url(f"**at={steps}*")

    # when by the slider
    page.locator("#step").focus()
    page.locator("#step").press("Home")
    page.wait_for_url("**at=1*")
    page.locator(".stepper-word", has_text="Step 1 of").wait_for()
    assert badge(page, "charge", "incident").count() == 0
    assert drawn.evaluate("svg => svg.isConnected")

    # when one comes back
    page.get_by_role("link", name="Now", exact=True).click()
    page.get_by_text("This is the past.", exact=True).wait_for(state="detached")
    assert badge(page, "charge", "incident").inner_text() == "1"
    page.locator("#live-switch").wait_for()


@pytest.mark.browser
def test_diagram_tree_timeline_and_tables_are_one_selection(open_page, lived):
    page = open_page(f"/instances/{lived}?tab=jobs")
    diagram(page)

    # when an element is chosen in the timeline
    page.locator(".lane-name", has_text="Charge the card").click()

    # then
    page.wait_for_url("**element=charge*")
    page.locator(".narrowed").wait_for()
    assert page.locator('.tree a[aria-current="true"]').inner_text().startswith("Charge the card")
    assert page.locator(".lane.chosen").count() == 1
    assert "chosen" in shape(page, "charge").get_attribute("class")
    assert page.locator("#tab-jobs tbody tr").count() == 1

    # when another tab is chosen by keyboard
    page.locator("#tabs a", has_text="User tasks").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**tab=tasks*")
    page.locator("#tab-tasks").wait_for()
    assert "element=charge" in page.url
    assert page.locator("#tab-tasks tbody tr").count() == 0

    # when one looks closer
    page.get_by_role("link", name="Closer").click()
    page.wait_for_url("**zoom=*")
    page.get_by_role("link", name="All of it").click()
    page.get_by_role("link", name="All of it").wait_for(state="detached")


@pytest.mark.browser
def test_live_updates_keep_the_selection_and_the_place_on_the_page(open_page, engine, lived):
    page = open_page("/")
    page.clock.install()
    page.goto(page.url.rstrip("/") + f"/instances/{lived}?tab=variables&variable=amount&scope={lived}&element=charge")
    settle(page)
    page.evaluate("scrollTo(0, 500)")
    engine.execute(variables.set, lived, {"amount": 99})
    page.clock.fast_forward(4_000)
    page.locator("#versions .value", has_text="99").wait_for()
    assert page.evaluate("scrollY") == 500
    assert "chosen" in shape(page, "charge").get_attribute("class")


@pytest.mark.browser
def test_variable_is_edited_with_a_reason_and_found_elsewhere(open_page, engine, lived):
    page = open_page(f"/instances/{lived}?tab=variables")
    settle(page)
    page.get_by_role("button", name="Edit amount").click()
    page.locator("#variable-value").fill("{")
    assert page.locator("#edit-variable .json-note").inner_text() != ""
    page.locator("#variable-value").fill("31")
    give_reason(page, "edit-variable", "A typing error.")
    page.locator("#toasts", has_text="amount is set").wait_for()
    page.get_by_role("link", name="History of amount").click()
    page.locator("#versions", has_text="A typing error.").wait_for()
    page.get_by_role("link", name="Instances with this value of amount").click()
    page.locator("table.rows", has_text="order-0").wait_for()


@pytest.mark.browser
def test_timer_is_fired_and_message_delivered_in_a_browser(open_page, engine, waiting):
    page = open_page(f"/instances/{waiting}?tab=events")
    settle(page)
    page.get_by_role("button", name="Fire now").click()
    give_reason(page, "fire-timer", "It is time.")
    page.locator("#toasts", has_text="The timer has fired").wait_for()
    page.get_by_role("button", name="Deliver", exact=True).first.click()
    page.locator("#event-variables").fill('{"sum": 3}')
    give_reason(page, "deliver-event", "The bank called.")
    page.locator("h1 .state", has_text="Completed").wait_for()
    assert read.variables(engine, waiting)["sum"] == 3


@pytest.mark.browser
def test_decision_table_is_drawn_when_its_tab_is_opened(open_page, quote):
    page = open_page(f"/instances/{quote}?tab=variables")
    settle(page)
    page.locator("#tabs a", has_text="Decisions").click()
    page.locator("dmn-decision tr.matched").first.wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_every_tab_is_accessible_and_fits(open_page, lived, width, scheme):
    page = open_page(f"/instances/{lived}", viewport={"width": width, "height": 900}, color_scheme=scheme,
                     bypass_csp=True)
    origin = page.url.split("/instances")[0]
    for tab in (*TABS, "variables&at=2", f"variables&variable=amount&scope={lived}", "jobs&element=charge&zoom=0-5"):
        page.goto(f"{origin}/instances/{lived}?tab={tab}")
        settle(page)
        page.add_script_tag(path=str(AXE))
        found = page.evaluate(ALL)
        assert [(tab, violation["id"]) for violation in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
        if folder := os.environ.get("SCREENSHOTS"):
            name = re.sub(r"\W+", "-", tab)
            page.screenshot(path=f"{folder}/instance-{name}-{width}-{scheme}.png", full_page=True)
