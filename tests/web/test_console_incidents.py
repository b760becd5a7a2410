"""Pages of incidents: lists, one, all of a kind; and what people do there."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from engine import care
from engine.queries import incidents, lists
from engine.queries.incidents import IncidentFilter


@pytest.fixture
def incident(engine, failed_instance):
    return lists.incidents(engine, instance_key=failed_instance).items[0].key


def act(console, key, deed, status=303, **data):
    response = console.post(f"/incidents/{key}/{deed}", data)
    assert response.status_code == status, response.text
    return response


def test_list_shows_what_is_open(console, incident, engine):
    page = console.text("/incidents")
    assert f"/incidents/{incident}" in page
    assert "Nobody has seen it" in page
    assert "<script>document" not in page


def test_empty_list_says_what_would_be_there(console):
    assert "No incidents" in console.text("/incidents")


def test_filters_narrow_the_list(console, incident):
    for query in ("process=nothing", "element=nothing", "error=nothing", "acknowledged=yes", "assignee=ann",
                  "state=mine", "state=snoozed", "state=resolved", "fingerprint=abc", "instance=7"):
        assert f'/incidents/{incident}"' not in console.text(f"/incidents?{query}"), query
    for query in ("process=review", "element=charge", "error=broken", "acknowledged=no", "state=all"):
        assert f'/incidents/{incident}"' in console.text(f"/incidents?{query}"), query
    assert "open, snoozed, resolved, all" in console.text("/incidents?state=nothing", 422)


def test_incident_is_acknowledged_assigned_and_found_as_mine(console, engine, incident):
    act(console, incident, "acknowledgement")
    act(console, incident, "assignment", assignee="operator")
    row = incidents.get(engine, incident)
    assert (row.acknowledged_by, row.assignee) == ("operator", "operator")
    assert f'/incidents/{incident}"' in console.text("/incidents?state=mine")
    act(console, incident, "withdrawal")
    assert incidents.get(engine, incident).acknowledged_by is None


def test_snoozed_incident_leaves_the_tile_and_is_told_beside_it(console, engine, incident):
    assert act(console, incident, "snooze", 422, hours="4").status_code == 422
    act(console, incident, "snooze", hours="4", reason="The bank said so.")
    assert incidents.get(engine, incident).snoozed_until == pytest.approx(
        engine.clock() + timedelta(hours=4), abs=timedelta(minutes=1))
    home = console.text("/")
    assert "and 1 snoozed" in home
    # and the row of its kind still leads to as many instances as it counts
    row = re.search(r'<td data-label="Instances" class="number"><a href="([^"]+)">(\d+)</a>', home)
    assert (row[2], "1 instance" in console.text(html.unescape(row[1]))) == ("1", True)
    assert f'/incidents/{incident}"' in console.text("/incidents?state=snoozed")
    act(console, incident, "snooze")
    assert incidents.get(engine, incident).snoozed_until is None
    assert "1 snoozed" not in console.text("/")


def test_snooze_until_a_time(console, engine, incident):
    until = (engine.clock() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    act(console, incident, "snooze", until=until, hours="1", reason="later")
    assert incidents.get(engine, incident).snoozed_until.strftime("%Y-%m-%dT%H:%M") == until
    act(console, incident, "snooze", 422, until="tomorrow", reason="later")
    act(console, incident, "snooze", 422, until="2020-01-01T00:00", reason="later")


def test_notes_and_tickets_are_shown_as_text(console, incident):
    act(console, incident, "notes", message="<script>document.title='broken in'</script>\r\nsecond line")
    act(console, incident, "ticket", ticket="javascript:alert(1)")
    page = console.text(f"/incidents/{incident}")
    assert "&lt;script&gt;document.title" in page
    assert "<script>document.title" not in page
    assert 'href="javascript:' not in page
    act(console, incident, "ticket", ticket="https://tickets.example/OPS-7?a=1&b=2")
    assert 'href="https://tickets.example/OPS-7?a=1&amp;b=2"' in console.text(f"/incidents/{incident}")


def test_form_leads_back_to_the_page_it_was_on_and_nowhere_else(console, incident):
    assert act(console, incident, "acknowledgement", back="/incidents?state=all").location == "/incidents?state=all"
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""):
        assert act(console, incident, "acknowledgement", back=elsewhere).location == f"/incidents/{incident}"


def test_all_of_a_kind_are_cared_for(console, engine, incident):
    fingerprint = incidents.get(engine, incident).fingerprint
    page = console.text(f"/incidents?fingerprint={fingerprint}")
    assert f"/incidents/alike/{fingerprint}/snooze" in page
    response = console.post(f"/incidents/alike/{fingerprint}/assignment", {"assignee": "ann"})
    assert response.status_code == 303
    assert incidents.search(engine, IncidentFilter(assignee="ann")).total == 1
    assert console.post("/incidents/alike/nothing/assignment", {"assignee": "ann"}).status_code == 404


def test_resolved_incident_says_why_it_needs_no_care(console, engine, incident):
    from engine import incidents as commands

    engine.execute(commands.resolve, incident)
    page = console.text(f"/incidents/{incident}")
    assert "needs no more care" in page
    act(console, incident, "acknowledgement", 409)
    act(console, incident, "notes", message="It was the bank.")


def test_tab_of_the_instance_says_who_cares(console, engine, failed_instance, incident):
    engine.acting_as("ann").execute(care.acknowledge, incident)
    page = console.text(f"/instances/{failed_instance}?tab=incidents")
    assert "ann" in page
    assert f"/incidents/{incident}" in page


def test_missing_incident_is_said(console):
    assert "incident with key 17" in console.text("/incidents/17", 404)
