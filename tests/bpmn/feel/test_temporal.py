"""Dates, times and durations: arithmetic, zones, far years, and how they are stored."""

from __future__ import annotations

import pytest

from bpmn.feel import compile_feel


def evaluate(text, **variables):
    return compile_feel(text).evaluate(variables)


@pytest.mark.parametrize(("text", "expected"), [
    ('date("2020-01-31") + duration("P1M")', "2020-02-29"),
    ('date("2020-01-31") + duration("P1D")', "2020-02-01"),
    ('date("2020-03-01") - date("2020-02-01")', "P29D"),
    ('date and time("2020-01-01T23:00:00Z") + duration("PT2H")', "2020-01-02T01:00:00Z"),
    ('time("23:30:00") + duration("PT1H")', "00:30:00"),
    ('duration("P1Y") + duration("P6M")', "P1Y6M"),
    ('duration("PT1H") * 2.5', "PT2H30M"),
    ('duration("P1D") / duration("PT6H")', 4),
    ('date("999999999-12-31")', "999999999-12-31"),
    ('date("-0044-03-15")', "-0044-03-15"),
    ('date("2020-02-30")', None),
    ('date and time("2020-01-01T24:00:00")', "2020-01-02T00:00:00"),
    ('time("10:00:00.123456789")', "10:00:00.123456789"),
    ('duration("-P1DT2H")', "-P1DT2H"),
    ('duration("PT0S")', "PT0S"),
    ('duration("P2M") * 1e6000', None),
    ('@"2020-01-01"', "2020-01-01"),
])
def test_results_are_stored_as_iso_8601(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ('@"2020-01-01T10:00:00+01:00" = @"2020-01-01T09:00:00Z"', True),
    ('is(@"2020-01-01T10:00:00+01:00", @"2020-01-01T09:00:00Z")', False),
    ('@"2020-01-01T10:00:00" < @"2020-01-01T09:00:00Z"', None),
    ('@"2020-01-01" < @"2020-01-02"', True),
    ('@"P1D" < @"P1M"', None),
    ('@"2020-07-01T10:00:00@Europe/Paris" = @"2020-07-01T08:00:00Z"', True),
    ('date("2020-01-01") in [date("2019-12-31")..date("2020-01-01")]', True),
])
def test_moments_compare_across_zones(text, expected):
    assert evaluate(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ('@"2020-02-29".year', 2020),
    ('@"2020-02-29".weekday', 6),
    ('@"10:20:30+01:00".time offset', "PT1H"),
    ('@"10:20:30@Europe/Paris".timezone', "Europe/Paris"),
    ('@"2020-02-29T10:20:30".minute', 20),
    ('@"P1Y2M".months', 2),
    ('@"-P1DT2H".hours', -2),
    ("[1..5).end included", False),
])
def test_properties(text, expected):
    assert evaluate(text) == expected


def test_named_zone_is_stored_with_its_offset_as_camunda_8_does():
    assert evaluate('@"2020-07-01T10:00:00@Europe/Paris"') == "2020-07-01T10:00:00+02:00[Europe/Paris]"
    assert evaluate("date and time(x)", x="2020-07-01T10:00:00+02:00[Europe/Paris]") == (
        "2020-07-01T10:00:00+02:00[Europe/Paris]")


def test_date_and_time_moves_into_a_zone():
    text = 'date and time(@"2020-07-01T10:00:00Z", "America/New_York")'

    assert evaluate(text) == "2020-07-01T06:00:00-04:00[America/New_York]"


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "Nowhere/Land"])
def test_unknown_zone_is_null(zone):
    assert evaluate("time(x)", x=f"10:00:00@{zone}") is None
