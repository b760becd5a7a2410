"""Modify, migrate, restart, review a deployment and pause a process, in a real browser."""

from __future__ import annotations

import pytest

from engine import instances
from engine.queries import definitions as known
from engine.queries import instance as read
from engine.queries import operations
from tests.web.axe import ALL, AXE
from tests.web.browsing import give_reason, settle, visit
from tests.web.test_changing_pages import carry_out, deploy, places, renamed

pytestmark = pytest.mark.browser


def drawn(page, id="diagram"):
    page.wait_for_selector(f"bpmn-diagram#{id}[data-ready]")
    return page.locator(f"bpmn-diagram#{id}")


def sign(page, element, id="diagram"):
    return drawn(page, id).locator(f'.djs-overlays[data-container-id="{element}"] .badge[data-sign]')


def shape(page, element, id):
    return drawn(page, id).locator(f'g.djs-element[data-element-id="{element}"]')


def plan_of(page):
    """The key of the plan whose page is shown."""
    page.wait_for_url("**/operations/*")
    return int(page.url.split("?")[0].rsplit("/", 1)[1])


def accessible(page):
    page.evaluate(AXE.read_text())    # not as a script tag, which the policy of the page refuses
    found = page.evaluate(ALL)
    assert [(broken["id"], node["target"]) for broken in found["violations"] for node in broken["nodes"]] == []


def fits(page):
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_token_is_moved_by_clicks_on_the_diagram(open_page, engine, story):
    # given
    story.deploy()
    key = story.start()
    page = open_page(f"/instances/{key}/modify")

    # when an element is clicked
    drawn(page).locator('g.djs-element[data-element-id="charge"] .djs-hit').click()

    # then it is chosen in the form
    page.get_by_role("button", name="Move here from Check the order").wait_for()
    assert page.locator("#chosen").input_value() == "charge"

    # when
    page.get_by_role("button", name="Move here from Check the order").click()

    # then the diagram shows what would be, and nothing is changed
    sign(page, "charge").wait_for()
    assert sign(page, "charge").inner_text() == "+1"
    assert sign(page, "check").inner_text() == "−1"
    page.get_by_text("Goes from Check the order to Charge the card.").wait_for()
    assert places(engine, key) == ["check"]

    # when the variables are no JSON
    field = page.get_by_label("Variables to set")
    field.fill("{paid")
    assert not field.evaluate("field => field.validity.valid")
    field.fill('{"paid": true}')
    with page.expect_response("**/modify"):
        field.blur()
    accessible(page)
    page.get_by_role("button", name="Plan this modification").click()
    operation = plan_of(page)

    # then
    carry_out(engine, operation)
    assert places(engine, key) == ["charge"]
    assert read.variables(engine, key)["paid"] is True


def test_a_modification_is_planned_by_keyboard_and_without_scripts(open_page, engine, story):
    # given
    story.deploy()
    key = story.start()
    page = open_page(f"/instances/{key}/modify", java_script_enabled=False)

    # when
    page.get_by_label("Chosen element").select_option("charge")
    page.get_by_role("button", name="Choose", exact=True).press("Enter")
    page.get_by_role("button", name="Add a token here").press("Enter")
    page.get_by_label("Chosen element").select_option("check")
    page.get_by_role("button", name="Choose", exact=True).press("Enter")
    page.get_by_role("button", name="Cancel the token here").press("Enter")
    assert page.locator(".steps-list li").count() == 2
    page.get_by_role("button", name="Remove step 1").press("Enter")
    assert page.locator(".steps-list li").count() == 1
    page.get_by_role("button", name="Plan this modification").press("Enter")

    # then
    operation = operations.operation(engine, plan_of(page))
    assert operation.parameters == {"takes": [{"key": None, "element": "check"}]}


def test_an_ended_instance_is_restarted_from_a_clicked_element(open_page, engine, story):
    # given
    story.deploy()
    key = story.start(business_id="order-1")
    engine.execute(instances.cancel, key, "A mistake.")
    page = open_page(f"/instances/{key}")
    settle(page)

    # when
    page.get_by_text("More", exact=True).click()
    page.locator(f'a[href="/instances/{key}/restart"]').click()
    page.wait_for_url("**/restart")
    diagram = page.locator("bpmn-diagram[data-ready]")
    diagram.locator('g.djs-element[data-element-id="charge"] .djs-hit').click()

    # then
    page.get_by_text("A new instance starts at Charge the card.").wait_for()
    accessible(page)

    # when
    page.get_by_role("button", name="Plan this restart").click()
    operation = plan_of(page)
    carry_out(engine, operation)

    # then
    made = int(operations.items(engine, operation).items[0].result["made"])
    assert places(engine, made) == ["charge"]
    assert read.get(engine, made).business_id == "order-1"


def test_instances_are_migrated_with_a_mapping_that_is_mended_on_the_page(open_page, engine, story):
    # given a new version in which nothing tells what became of the task
    first = story.deploy()
    keys = [story.start(business_id=f"order-{number}") for number in range(2)]
    content = renamed(check="look", charge="debit", received="came").replace(
        b'name="Check the order"', b'name="Look"').replace(b'name="Charge the card"', b'name="Debit"')
    second = deploy(engine, content)
    page = open_page("/processes/review")
    settle(page)

    # when
    page.get_by_role("link", name="Migrate to version 2").click()
    page.wait_for_url("**/migrate**")

    # then the two diagrams show what differs
    assert "removed" in shape(page, "check", f"old-{first.key}").get_attribute("class")
    assert "added" in shape(page, "look", f"new-{second.key}").get_attribute("class")
    page.get_by_text("2 cannot").wait_for()
    row = page.locator('tr[data-state="incident"]', has_text="Check the order")
    assert "tokens are there" in row.inner_text() or "counterpart" in row.inner_text()
    accessible(page)

    # when
    page.get_by_label("What Check the order becomes").select_option("look")

    # then
    page.get_by_text("2 can be migrated with this mapping").wait_for()

    # when one is selected
    page.get_by_label("Only the selected ones").check()
    page.locator('input[name=key]:not([disabled])').first.wait_for()
    page.get_by_label("Select order-0").check()
    page.get_by_role("button", name="Plan this migration").and_(page.locator(":enabled")).wait_for()
    page.get_by_role("button", name="Plan this migration").click()
    operation = plan_of(page)

    # then
    carry_out(engine, operation)
    assert [places(engine, key) for key in keys] == [["look"], ["check"]]


def test_what_a_deployment_changes_is_seen_before_it_is_done(open_page, engine, story):
    # given
    story.deploy()
    story.start()
    page = open_page("/deployments/new")

    # when
    page.set_input_files("input[type=file]", {
        "name": "review.bpmn", "mimeType": "application/xml", "buffer": renamed(check="look")})
    page.get_by_role("button", name="See what changes first").click()

    # then
    assert "removed" in shape(page, "check", "old-1").get_attribute("class")
    assert "added" in shape(page, "look", "new-1").get_attribute("class")
    assert "changed" in shape(page, "to_charge", "new-1").get_attribute("class")
    assert page.get_by_text("All of them could be migrated to the new one.").is_visible()
    assert len(known.versions(engine, "review")) == 1
    accessible(page)

    # when
    page.get_by_role("button", name="Deploy").click()

    # then it says what to do about the instance that is under way
    page.wait_for_url("**/processes/review**")
    assert page.get_by_role("link", name="Migrate to version 2").is_visible()
    assert known.versions(engine, "review")[0].version == 2


def test_new_starts_are_paused_and_resumed(open_page, engine, story):
    # given
    story.deploy()
    page = open_page("/processes/review")
    settle(page)

    # when
    page.get_by_role("button", name="Pause new starts").first.click()
    give_reason(page, "pause-starts", "The bank is down.")

    # then
    page.locator(".sentence", has_text="The bank is down.").wait_for()
    disabled = page.locator('[aria-disabled="true"]', has_text="Start an instance")
    assert "Resume them first" in disabled.get_attribute("title")
    accessible(page)

    # when
    page.get_by_role("button", name="Resume new starts").first.click()
    give_reason(page, "resume-starts", "It is back.")

    # then
    page.get_by_role("button", name="Start an instance").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_these_pages_fit_a_phone_and_are_accessible(open_page, engine, story, scheme):
    first = story.deploy()
    key = story.start()
    deploy(engine, renamed(check="look"))
    page = open_page("/", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    for path in (f"/instances/{key}/modify?element=charge", f"/instances/{key}/restart?element=charge", "/migrate",
                 f"/migrate?from={first.key}", "/processes/review", "/deployments/new"):
        visit(page, path)
        fits(page)
        accessible(page)
