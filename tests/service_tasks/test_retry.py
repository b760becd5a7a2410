from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_tasks import Retry
from service_tasks.retry import LONGEST_WAIT


def seconds(waits):
    return [wait.total_seconds() for wait in waits]


def test_exponential_waits_double_up_to_the_cap():
    retry = Retry(first=1, cap=10, jitter=0)

    assert seconds(retry.wait(failures) for failures in range(1, 7)) == [1, 2, 4, 8, 10, 10]


def test_fixed_waits_stay_the_same():
    retry = Retry(backoff="fixed", first=3, jitter=0)

    assert seconds(retry.wait(failures) for failures in (1, 2, 50)) == [3, 3, 3]


@given(failures=st.integers(1, 100_000), chance=st.floats(0, 1))
def test_jitter_moves_a_wait_by_its_share_and_no_more(failures, chance):
    plain = Retry(first=1, cap=60, jitter=0).wait(failures)
    wait = Retry(first=1, cap=60, jitter=0.25).wait(failures, chance)

    assert plain * 0.749 <= wait <= plain * 1.251


def test_no_wait_is_longer_than_a_calendar_has_room_for():
    assert Retry(first=timedelta(days=400), cap=timedelta(days=999_999_999), jitter=1).wait(9, 1.0) == LONGEST_WAIT


def test_no_attempt_begins_after_the_total_time():
    retry = Retry(first=10, jitter=0, total=60)

    assert retry.next(1, elapsed=timedelta(seconds=50)) == timedelta(seconds=10)
    assert retry.next(1, elapsed=timedelta(seconds=51)) is None


@pytest.mark.parametrize("wrong", [
    {"attempts": 0}, {"backoff": "linear"}, {"jitter": 1.5}, {"first": -1}, {"cap": timedelta(seconds=-1)},
])
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        Retry(**wrong)
