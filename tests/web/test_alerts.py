"""The page and the command of alerts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.alerts import rules
from engine.alerts.measures import MEASURES

DOCS = Path(__file__).parents[2] / "docs"
FIELDS = {"name": "Orders fail", "measure": "incident", "above": "0", "minutes": "0", "process": "", "channels": "",
          "quiet_from": "", "quiet_to": ""}


def test_alert_is_added_switched_and_removed(console, engine):
    assert "Nothing is watched" in console.text("/alerts")
    assert console.post("/alerts", FIELDS).status_code == 303
    assert "Orders fail" in console.text("/alerts")
    console.post("/alerts/switch", {"name": "Orders fail", "disabled": "yes", "reason": "we know"})
    assert "Switched off" in console.text("/alerts")
    console.post("/alerts/switch", {"name": "Orders fail", "disabled": "no", "reason": "again"})
    console.post("/alerts/removal", {"name": "Orders fail", "reason": "done"})
    assert rules.all_of_them(engine) == ()


@pytest.mark.parametrize("wrong", [{"above": "many"}, {"minutes": "-3"}, {"quiet_from": "22:00"}, {"measure": "x"},
                                   {"above": "nan"}, {"minutes": "inf"}, {"name": ""}])
def test_wrong_alert_is_refused_in_words(console, engine, wrong):
    answer = console.post("/alerts", FIELDS | wrong)
    assert answer.status_code == 422
    assert "Expected" in answer.text
    assert rules.all_of_them(engine) == ()


def test_alert_that_is_on_leads_to_what_counts(console, engine, failed_instance):
    console.post("/alerts", FIELDS | {"process": "review"})
    [rule] = rules.all_of_them(engine)
    engine.execute(rules.check, rule.key, 1)
    page = console.text("/alerts")
    assert 'href="/instances?state=incident&amp;process=review"' in page
    console.text("/instances?state=incident&process=review")


def test_every_page_that_an_alert_leads_to_is_there(console):
    for measure in MEASURES.values():
        console.text(measure.link("review"))
        assert f'id="{measure.runbook}"' in console.text("/manual/HANDBOOK")


@pytest.mark.parametrize(("query", "page"), [
    ('partitur_incidents_open{process="review"}', "/instances?process=review&state=incident"),
    ('partitur_instances{state="stalled"}', "/instances?state=stalled"),
    ("partitur_jobs_answered_total", "/services"), ("partitur_timer_lag_seconds", "/nodes"),
])
def test_alert_on_a_metric_leads_to_a_page(console, engine, query, page):
    assert console.post("/alerts", FIELDS | {"measure": "metric", "query": query, "within": "10"}).status_code == 303
    [rule] = rules.all_of_them(engine)
    assert (rule.link, rule.within_seconds) == (page, 600)
    console.text(page)


def test_alert_on_a_list_is_kept_without_its_host_and_refused_in_words(console, engine):
    address = "http://localhost:8080/instances?process=review&state=stalled&offset=50"
    assert console.post("/alerts", FIELDS | {"measure": "list", "query": address}).status_code == 303
    assert "/instances?process=review&amp;state=stalled" in console.text("/alerts")
    refused = console.post("/alerts", FIELDS | {"name": "b", "measure": "list", "query": "/nodes"})
    assert (refused.status_code, "/messages" in refused.text) == (422, True)


def test_every_manual_is_shown_and_leads_on(console):
    pages, seen = ["/manual"], {}
    while pages:
        address = pages.pop()
        seen[address] = text = console.text(address)
        found = {link.partition("#")[0] for link in re.findall(r'(?:href|src)="(/manual[^"]*)"', text)}
        for file in {link for link in found if "/files/" in link} - seen.keys():
            seen[file] = console.get(file).status_code == 200
        pages += sorted(link for link in found - seen.keys() - set(pages) if "/files/" not in link)
    assert {path.stem for path in DOCS.glob("*.md")} - {"README"} <= {each.rpartition("/")[2] for each in seen}
    assert all(seen.values())
    for wrong in ("/manual/nothing", "/manual/..%2Fpyproject", "/manual/files/../pyproject.toml",
                  "/manual/files/deploy/../../pyproject.toml", "/manual/files/pictures/none.webp"):
        assert console.get(wrong).status_code == 404
    led = console.get("/manual/HANDBOOK?section=calls-in-doubt")
    assert (led.status_code, led.headers["Location"]) == (303, "/manual/HANDBOOK#calls-in-doubt")


def test_every_measure_is_documented():
    table = re.findall(r"^\| (`[^|]+`) \|", (DOCS / "ALERTS.md").read_text(), re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(MEASURES)
