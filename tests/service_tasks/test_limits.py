from service_tasks.contract import Policy
from service_tasks.limits import Allowance


def test_a_service_without_limits_takes_all_there_is_room_for():
    allowance = Allowance(Policy(name="free"))

    assert not allowance.limited
    assert allowance.available(0.0, 50) == 50


def test_running_calls_count_against_the_concurrency():
    allowance = Allowance(Policy(name="narrow", concurrency=3))
    allowance.begin()
    allowance.begin()

    assert allowance.available(0.0, 50) == 1
    allowance.begin()
    assert allowance.available(0.0, 50) == 0
    allowance.end()
    assert allowance.available(0.0, 50) == 1


def test_a_rate_fills_up_with_time_to_one_seconds_worth():
    allowance = Allowance(Policy(name="slow", rate=4))
    assert allowance.available(100.0, 50) == 4
    for _ in range(4):
        allowance.begin()

    assert allowance.available(100.0, 50) == 0
    assert [allowance.available(100.5, 50) for _ in range(2)] == [2, 2]
    assert allowance.available(200.0, 50) == 4


def test_a_rate_below_one_per_second_still_lets_calls_through():
    allowance = Allowance(Policy(name="rare", rate=0.5))
    assert allowance.available(0.0, 50) == 1
    allowance.begin()

    assert allowance.available(1.0, 50) == 0
    assert allowance.available(2.0, 50) == 1
