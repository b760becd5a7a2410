"""The page and the commands of events that go out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.events import outbox, targets
from engine.inbound import receiving, sources
from engine.inbound.arrivals import Arrival

ADDRESS = "http://127.0.0.1:9/hook"


def add(console, **more):
    return console.post("/events/targets", {"name": "billing", "address": ADDRESS, "types": "partitur.incident.*",
                                            "processes": "", "secret": "", **more})


def test_webhook_is_added_paused_and_removed(console, engine):
    assert "Nobody is told of events" in console.text("/events")
    assert add(console).status_code == 303
    page = console.text("/events")
    assert ADDRESS in page
    assert "partitur.incident.*" in page
    console.post("/events/targets/pause", {"name": "billing", "paused": "yes", "reason": "moving"})
    assert targets.all_of_them(engine)[0].paused
    assert "Paused" in console.text("/events")
    console.post("/events/targets/pause", {"name": "billing", "paused": "no", "reason": "moved"})
    assert not targets.all_of_them(engine)[0].paused
    console.post("/events/targets/removal", {"name": "billing", "reason": "gone"})
    assert targets.all_of_them(engine) == ()


@pytest.mark.parametrize("path", ["/events/targets/pause", "/events/targets/removal"])
def test_no_reason_changes_nothing(console, engine, path):
    add(console)
    assert console.post(path, {"name": "billing", "paused": "yes", "reason": " "}).status_code == 422
    [target] = targets.all_of_them(engine)
    assert not target.paused


def test_wrong_webhook_is_refused_in_words(console, engine):
    answer = add(console, address="ftp://x")
    assert answer.status_code == 422
    assert "Expected the address of a webhook" in answer.text
    assert targets.all_of_them(engine) == ()


def test_dead_letters_are_shown_and_sent_again_or_discarded(console, engine, story, monkeypatch):
    monkeypatch.setattr(targets, "SETTLES", timedelta())
    add(console, types="")
    story.deploy()
    key = story.start()
    for answer in ("retry", "discard"):
        [event] = engine.execute(outbox.claim)
        engine.execute(outbox.failed, event, '<b>HTTP 410</b> "gone"', for_good=True)
        page = console.text("/events")
        assert "&lt;b&gt;HTTP 410" in page
        assert str(key) in page
        assert console.post(f"/events/dead/{answer}", {"key": str(event.key), "reason": "why not"}).status_code == 303
        assert outbox.dead_letters(engine) == []


def test_events_page_in_a_browser(open_page, console, engine):
    add(console)
    page = open_page("/events")
    page.get_by_role("button", name="Pause billing").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Why would you do that?").fill("moving house")
    dialog.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on billing").wait_for()
    assert targets.all_of_them(engine)[0].paused


def test_sources_are_added_paused_and_removed(console, engine):
    assert "Events come from nowhere" in console.text("/inbound")
    form = {"name": "shop", "secret": "hooks", "proof": "hmac", "message": "=event.type", "correlation_key": "=body.id"}
    assert console.post("/inbound/sources", form).status_code == 303
    page = console.text("/inbound")
    assert "POST /hooks/shop" in page
    assert "is the message =event.type" in page
    assert console.post("/inbound/sources", form | {"name": "x", "message": "=1 +"}).status_code == 422
    assert console.post("/inbound/sources/pause", {"name": "shop", "paused": "yes", "reason": " "}).status_code == 422
    console.post("/inbound/sources/pause", {"name": "shop", "paused": "yes", "reason": "moving"})
    assert "Paused" in console.text("/inbound")
    console.post("/inbound/sources/removal", {"name": "shop", "reason": "gone"})
    assert sources.all_of_them(engine) == ()


def test_what_was_set_aside_is_shown_and_taken_again_or_discarded(console, engine, story):
    source = engine.execute(sources.add, "queue", "redis://h?stream=s", mapping={"process": "review"})
    for key in ("a", "b"):
        arrival = Arrival(body=b'{"note": "<b>hostile</b>"}', id=key)
        assert receiving.receive(engine, source, arrival).result is receiving.Result.SET_ASIDE
    page = console.text("/inbound")
    assert "&lt;b&gt;hostile" in page
    newest, oldest = receiving.all_set_aside(engine)
    answer = console.post("/inbound/aside/retry", {"key": str(oldest.key), "reason": "try"})
    assert (answer.status_code, "review" in answer.text) == (409, True)
    story.deploy()
    assert console.post("/inbound/aside/retry", {"key": str(oldest.key), "reason": "deployed"}).status_code == 303
    assert console.post("/inbound/aside/discard", {"key": str(newest.key), "reason": "old"}).status_code == 303
    assert receiving.all_set_aside(engine) == []
