"""The list of tasks in a real browser: keys, drafts, filters, and what moves while somebody types."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from engine import definitions, instances, variables
from engine.queries import instance as read
from engine.queries import lists
from engine.tasks import comments as task_comments
from engine.tasks import drafts as task_drafts
from engine.tasks import filters as task_filters
from engine.tasks import user_tasks
from tests.engine import drawing
from tests.web import axe
from tests.web.browsing import visit
from tests.web.conftest import HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture
def orders(engine, story):
    """Four orders at their task, the oldest first."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}", variables={"amount": number, "note": "as usual"})
            for number in range(4)]
    return [lists.user_tasks(engine, instance_key=key).items[0].key for key in keys]


def field(page, name):
    return page.locator(f'#task-form [name="field-{name}"]')


def kept(page):
    """Wait until the server has what was typed."""
    page.locator("[data-kept]", has_text="Draft kept").wait_for()


def draft(engine, task, person="operator"):
    found = task_drafts.of(engine, task, person)
    return found and found.content["fields"]


def test_keys_walk_through_the_list_open_claim_and_complete(open_page, engine, orders):
    # given
    page = open_page("/tasks?sort=oldest")
    focused = "document.activeElement.dataset.task"

    # when
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")

    # then
    assert page.evaluate(focused) == str(orders[1])
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"

    # when
    page.keyboard.press("Enter")
    page.wait_for_url(f"**task={orders[1]}*")
    page.keyboard.press("c")

    # then
    page.locator("#task-pane .facts", has_text="Assignee operator").wait_for()
    assert lists.user_task(engine, orders[1]).assignee == "operator"

    # when a field is typed into, letters are letters
    page.keyboard.press("f")
    field(page, "note").fill("")
    field(page, "note").press_sequentially("jack? c/k")
    assert field(page, "note").input_value() == "jack? c/k"
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+Enter")

    # then
    page.locator("#toasts", has_text="is completed").wait_for()
    assert lists.user_task(engine, orders[1]).state == "COMPLETED"
    assert page.locator(f"#task-{orders[1]}").count() == 0
    assert page.url.endswith("/tasks?sort=oldest")
    assert draft(engine, orders[1]) is None


def test_help_tells_the_keys_and_turns_them_off(open_page, orders):
    page = open_page("/tasks")
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard")
    assert "claim the task" in help_.inner_text()
    page.keyboard.press("j")
    help_.get_by_label("Single keys do these things").uncheck()
    help_.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert not help_.is_visible()
    assert page.evaluate("document.activeElement.dataset.task") is None


def test_draft_is_there_after_a_reload_and_in_another_browser_and_gone_when_completed(open_page, engine, orders):
    # given
    page = open_page(f"/tasks?task={orders[0]}")
    field(page, "amount").fill("17")
    page.get_by_label("Further variables").fill('{"approved": tr')
    kept(page)
    assert re.fullmatch(r"Draft kept \d\d:\d\d", page.locator("[data-kept]").inner_text())

    # when
    for other in (page, open_page(f"/tasks/{orders[0]}")):
        other.reload()
        # then
        assert field(other, "amount").input_value() == "17"
        assert other.get_by_label("Further variables").input_value() == '{"approved": tr'
        assert field(other, "note").input_value() == "as usual"
        kept(other)
    assert page.locator(f"#task-{orders[0]} .tag", has_text="Draft").count() == 1
    assert page.locator("#draft-conflict").count() == 0

    # when
    page.get_by_label("Further variables").fill('{"approved": true}')
    page.get_by_role("button", name="Complete").click()

    # then
    page.locator("#toasts", has_text="is completed").wait_for()
    row = lists.user_task(engine, orders[0])
    assert row.state == "COMPLETED"
    assert draft(engine, orders[0]) is None


def test_draft_is_kept_when_the_page_is_left_at_once(open_page, engine, orders):
    page = open_page(f"/tasks?task={orders[0]}")
    field(page, "amount").fill("23")
    visit(page, f"/tasks?task={orders[1]}")
    visit(page, f"/tasks?task={orders[0]}")
    page.wait_for_function("() => document.querySelector('[name=field-amount]').value === '23'", timeout=5000)
    assert draft(engine, orders[0]) == {"field-amount": ["23"]}


def test_draft_can_be_forgotten(open_page, engine, orders):
    page = open_page(f"/tasks?task={orders[0]}")
    field(page, "amount").fill("23")
    kept(page)
    page.get_by_role("button", name="Forget it").click()
    page.locator("#toasts", has_text="forgotten").wait_for()
    assert field(page, "amount").input_value() == "0"
    assert draft(engine, orders[0]) is None


def test_draft_of_a_camunda_form_is_put_back_into_it(open_page, engine):
    # given
    fields = ('<camunda:formField id="customer" label="Customer" type="string"/>'
              '<camunda:formField id="vip" label="VIP" type="boolean"/>')
    drawn = (f'<bpmn:userTask id="fill"><bpmn:extensionElements><camunda:formData>{fields}</camunda:formData>'
             "</bpmn:extensionElements></bpmn:userTask>")
    engine.execute(definitions.deploy, [drawing.file7(drawing.process("p", drawing.start(), drawn, drawing.end()))])
    engine.execute(instances.start, "p", variables={"customer": "nobody"})
    [task] = lists.user_tasks(engine).items
    page = open_page(f"/tasks?task={task.key}")
    page.wait_for_selector("camunda-form[data-ready]")

    # when
    page.get_by_label("Customer").fill("ACME")
    kept(page)
    page.reload()

    # then
    page.wait_for_selector("camunda-form[data-ready]")
    assert page.get_by_label("Customer").input_value() == "ACME"
    page.get_by_label("Customer").focus()
    page.keyboard.press("Control+Enter")
    page.locator("#toasts", has_text="is completed").wait_for()
    assert read.variables(engine, task.instance_key)["customer"] == "ACME"


def test_draft_whose_variables_have_changed_says_so_and_shows_what_is_new(open_page, engine, orders):
    # given
    page = open_page(f"/tasks?task={orders[0]}")
    field(page, "amount").fill("17")
    kept(page)

    # when
    instance = lists.user_task(engine, orders[0]).instance_key
    engine.execute(variables.set, instance, {"amount": 99, "note": "urgent"})
    page.reload()

    # then
    assert "amount, note" in page.locator("#draft-conflict").inner_text()
    assert field(page, "amount").input_value() == "17"
    assert field(page, "note").input_value() == "urgent"


def test_list_follows_the_engine_and_leaves_alone_what_is_typed(open_page, engine, story, orders):
    # given somebody who has typed, and looks elsewhere
    page = open_page("/")
    page.clock.install()
    visit(page, f"/tasks?task={orders[0]}")
    field(page, "amount").fill("17")
    field(page, "amount").evaluate("field => field.blur()")

    # when
    story.start(business_id="order-new", variables={"amount": 1})
    engine.execute(user_tasks.assign, orders[0], "bob")
    engine.execute(variables.set, lists.user_task(engine, orders[0]).instance_key, {"amount": 99})
    page.clock.fast_forward(6_000)

    # then
    page.locator(".task-item", has_text="order-new").wait_for()
    assert page.locator('#task-tabs a[aria-current]', has_text="All").inner_text().split() == ["All", "5"]
    assert field(page, "amount").input_value() == "17"
    page.locator("#task-changed", has_text="Somebody has changed this task").wait_for()

    # when
    page.get_by_role("link", name="Show it as it is now").click()
    page.locator("#task-pane .facts", has_text="Assignee bob").wait_for()
    assert field(page, "amount").input_value() == "17"


def test_page_is_not_renewed_under_a_field_that_is_typed_into(open_page, story, orders):
    page = open_page("/")
    page.clock.install()
    visit(page, f"/tasks?task={orders[0]}")
    field(page, "amount").focus()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(20_000)
    page.evaluate("() => fetch('/health')")
    assert [url.rsplit("/", 1)[1] for url in asked] == ["health"]


def test_filter_is_kept_with_its_count_shared_changed_and_deleted(open_page, engine, orders):
    # given
    engine.execute(user_tasks.change, orders[2], {"priority": 90})
    page = open_page("/tasks")
    page.get_by_text("More filters").click()
    page.get_by_label("Priority from").fill("60")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**priority_from=60*")
    assert page.locator(".task-item").count() == 1

    # when
    page.get_by_role("button", name="Keep as a filter").click()
    dialog = page.get_by_role("dialog", name="Keep this filter")
    dialog.get_by_label("Name").fill("Hot ones")
    dialog.get_by_label("Everybody may use it").check()
    dialog.get_by_role("button", name="Keep the filter").click()

    # then
    page.wait_for_url("**filter=*")
    assert page.locator("#task-tabs a[aria-current]").inner_text().split() == ["Hot", "ones", "1"]
    assert page.locator(".task-item", has_text="order-2").count() == 1
    [filter_] = task_filters.visible_to(engine, "somebody else")
    assert (filter_.name, filter_.owner, dict(filter_.criteria)) == ("Hot ones", "operator", {"priority_from": "60"})

    # when the name is taken
    page.get_by_label("Search", exact=True).fill("order")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**q=order*")
    page.get_by_role("button", name="Keep as a filter").click()
    dialog.get_by_label("Name").fill("Hot ones")
    dialog.get_by_role("button", name="Keep the filter").click()
    dialog.locator(".form-error", has_text="none of your filters has").wait_for()
    dialog.get_by_role("button", name="Go back").click()

    # when it is deleted
    page.get_by_role("button", name="Delete this filter").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the filter").click()
    page.locator("#toasts", has_text="The filter is gone").wait_for()
    assert task_filters.visible_to(engine, "operator") == []


def test_task_is_assigned_delegated_and_resolved_each_by_whom_it_concerns(open_page, engine, orders):
    # given a task that nobody has
    page = open_page(f"/tasks?task={orders[0]}")
    page.get_by_role("button", name="Delegate").focus()
    page.keyboard.press("Enter")
    assert page.locator("#task-pane .why").inner_text() == \
        "Nobody has the task yet. Only who has a task can delegate it."
    assert page.get_by_role("button", name="Delegate").get_attribute("aria-disabled") == "true"

    # when
    page.locator("#task-pane").get_by_role("button", name="Claim").click()
    page.locator("#task-pane .facts", has_text="Assignee operator").wait_for()
    page.get_by_role("button", name="Delegate").click()
    page.locator("#delegate-task").get_by_label("Name").fill("ann")
    page.locator("#delegate-task").get_by_role("button", name="Delegate").click()

    # then
    page.locator("#task-pane .facts", has_text="Owner operator").wait_for()
    assert "It cannot be completed now. The task is delegated: ann resolves it first." in page.content()
    assert lists.user_task(engine, orders[0]).delegation == "PENDING"

    # when ann resolves it
    other = open_page("/")
    act_as(other, "ann", "law")
    visit(other, f"/tasks?view=mine&task={orders[0]}")
    assert "gives it back to operator" in other.content()
    field(other, "amount").fill("12")
    other.get_by_role("button", name="Complete").click()
    other.locator("#toasts", has_text="goes back to operator").wait_for()

    # then
    row = lists.user_task(engine, orders[0])
    assert (row.assignee, row.delegation, row.state) == ("operator", "RESOLVED", "CREATED")
    page.reload()
    assert field(page, "amount").input_value() == "12"

    # when
    page.get_by_role("button", name="Assign").click()
    page.locator("#assign-task").get_by_label("Name").fill("bob")
    page.locator("#assign-task").get_by_role("button", name="Assign").click()
    page.locator("#task-pane .facts", has_text="Assignee bob").wait_for()
    acts = [(act.actor, act.operation) for act in lists.audit(engine, entity="USER_TASK").items]
    assert acts == [("operator", "ASSIGN"), ("ann", "RESOLVE"), ("operator", "DELEGATE"), ("operator", "CLAIM")]


def act_as(page, name, groups):
    page.get_by_role("button", name="You act as").click()
    page.locator("#who").get_by_label("Name").fill(name)
    page.locator("#who").get_by_label("Groups").fill(groups)
    page.get_by_role("button", name="Use this name").click()
    page.locator("#toasts", has_text=f"You act as {name}").wait_for()


def test_groups_of_a_person_make_his_list(open_page, orders):
    page = open_page("/tasks?view=groups")
    page.get_by_text("Nothing to claim for your groups").wait_for()
    act_as(page, "ada", "law, sales")
    visit(page, "/tasks?view=groups")
    assert page.locator(".task-item").count() == 4


def test_tasks_that_are_late_or_soon_due_are_marked(open_page, engine, orders):
    now = engine.clock()
    for task, changes in zip(orders, ({"due_at": now - timedelta(hours=2)}, {"due_at": now + timedelta(hours=2)},
                                      {"due_at": now + timedelta(days=3), "priority": 70},
                                      {"follow_up_at": now - timedelta(minutes=1)}), strict=True):
        engine.execute(user_tasks.change, task, changes)
    page = open_page("/tasks?sort=due")
    marks = [page.locator(f"#task-{task} .task-marks").inner_text().replace("\n", " ") for task in orders]
    assert [mark.split(" ", 1)[0] for mark in marks] == ["Overdue", "Due", "Due", "Follow"]
    assert page.locator(f"#task-{orders[0]} .state[data-state=incident]").count() == 1
    assert page.locator(f"#task-{orders[1]} .state[data-state=stalled]").count() == 1
    assert "Priority 70" in marks[2]
    assert page.locator("#task-tabs a", has_text="Overdue").inner_text().split() == ["Overdue", "1"]
    visit(page, "/tasks?view=overdue")
    assert page.locator(".task-item").count() == 1


@pytest.fixture
def hostile(engine, story, orders):
    """Whatever people can name is HTML."""
    engine.execute(user_tasks.change, orders[0], {
        "name": HOSTILE, "description": HOSTILE, "candidate_groups": [HOSTILE], "candidate_users": [HOSTILE],
        "owner": HOSTILE, "priority": 99, "due_at": engine.clock() - timedelta(days=1)})
    engine.acting_as(HOSTILE).execute(task_comments.add, orders[0], HOSTILE)
    key = engine.acting_as("operator").execute(task_filters.save, HOSTILE[:75], {"q": HOSTILE[:20]}, shared=True)
    engine.acting_as("operator").execute(task_drafts.keep, orders[0], {
        "fields": {"field-note": ["</script><script>document.title='broken in'</script>"]}}, {"</script>": HOSTILE})
    engine.execute(instances.suspend, lists.user_task(engine, orders[0]).instance_key, HOSTILE)
    return f"/tasks?task={orders[0]}", f"/tasks/{orders[0]}", f"/tasks?filter={key}&task={orders[0]}"


def test_untrusted_text_never_becomes_markup(open_page, hostile):
    page = open_page("/tasks")
    page.on("dialog", lambda dialog: pytest.fail("A script of somebody else ran."))
    for path in (*hostile, "/tasks?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E&group=%3Cimg%3E"):
        visit(page, path)
        assert page.locator("img").count() == 0, path
        assert page.title() != "broken in", path


def test_pages_of_tasks_meet_wcag_aa_and_fit_every_screen(open_page, hostile):
    page = open_page("/")
    for path in hostile:
        visit(page, path)
        if "filter" in path:
            page.keyboard.press("?")
        assert axe.troubles(page) == [], path
        for width in (360, 890, 910, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
