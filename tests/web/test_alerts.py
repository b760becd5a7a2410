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


def test_every_measure_is_documented():
    table = re.findall(r"^\| (`[^|]+`) \|", (DOCS / "ALERTS.md").read_text(), re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(MEASURES)
