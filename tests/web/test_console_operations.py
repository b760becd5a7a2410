"""Operations in the console: the plan is shown before anything is done, and the report after it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from engine import instances
from engine.cluster import nodes
from engine.cluster.nodes import Node
from engine.operations import carrying, cleaning, plans
from engine.queries import instance as one
from engine.queries import instances as listed
from engine.queries import lists
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from engine.work import holds
from tests.web import axe
from tests.web.browsing import visit
from tests.web.conftest import HOSTILE

WHY = "The bank is back."


def key_of(response):
    assert response.status_code == 303, response.text
    return int(re.search(r"/operations/(\d+)", response.headers["Location"])[1])


def work(engine):
    while carrying.work(engine):
        pass


def test_a_filter_is_planned_applied_and_reported(console, engine, failed_instance):
    page = console.text("/operations/new?kind=RETRY&of=all&query=state%3Dincident")
    assert "instance of the list" in page
    key = key_of(console.post("/operations", {"kind": "RETRY", "query": "state=incident", "retries": "2"}))
    page = console.text(f"/operations/{key}")
    assert "Nothing was done yet." in page
    assert "Tries again" in page
    assert HOSTILE not in page
    assert lists.incidents(engine).total == 1
    console.post(f"/operations/{key}/application", {"reason": WHY})
    work(engine)
    assert lists.incidents(engine).total == 0
    page = console.text(f"/operations/{key}")
    assert WHY in page
    assert "are being watched" in page
    assert "Retry what failed" in console.text("/operations")
    listing = console.text(f"/instances?operation={key}")
    assert "order-0" in listing
    assert "order-1" not in listing
    assert "Retry what failed" in console.text(f"/instances/{failed_instance}?tab=operations")


def test_chosen_instances_only(console, engine, failed_instance):
    keys = [row.key for row in listed.search(engine, InstanceFilter()).items]
    made = key_of(console.post("/operations", {"kind": "SUSPEND", "chosen": f"{keys[0]} {keys[1]}"}))
    assert {item.instance_key for item in found.items(engine, made).items} == set(keys[:2])
    refused = console.get("/operations/new?kind=SUSPEND&of=chosen&query=")
    assert refused.status_code == 422
    assert "none is" in refused.text


FORMS = [
    ("SET_VARIABLES", {"variables": '{"amount": 12}'}, "amount: 10 → 12"),
    ("SET_RETRIES", {"retries": "5"}, "0 → 5 attempts left"),
    ("MODIFY", {"source": "charge", "target": "check"}, "Moves the tokens of"),
    ("RESTART", {"at": "check", "variables": "{}"}, "Goes on from"),
    ("CANCEL", {}, "Ends for good"),
    ("SUSPEND", {}, "Rests until"),
    ("RETRY", {"element": "charge"}, "Tries again"),
]


@pytest.mark.parametrize(("kind", "fields", "change"), FORMS)
def test_every_kind_has_a_form_and_says_what_changes(console, engine, failed_instance, kind, fields, change):
    element = lists.incidents(engine).items[0].element_id
    fields = {name: value.replace("charge", element) if name in ("source", "element") else value
              for name, value in fields.items()}
    page = console.text(f"/operations/new?kind={kind}&chosen={failed_instance}")
    for name in fields:
        assert f'name="{name}"' in page
    made = key_of(console.post("/operations", {"kind": kind, "chosen": str(failed_instance), **fields}))
    assert change in console.text(f"/operations/{made}")


def test_migration_and_messages(console, engine, story, failed_instance):
    story.deploy()
    page = console.text(f"/operations/new?kind=MIGRATE&chosen={failed_instance}")
    assert "There is no other version" in page
    assert console.post("/operations", {"kind": "MIGRATE", "chosen": str(failed_instance)}).status_code == 422
    made = key_of(console.post("/operations", {"kind": "DELIVER", "chosen": str(failed_instance), "message": "Paid"}))
    page = console.text(f"/operations/{made}")
    assert "nobody does" in page
    assert "Nothing can be done" in page
    assert 'id="apply"' not in page


def test_services_are_held_by_a_plan(console, engine, failed_instance):
    assert 'name="service"' in console.text("/operations/new?kind=HOLD&service=charge-card")
    made = key_of(console.post("/operations", {"kind": "HOLD", "service": "charge-card"}))
    console.post(f"/operations/{made}/application", {"reason": WHY})
    assert [each.service for each in holds.all_of_them(engine)] == ["charge-card"]
    work(engine)
    assert found.operation(engine, made).state == "DONE"
    assert "Open jobs that are handed out again" in console.text("/services/charge-card/preview?kind=RELEASE")


def test_pause_go_on_stop_and_plan_again(console, engine, failed_instance):
    made = key_of(console.post("/operations", {"kind": "SUSPEND", "query": ""}))
    refused = console.post(f"/operations/{made}/application", {"reason": ""})
    assert refused.status_code == 422
    console.post(f"/operations/{made}/application", {"reason": WHY})
    for act, state in (("pause", "PAUSED"), ("resumption", "RUNNING"), ("stop", "STOPPED")):
        console.post(f"/operations/{made}/{act}", {"reason": f"For {act}."})
        assert found.operation(engine, made).state == state
        page = console.text(f"/operations/{made}")
        # while it rests, the page says whose doing that is, and why, beside why it was applied
        assert WHY in page
        assert (f"For {act}." in page) == ("Why it was applied" in page) == (state != "RUNNING")
    again = key_of(console.post(f"/operations/{made}/repetition"))
    assert found.operation(engine, again).repeats_key == made
    assert found.operation(engine, again).total == 3
    # and the new one leads to the old one as long as that is kept
    link = f'href="/operations/{made}"'
    assert link in console.text(f"/operations/{again}")
    engine.execute(cleaning.clean, timedelta(days=-1), 100)
    assert console.get(f"/operations/{made}").status_code == 404
    assert link not in console.text(f"/operations/{again}")


def test_consent_is_asked_for_what_cannot_be_taken_back(console, engine, failed_instance):
    made = key_of(console.post("/operations", {"kind": "CANCEL", "chosen": str(failed_instance)}))
    assert 'name="consent" required' in console.text(f"/operations/{made}")
    assert console.post(f"/operations/{made}/application", {"reason": WHY}).status_code == 422
    console.post(f"/operations/{made}/application", {"reason": WHY, "consent": "on"})
    # One instance is done at once, because somebody waits for it.
    assert one.get(engine, failed_instance).state == "TERMINATED"


def test_dialogs_say_beforehand_what_an_action_changes(console, engine, failed_instance):
    before = one.get(engine, failed_instance)
    assert "Ends for good" in console.text(f"/instances/{failed_instance}/preview?kind=CANCEL")
    assert "Tries again" in console.text(f"/instances/{failed_instance}/preview?kind=RETRY")
    assert "running" in console.text(f"/instances/{failed_instance}/preview?kind=RESUME")
    assert one.get(engine, failed_instance) == before
    assert console.get(f"/instances/{failed_instance}/preview?kind=DANCE").status_code == 422


def test_reports_are_files_that_no_spreadsheet_runs(console, engine, story):
    story.deploy()
    story.start(business_id="=cmd()")
    made = key_of(console.post("/operations", {"kind": "SUSPEND", "query": ""}))
    rows = list(csv.DictReader(io.StringIO(console.text(f"/operations/{made}/report.csv"))))
    assert [row["label"] for row in rows] == ["'=cmd()"]
    report = console.get(f"/operations/{made}/report.json").json
    assert (report["operation"]["kind"], len(report["items"])) == ("SUSPEND", 1)
    assert console.get(f"/operations/{made}/report.pdf").status_code == 422


def test_large_plans_get_ready_in_the_background(console, engine, story, monkeypatch):
    monkeypatch.setattr("web.console.changing.AT_ONCE", 0)
    story.deploy()
    story.start()
    made = key_of(console.post("/operations", {"kind": "SUSPEND", "query": ""}))
    page = console.text(f"/operations/{made}")
    assert "0 of 1 instances are looked at" in page
    assert 'id="apply"' not in page
    work(engine)
    assert found.operation(engine, made).state == "PLANNED"


def test_it_is_said_when_nobody_would_carry_out_what_is_applied(console, engine, failed_instance):
    made = key_of(console.post("/operations", {"kind": "SUSPEND", "query": ""}))
    console.post(f"/operations/{made}/application", {"reason": WHY})
    for path in ("/operations", f"/operations/{made}"):
        assert "No node with a scheduler is alive" in console.text(path)
    engine.execute(nodes.join, Node(roles=["web", "scheduler"]))
    for path in ("/operations", f"/operations/{made}"):
        assert "No node with a scheduler" not in console.text(path)


def test_what_is_not_there(console):
    assert console.get("/operations/7").status_code == 404
    assert console.get("/operations/new?kind=X").status_code == 422
    assert "No instance is meant" in console.text("/operations/new?kind=CANCEL&of=all&query=process%3Dnone")
    assert "No operations yet" in console.text("/operations")
    assert "No operation matches" in console.text("/operations?kind=CANCEL")


@pytest.mark.browser
def test_instances_are_ticked_planned_and_cancelled(open_page, engine, failed_instance):
    # given
    page = open_page("/instances")
    bar = page.locator("#bulk")
    assert bar.locator("select[name=of]").input_value() == "all"

    # when two are ticked
    page.get_by_role("checkbox", name="Tick order-1", exact=True).check()
    page.get_by_role("checkbox", name="Tick order-2", exact=True).check()
    assert bar.locator("select[name=of] option:checked").inner_text() == "2 chosen"
    bar.get_by_label("What to do").select_option("CANCEL")
    bar.get_by_role("button", name="Plan it").click()
    page.get_by_role("button", name="Show what it would do").click()

    # then the plan has these two, and nothing was done
    page.get_by_role("heading", name="Apply to 2 instances").wait_for()
    assert {listed.search(engine, InstanceFilter(states=["terminated"])).total} == {0}

    # when it is applied, with the word that it cannot be taken back
    page.get_by_label("Why would you do that?").first.fill(WHY)
    page.get_by_label("I know what I am doing").check()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_text("are being watched").wait_for()
    work(engine)

    # then the page comes to show it by itself
    page.get_by_text("all 2 instances have their outcome").wait_for()
    assert listed.search(engine, InstanceFilter(states=["terminated"])).total == 2


@pytest.mark.browser
def test_a_plan_that_gets_ready_meanwhile_can_be_applied_on_its_page(open_page, engine, failed_instance):
    # given somebody who looks at a plan that is still made
    operation = engine.execute(plans.plan, "SUSPEND", {}, InstanceFilter(key=failed_instance))
    page = open_page(f"/operations/{operation}")
    page.get_by_text("It is found out what would change").wait_for()
    assert page.locator("#apply").count() == 0

    # when it is ready
    work(engine)

    # then it can be applied without loading the page again
    page.locator("#apply").get_by_label("Why would you do that?").fill(WHY)
    page.locator("#apply").get_by_role("button").click()
    page.get_by_text("1 of 1 have their outcome").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("kind", [kind for kind, _, _ in FORMS])
def test_every_form_works_in_a_browser(open_page, failed_instance, kind):
    page = open_page(f"/operations/new?kind={kind}&chosen={failed_instance}")
    fields = {"SET_VARIABLES": ("Variables", '{"amount": 12}'), "MODIFY": ("Take the tokens of", "check"),
              "RESTART": ("Go on from", "check")}
    if kind in fields:
        label, text = fields[kind]
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Show what it would do").click()
    page.get_by_text("This is the plan. Nothing was done yet.").wait_for()


@pytest.mark.browser
def test_a_dialog_shows_what_would_change_before_it_asks_why(open_page, failed_instance):
    page = open_page(f"/instances/{failed_instance}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.locator("#cancel .preview", has_text="Ends for good").wait_for()
    # and leads to the report of what came of it
    page.locator("#cancel").get_by_label("Why would you do that?").fill(WHY)
    page.locator("#cancel").get_by_role("button", name="Cancel the instance").click()
    page.locator("#toasts").get_by_role("link", name="Report").click()
    page.get_by_text("Done: 1 instance has its outcome.").wait_for()
    assert page.get_by_text(WHY).is_visible()


@pytest.mark.browser
def test_pages_of_operations_fit_and_meet_wcag_aa(open_page, console, engine, failed_instance):
    made = key_of(console.post("/operations", {"kind": "RETRY", "query": ""}))
    ended = key_of(console.post("/operations", {"kind": "SUSPEND", "query": ""}))
    engine.execute(plans.apply, ended, HOSTILE)
    work(engine)
    engine.execute(instances.resume, failed_instance, WHY)
    page = open_page("/")
    kinds = ("RETRY", "MIGRATE", "MODIFY", "HOLD")
    for path in ("/operations", f"/operations/{made}", f"/operations/{ended}", "/instances",
                 *(f"/operations/new?kind={kind}&of=all&query=" for kind in kinds)):
        visit(page, path)
        for width in (360, 800, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert axe.troubles(page) == [], path
        assert "broken in" not in page.title()
