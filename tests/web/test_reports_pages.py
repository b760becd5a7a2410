"""Reports, hotspots and the heat of diagrams, as pages and files."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from engine import durations, incidents, instances
from engine.clock import system_clock
from engine.queries import definitions as known
from engine.queries import hotspots, lists
from engine.queries.hotspots import Bound, runs
from engine.reports import learning
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from tests.web.axe import ALL, AXE
from tests.web.browsing import diagram, settle
from tests.web.conftest import HOSTILE
from web.console import charts, heat


@pytest.fixture
def learned(engine, story):
    """Five orders that ended, one of them after a failure and a retry; one that was cancelled; all is summed up."""
    story.deploy()
    for number in range(6):
        key = story.start(business_id=f"order-{number}", variables={"amount": 10, "note": HOSTILE, "gift": False})
        if number == 5:
            engine.execute(instances.cancel, key, "Ordered twice.")
            continue
        engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=key).items[0].key, {})
        if number == 4:
            story.fail_job(HOSTILE)
            engine.execute(incidents.resolve, lists.incidents(engine).items[0].key)
        job = engine.execute(activation.activate, ["charge-card"], worker="tester")[0]
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    sum_up(engine)
    durations.learn(engine)
    return known.versions(engine, "review")[0]


def sum_up(engine):
    engine.clock = lambda: system_clock() + timedelta(minutes=2)
    while learning.learn(engine):
        pass
    engine.clock = system_clock


def rows(console, path):
    return list(csv.DictReader(io.StringIO(console.text(path))))


@pytest.mark.parametrize("path", ["/reports", "/hotspot", "/reports?process=review", "/reports?days=90",
                                  "/reports?from=2020-01-01&to=2020-03-01", "/reports?process=nobody"])
def test_pages_say_what_would_be_there(console, path):
    assert "appear" in console.text(path) or "Nothing is summed up yet" in console.text(path)


def test_report_says_how_long_and_how_many(console, learned):
    html = console.text("/reports?days=1&process=review")
    for title in ("Throughput", "Duration by process", "Duration by element", "User task time", "Retry volume",
                  "Failures", "Compensation"):
        assert f">{title}</h2>" in html
    [review] = rows(console, "/reports/processes.csv?days=1")
    assert [review[name] for name in ("process_id", "started", "completed", "terminated")] == ["review", "6", "5", "1"]
    assert (review["retries"], review["failures"]) == ("1", "1")
    elements = {row["element_id"]: row for row in rows(console, "/reports/elements.csv?process=review")}
    assert (elements["charge"]["completed"], elements["check"]["completed"]) == ("5", "5")
    assert [row["element_id"] for row in rows(console, "/reports/retries.csv")] == ["charge"]
    assert [row["element_id"] for row in rows(console, "/reports/tasks.csv")] == ["check"]
    assert sum(int(row["started"]) for row in rows(console, "/reports/throughput.csv?days=1")) == 6
    assert rows(console, "/reports/processes.csv?from=2020-01-01&to=2020-02-01") == []


@pytest.mark.parametrize(("path", "status"), [
    ("/reports?days=5", 422), ("/reports?from=yesterday", 422), ("/reports?from=2026-03-01&to=2026-02-01", 422),
    ("/reports?from=2001-01-01", 422), ("/reports/elements.csv", 422), ("/reports/secrets.csv", 404),
    ("/reports?from=9999-12-31", 422), ("/hotspot?days=-1", 422),
    ("/reports?to=9999-12-30", 200), ("/reports?to=9999-12-31", 200),
])
def test_what_is_no_period_is_refused(console, path, status):
    response = console.get(path)
    assert response.status_code == status
    if status != 200:
        assert "Expected" in response.text


def test_page_names_the_days_that_it_counts(console):
    assert "from 2026-11-01 to 2026-11-02, in days of UTC" in console.text("/reports?from=2026-11-01&to=2026-11-02")
    german = console.get("/hotspot?from=2026-11-01&to=2026-11-01", headers={"Accept-Language": "de"}).text
    assert "von 01.11.2026 bis 01.11.2026" in german


def test_hotspots_measure_each_bound(console, engine, learned):
    html = console.text("/hotspot?days=1")
    assert html.count('data-label="Measure"') == len(Bound)
    found = hotspots.look(engine, system_clock() - timedelta(days=1), system_clock())
    assert found.ended == 6
    assert found.total == sum((each.total for each in found.processes), timedelta()) or found.total > timedelta()
    assert {each.bound for each in found.measured} == set(Bound)
    assert not any(each.exceeded for each in found.measured)


def test_hot_keys_and_chatty_steps_are_found(engine, console):
    # given three steps in a row at one service
    steps = Steps(engine)
    steps.deploy(process("chat", start(), service("one", "crm"), service("two", "crm"), service("three", "crm"),
                         service("other", "mail"), service("again", "crm"), end()))
    for _ in range(3):
        steps.start("chat")
    for type in ("crm", "crm", "crm", "mail", "crm"):
        for job in steps.take(type, max_jobs=3):
            engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    sum_up(engine)

    # then
    found = hotspots.look(engine, system_clock() - timedelta(days=1), system_clock())
    [chat] = found.chats
    assert (chat.service, chat.elements, chat.visits) == ("crm", ("one", "two", "three"), 3)
    assert {each.bound for each in found.measured if each.exceeded} == {Bound.CHATTY}
    assert "1 bound is exceeded" in console.text("/hotspot")
    assert "one → two → three" in console.text("/hotspot")
    assert runs(known.process(engine, known.versions(engine, "chat")[0].key)) == [("crm", ("one", "two", "three"))]


def test_heat_is_a_number_and_a_colour(console, learned):
    for name in heat.MEASURES:
        html = console.text(f"/processes/review?heat={name}")
        assert 'aria-current="true">' in html
    marks = re.search(r'marks="([^"]+)"', console.text("/processes/review?heat=failures"))[1]
    assert "&#34;charge&#34;" in marks
    assert "heat-3" in marks
    assert "heat-" not in re.search(r'marks="([^"]+)"', console.text("/processes/review?heat=bogus"))[1]
    figures = {row["element_id"]: row for row in rows(console, "/processes/review/figures.csv")}
    assert (figures["charge"]["visits"], figures["charge"]["failures"]) == ("5", "1")


@pytest.mark.parametrize(("value", "least", "most", "level"), [
    (1, 1, 1, 3), (1, 1, 1000, 1), (1000, 1, 1000, 5), (31, 1, 1000, 3), (0.1, 0.1, 0.2, 1), (0.2, 0.1, 0.2, 5),
])
def test_hotter_is_never_colder(value, least, most, level):
    assert heat.level(value, least, most) == level


@pytest.mark.parametrize(("most", "round_"), [(0, 2), (2, 2), (3, 4), (9, 10), (10, 10), (11, 20), (999, 1000),
                                              (1001, 2000)])
def test_scale_ends_at_a_round_number(most, round_):
    assert charts.nice(most) == round_


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
@pytest.mark.parametrize("path", ["/reports?process=review&days=1", "/hotspot", "/processes/review?heat=visits"])
def test_pages_are_for_everybody(open_page, learned, path, width, scheme):
    page = open_page(path, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    settle(page)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(ALL)
    assert [(violation["id"], violation["nodes"][0]["html"][:200]) for violation in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("main img").count() == 0


@pytest.mark.browser
def test_heat_is_switched_on_the_diagram(open_page, learned):
    page = open_page("/processes/review")
    diagram(page)
    page.get_by_role("link", name="Visits", exact=True).click()
    diagram(page)
    assert page.locator('.djs-overlays[data-container-id="check"] .badge.figure').inner_text() == "5"
    assert "heat-" in page.locator('g.djs-element[data-element-id="check"]').get_attribute("class")
