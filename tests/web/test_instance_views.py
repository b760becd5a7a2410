"""The list of instances: filters, chips, columns, kept views, and the diagram above it."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from urllib.parse import parse_qs, urlparse

import pytest

from engine import instances, views
from engine.queries import instances as lists
from engine.queries import lists as all_lists
from engine.queries import matching, narrowing, walking
from engine.queries import orders as by_order
from engine.tasks import user_tasks
from tests.web.axe import ALL, AXE
from tests.web.browsing import badge, diagram, settle, shape
from tests.web.conftest import HOSTILE
from web.console.instance_query import Query


@pytest.fixture
def orders(engine, story):
    """Six orders with amounts 0 to 50; the first is at the service, the others at the user task."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}",
                        variables={"amount": number * 10, "note": HOSTILE, "gift": False}) for number in range(6)]
    engine.execute(user_tasks.complete, all_lists.user_tasks(engine, instance_key=keys[0]).items[0].key, {})
    return keys


def listed(html):
    return set(re.findall(r'<a href="/instances/\d+">(order-\d)</a>', html))


def chips(html):
    """What each chip says, and the arguments that are left without it."""
    found = re.findall(r'<span class="chip"><span>(.*?): <b>(.*?)</b></span><a href="([^"]*)"', html)
    return {f"{label} {value}": parse_qs(urlparse(unescape(link)).query) for label, value, link in found}


@pytest.mark.parametrize(("query", "expected"), [
    ("variable=amount&operator=gte&value=30", {"order-3", "order-4", "order-5"}),
    ("variable=amount&operator=gt&value=10&variable2=amount&operator2=lt&value2=40", {"order-2", "order-3"}),
    ("variable=amount&value=20&variable3=gift&operator3=exists", {"order-2"}),
    ("variable=amount&operator=neq&value=20&variable2=note&operator2=contains&value2=ONERROR&element=charge",
     {"order-0"}),
    ("variable=nothing&operator=exists", set()), ("retries=5", set()),
    ("ended_to=2030-01-01T00:00", set()),
])
def test_filters_are_in_the_address(console, orders, query, expected):
    assert listed(console.text(f"/instances?{query}")) == expected
    found = json.loads(console.text(f"/instances.json?{query}"))
    assert {row["business_id"] for row in found} == expected
    assert console.get(f"/api/instances?{query}").json["total"] == len(expected)


def test_each_chip_takes_one_filter_away(console, orders):
    html = console.text("/instances?process=review&state=active&variable2=amount&operator2=gt&value2=10&element=check"
                        "&offset=0&column=state")
    found = chips(html)
    assert set(found) == {"Process review", "Element check", "amount &gt; 10"}
    assert found["amount &gt; 10"] == {"process": ["review"], "state": ["active"], "element": ["check"],
                                       "column": ["state"]}
    assert "variable2" in found["Element check"]


def test_columns_are_those_of_the_address_and_its_files_follow(console, orders):
    html = console.text("/instances?column=key&column=duration&shown=amount,+gift,amount,missing&sort=business_id")
    heads = [re.sub(r"<.*?>", "", head).split() for head in re.findall(r"<th(?: [^>]*)?>(.*?)</th>", html, re.S)]
    assert [head[0] for head in heads if head][-6:] == ["Instance", "Duration", "Key", "amount", "gift", "missing"]
    link = unescape(re.search(r'href="([^"]+)" download>CSV', html)[1])
    rows = list(csv.DictReader(io.StringIO(console.text(link))))
    assert list(rows[0]) == ["key", "business_id", "duration_seconds", "variable amount", "variable gift",
                             "variable missing"]
    assert [row["variable amount"] for row in rows] == ["0", "10", "20", "30", "40", "50"]
    assert rows[0]["variable gift"] == "false"


def test_value_of_a_variable_is_shown_as_text(console, orders):
    html = console.text("/instances?shown=note")
    assert "<script>document" not in html
    assert "&lt;script&gt;" in html


def test_view_is_kept_counted_shared_and_deleted(console, engine, orders):
    # when
    query = "variable=amount&operator=gt&value=20&column=state&sort=-key&view=99&offset=50&state=waiting"
    sent = console.post("/instances/views", {"name": " Dear  ones ", "query": query, "shared": "on"})

    # then
    assert sent.status_code == 303
    html = console.text(sent.headers["Location"])
    tab = re.search(r'<a href="([^"]+)" aria-current="page">Dear ones <span class="count">3</span>', html)
    assert tab
    assert listed(html) == {"order-3", "order-4", "order-5"}
    assert "Keep as a view" not in html
    [row] = all_lists.audit(engine, entity="VIEW").items
    assert (row.operation, row.details["name"], row.details["shared"]) == ("SAVE", "Dear ones", True)

    # when something more is chosen
    changed = console.text(unescape(tab[1]) + "&element=check")
    assert "What you see differs from the view" in changed
    key = re.search(r"view=(\d+)", tab[1])[1]
    sent = console.post("/instances/views", {"name": "Other", "query": "state=active", "key": key})
    assert "Other" in console.text(sent.headers["Location"])

    # when
    console.post(f"/instances/views/{key}/removal")
    assert "Other" not in console.text("/instances")
    assert [row.operation for row in all_lists.audit(engine, entity="VIEW").items] == ["DELETE", "SAVE", "SAVE"]


@pytest.mark.parametrize(("name", "query", "words"), [
    ("", "state=active", "name"), ("x", "state=lost", "Expected a state"), ("x", "key=abc", "number"),
    ("x", "variable=a&operator=worse&value=1", "Expected one of"), ("x", "variable=a&operator=gt", "value"),
    ("x", "started_from=yesterday", "date"), ("x" * 81, "state=active", "80"), ("x", "error=" + "e" * 5000, "4000"),
])
def test_view_that_could_not_be_shown_is_refused(console, name, query, words):
    response = console.post("/instances/views", {"name": name, "query": query})
    assert response.status_code in (400, 422), response.status_code
    assert words in response.text
    assert console.get("/instances").status_code == 200


def test_view_of_somebody_else_is_his(app, console, engine):
    engine.acting_as("ada").execute(views.save, "Hers", "state=active", shared=True)
    html = console.text("/instances")
    assert 'title="Shared by ada"' in html
    key = re.search(r"view=(\d+)", html)[1]
    assert console.post("/instances/views", {"name": "Mine", "query": "", "key": key}).status_code == 404
    assert console.post(f"/instances/views/{key}/removal").status_code == 404


@pytest.mark.parametrize("query", [
    "", "state=active&state=held", "process=a+b&version=2&element=%26", "variable=a&value=1&variable4=b&operator4=null",
    "column=tags&column=key&shown=x,y&sort=ended_at", "started_from=2026-01-01T00:00&tenant=t&retries=0",
])
def test_address_says_the_same_again(query):
    once = Query.parse(query)
    assert Query.parse(once.address) == once


def test_names_of_flask_in_an_address_break_nothing(console, orders):
    for path in ("/instances", "/reports", "/hotspot", "/processes/review"):
        assert console.get(f"{path}?endpoint=x&_external=1&form=x&name=y&_anchor=z&self=1").status_code == 200, path


def test_page_says_how_many_were_asked_and_offers_to_look_through_all(console, orders, monkeypatch):
    # given that even few are many, and two conditions that many fit
    for module in (lists, matching, narrowing, walking, by_order):
        monkeypatch.setattr(module, "COUNTED", 2)
    for module in (lists, narrowing, walking, by_order):
        monkeypatch.setattr(module, "LOOKED_THROUGH", 3)
    query = "variable=gift&operator=exists&variable2=amount&operator2=lt&value2=30"

    # when the page comes, then it says that only some were asked, while a file has all
    html = console.text(f"/instances?{query}")
    assert "only the first 3 in this order were asked" in html
    assert listed(html) < {"order-0", "order-1", "order-2"}
    assert len(json.loads(console.text(f"/instances.json?{query}"))) == 3

    # and the link looks through all
    [link] = re.findall(r'<a href="([^"]*thorough=1[^"]*)">Look through all<', html)
    html = console.text(unescape(link))
    assert listed(html) == {"order-0", "order-1", "order-2"}
    assert "were asked" not in html


def test_tabs_count_like_their_lists(console, engine, orders):
    engine.execute(instances.suspend, orders[0], "rest")
    html = console.text("/instances")
    assert re.search(r'aria-current="page">All <span class="count">6<', html)
    assert re.search(r'href="/instances\?state=active">In flight <span class="count">6<', html)
    assert lists.counts(engine, [Query.parse("state=suspended").filter()]) == [1]


@pytest.mark.browser
def test_click_on_the_diagram_narrows_the_list_and_the_form_follows(open_page, orders):
    # given
    page = open_page("/instances?process=review")
    diagram(page)
    assert badge(page, "check", "active").inner_text() == "5"

    # when
    shape(page, "charge").click()

    # then
    page.wait_for_url("**element=charge*")
    page.get_by_role("heading", name="1 instance", exact=True).wait_for()
    assert page.get_by_label("Element", exact=True).input_value() == "charge"
    assert page.locator(".chip", has_text="charge").count() == 1

    # when it is clicked again
    shape(page, "charge").click()

    # then
    page.get_by_role("heading", name="6 instances", exact=True).wait_for()
    assert page.locator(".chip", has_text="charge").count() == 0


@pytest.mark.browser
def test_filter_is_added_from_the_menu_and_taken_away_by_its_chip(open_page, orders):
    page = open_page("/instances")
    page.get_by_text("Add filter").click()
    page.get_by_role("button", name="Variable", exact=True).click()
    page.keyboard.type("amount")
    page.get_by_label("How it is compared").first.select_option("gte")
    page.get_by_label("Value", exact=True).first.fill("40")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/instances?variable=amount&operator=gte&value=40")
    page.get_by_role("heading", name="2 instances", exact=True).wait_for()
    page.get_by_role("link", name="Take away the filter amount").click()
    page.get_by_role("heading", name="6 instances", exact=True).wait_for()


@pytest.mark.browser
def test_columns_are_chosen_and_the_view_is_kept(open_page, orders):
    page = open_page("/instances?state=active")
    page.get_by_text("Columns and order").click()
    page.get_by_label("Reason it ended with").uncheck()
    page.get_by_label("Duration", exact=True).check()
    page.get_by_label("Variables as columns").fill("amount")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("columnheader", name="amount").wait_for()
    assert page.get_by_role("columnheader", name="Reason it ended with").count() == 0
    page.get_by_role("button", name="Keep as a view").click()
    page.locator("#save-view").get_by_label("Name").fill("Amounts")
    page.get_by_role("button", name="Keep the view").click()
    page.wait_for_url("**view=*")
    tab = page.get_by_role("navigation", name="Views").get_by_role("link", name="Amounts")
    assert tab.get_attribute("aria-current") == "page"
    page.get_by_role("columnheader", name="amount").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_list_with_everything_is_for_everybody(open_page, orders, width, scheme):
    page = open_page("/instances?process=review&variable=amount&operator=gte&value=0&column=state&column=tags"
                     "&column=key&column=duration&column=root_key&shown=amount,note",
                     viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    settle(page)
    page.get_by_text("Columns and order").click()
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(ALL)
    assert [(violation["id"], violation["nodes"][0]["html"][:200]) for violation in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
