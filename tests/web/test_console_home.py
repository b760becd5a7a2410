"""The home page: outages, what changed since somebody looked, and whether the engine keeps up."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from engine import incidents, schema
from engine.cluster import nodes
from engine.cluster.nodes import Node
from engine.contracts import JobContract
from engine.engine import Engine
from engine.queries import lists
from engine.states import EffectState
from engine.tasks import user_tasks
from engine.work import holds
from tests.web import axe
from tests.web.browsing import settle
from tests.web.conftest import HOSTILE
from web.app import create_app


@pytest.fixture
def engine(sqlite_url, clock):
    engine = Engine(sqlite_url, synchronous="OFF", clock=clock)
    yield engine
    engine.close()


@pytest.fixture
def app(engine):
    return create_app(engine, secret_key="test")


@pytest.fixture
def failing(engine, story):
    """Three instances whose calls failed for the same reason, each with its own number."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}") for number in range(3)]
    check_orders(engine)
    for number in range(3):
        story.fail_job(f"Card {4000 + number} was declined.")
    return keys


def check_orders(engine):
    """People complete their tasks, so that the card is charged."""
    for task in lists.user_tasks(engine).items:
        engine.execute(user_tasks.complete, task.key, {})


def listed(html):
    return int(re.search(r"<h2>([\d,]+) instances?</h2>", html)[1])


def strip(html, name):
    """The text of a strip, without its elements."""
    found = re.search(rf'<section class="strip"[^>]*id="{name}">(.*?)</section>', html, re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_failures_that_differ_in_numbers_are_one_row_with_the_list_of_their_instances(console, failing):
    html = console.text("/")
    rows = re.findall(r'<td data-label="Instances" class="number"><a href="([^"]+)">(\d+)</a>', html)
    [(link, count)] = rows
    assert "Card # was declined." in html
    assert int(count) == 3 == listed(console.text(link.replace("&amp;", "&")))


def test_list_of_an_outage_says_so_and_keeps_it_while_filtering(console, failing):
    link = re.search(r'class="number"><a href="([^"]+)">3</a>', console.text("/"))[1].replace("&amp;", "&")
    html = console.text(link)
    assert "Kind of failure:" in html
    assert re.search(r'<input type="hidden" name="fingerprint" value="[0-9a-f]{16}">', html)
    assert listed(console.text(f"{link}&business_id=order-1")) == 1


def test_changes_are_told_since_one_looked_and_not_since_the_page_was_refreshed(console, story, clock, failing):
    assert "3 incidents, 3 of them still open" in strip(console.text("/"), "news-strip")
    # Away for an hour, in which nothing happens.
    clock.advance(hours=1)
    assert "0 incidents" in strip(console.text("/"), "news-strip")
    story.start()
    clock.advance(minutes=30)
    # An open page that refreshes itself does not mean that anybody looks.
    console.get("/", headers={"HX-Request": "true"})
    html = console.text("/")
    assert "1 instance started" in strip(html, "news-strip")
    link = re.search(r'href="([^"]+started_from[^"]+)"', html)[1].replace("&amp;", "&")
    assert listed(console.text(link)) == 1
    # Looked at again at once, it is still told.
    clock.advance(minutes=1)
    assert "1 instance started" in strip(console.text("/"), "news-strip")
    # Until somebody says that they have seen it.
    assert console.post("/looked").status_code == 303
    assert "0 instances started" in strip(console.text("/"), "news-strip")


def test_kinds_of_failure_that_recovered_are_told_with_their_incidents(console, engine, clock, failing):
    assert 'id="recovered"' not in console.text("/")
    clock.advance(minutes=1)
    console.post("/looked")
    clock.advance(minutes=1)
    for incident in lists.incidents(engine).items:
        engine.execute(incidents.resolve, incident.key)
    html = console.text("/")
    assert "1 kind of failure recovered: Card # was declined. (3 incidents)" in strip(html, "news-strip")
    link = re.search(r'id="recovered">.*?href="([^"]+)"', html)[1].replace("&amp;", "&")
    assert console.text(link).count("Card 400") >= 3


def test_looking_needs_a_form_of_ours(app):
    assert app.test_client().post("/looked").status_code == 400


def test_health_strip_tells_of_nodes_workers_timers_and_held_services(console, engine, clock):
    assert "No node has said that it serves" in strip(console.text("/"), "engine-health")
    engine.execute(nodes.join, Node(roles=["web", "worker", "scheduler"]))
    engine.execute(nodes.join, Node(roles=["web"]))
    engine.execute(holds.hold, "<b>pay</b>", "stocktaking")
    html = console.text("/")
    told = strip(html, "engine-health")
    assert "2 nodes alive" in told
    assert "1 with workers" in told
    assert "Oldest timer on time" in told
    assert "&lt;b&gt;pay&lt;/b&gt;" in told
    with engine.database.write() as connection:
        connection.execute(update(schema.nodes).where(schema.nodes.c.roles != "web").values(
            seen_at=engine.clock() - timedelta(minutes=5)))
    told = strip(console.text("/"), "engine-health")
    assert "1 node alive 1 silent" in told
    assert "No scheduler" in told


def test_call_in_doubt_is_a_tile_and_a_word(console, engine, story):
    engine.contracts["charge-card"] = JobContract(repeatable=False)
    story.deploy()
    key = story.start()
    check_orders(engine)
    story.fail_job(effect=EffectState.IN_DOUBT, retries=0)
    html = console.text("/")
    link = re.search(r'<a class="tile" data-state="in_doubt" href="([^"]+)"(?! data-zero)', html)[1]
    assert listed(console.text(link)) == 1
    assert "In doubt" in console.text(f"/instances/{key}")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_home_page_in_a_browser(engine, story, open_page, failing, width, scheme):
    story.deploy("calls.bpmn")
    engine.execute(holds.hold, HOSTILE[:100], "stocktaking")
    engine.execute(nodes.join, Node(roles=["web", "worker", "scheduler"]))
    page = open_page("/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    settle(page)
    assert axe.troubles(page) == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/home-{width}-{scheme}.png", full_page=True)
    assert page.title() == "Home · Partitur"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="I have seen this").click()
    page.wait_for_url("**/")
    page.get_by_role("link", name="Card # was declined.").click()
    assert page.get_by_role("heading", name="3 instances").is_visible()
