"""Times, durations and values in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from web.console import formatting

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "now"), (-5, "5 seconds ago"), (-60, "1 minute ago"), (-7199, "1 hour ago"), (90, "in 1 minute"),
    (-86400 * 3, "3 days ago"), (86400 * 400, "in 1 year"),
])
def test_time_is_told_as_its_distance_from_now(seconds, words):
    assert formatting.ago(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(("seconds", "words"), [
    (None, "–"), (0, "0 ms"), (0.42, "420 ms"), (9.96, "10 s"), (59, "59 s"), (60, "1 min"), (192, "3 min 12 s"),
    (7260, "2 h 1 min"), (86400 * 2 + 3600 * 4, "2 d 4 h"), (-1, "0 ms"),
])
def test_duration_has_at_most_two_units(seconds, words):
    assert formatting.duration(None if seconds is None else timedelta(seconds=seconds)) == words


def test_json_is_coloured_and_nothing_in_it_becomes_markup():
    html = formatting.json_markup({"<b>": "</script><img src=x>", "n": -1.5e3, "t": [True, None], "q": 'a"b'})
    assert "<b>" not in html
    assert "<img" not in html
    assert '<span class="json-key">&#34;n&#34;</span>: <span class="json-number">-1500.0</span>' in html
    assert '<span class="json-word">true</span>' in html


def test_huge_value_is_cut_and_its_length_told():
    html = formatting.json_markup(["x" * 50_000], 1_000)
    assert len(html) < 1_200
    assert "50,008 characters in all" in html


def test_long_value_is_cut_to_one_line():
    assert formatting.short("a\n  b") == "a b"
    assert formatting.short({"a": "x" * 100}, 20) == '{"a": "xxxxxxxxxxxx…'
