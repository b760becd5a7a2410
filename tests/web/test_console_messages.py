"""The pages of messages: what reached nobody and why, what is kept, who waits; and delivery by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import definitions, instances, messages
from engine.queries import instance as one
from engine.queries import messages as found
from tests.engine import drawing
from tests.web.conftest import HOSTILE


@pytest.fixture
def waiting(engine):
    """An instance that waits for "paid" with the key 4711."""
    engine.execute(definitions.deploy, [drawing.file(
        drawing.message_of("m", "paid", "=orderId") + drawing.process(
            "p", drawing.start(), drawing.catch("hear", drawing.message("m")), drawing.end()))])
    return engine.execute(instances.start, "p", variables={"orderId": "4711"}, business_id="A-1").key


def test_near_miss_is_told_in_words_and_delivered_by_hand(console, engine, waiting):
    key = engine.execute(messages.publish, "paid", "4711 ").key
    assert "4711␣" in console.text("/messages")
    page = console.text(f"/messages/{key}")
    assert "blanks at their ends" in page
    [row] = found.waiting(engine).items
    assert console.post(f"/messages/{key}/delivery", {"subscription": str(row.key)}).status_code == 422
    assert console.post(f"/messages/{key}/delivery", {"reason": "a blank"}).status_code == 422
    answer = console.post(f"/messages/{key}/delivery", {"subscription": str(row.key), "reason": "a blank"})
    assert answer.location == f"/instances/{waiting}"
    assert one.get(engine, waiting).state == "COMPLETED"
    assert "Delivered by hand" in console.text("/messages")


def test_a_slip_in_a_message_is_named_though_nobody_waits_for_its_name(console, engine):
    for name, key, told in (("gone", "4711 ", "Its key begins or ends with a blank"),
                            ("gone", '"4711"', "quotation marks"), ("gone", "  ", "Its key is empty"),
                            ("gone", "47\u200b11", "characters that are not seen"),
                            ("gone ", "4711", "Its name begins or ends with a blank")):
        sent = engine.execute(messages.publish, name, key).key
        assert told in console.text(f"/messages/{sent}"), key
        assert told in console.text("/messages"), key
    assert "4711␣" in console.text("/messages")
    plain = engine.execute(messages.publish, "gone", "4711").key
    assert 'data-state="retrying"' not in console.text(f"/messages/{plain}")


def test_a_process_that_a_message_of_a_like_name_starts_is_near_too(console, engine):
    engine.execute(definitions.deploy, [drawing.file(
        drawing.message_of("b", "OrderPlaced") + drawing.process(
            "begin", drawing.start("start", drawing.message("b")), drawing.user("look"), drawing.end()))])
    key = engine.execute(messages.publish, "order-placed", "4711").key
    page = console.text(f"/messages/{key}")
    assert "The name is written differently: the message is called “order-placed”, “OrderPlaced” is waited for." in page
    assert "The message has the key" not in page
    assert "Starts an instance" in page
    assert 'href="/processes/begin"' in page
    assert "written differently" in console.text("/messages")


def test_each_view_has_its_list(console, engine, waiting):
    engine.execute(messages.publish, HOSTILE, "x", {"a": HOSTILE}, time_to_live=timedelta(hours=1))
    assert "Every message reached somebody" in console.text("/messages")
    kept = console.text("/messages?view=kept")
    assert "1 message" in kept
    assert "<img src=x" not in kept
    assert "A-1" in console.text("/messages?view=waiting&key=4711")
    assert "Nobody waits for a message" in console.text("/messages?view=waiting&process=other")
    assert "Expected one of the views" in console.text("/messages?view=other", 422)
    assert "<img src=x" not in console.text(f"/messages/{found.kept(engine).items[0].key}")


def test_message_that_is_not_there_is_said(console):
    assert "message with key 17" in console.text("/messages/17", 404)
