"""Which services the code in a Camunda 7 diagram may mean."""

import pytest

from bpmn.delegates import candidates, resolve


@pytest.mark.parametrize(("written", "names"), [
    ("billing", ["billing"]),
    ("reserveStock", ["reserveStock", "reserve-stock"]),
    ("reserveStockDelegate", ["reserveStockDelegate", "reserve-stock-delegate", "reserveStock", "reserve-stock"]),
    ("org.acme.ReserveStock", ["org.acme.ReserveStock", "ReserveStock", "reserve-stock"]),
    ("org.acme.HTTPCall", ["org.acme.HTTPCall", "HTTPCall", "http-call"]),
    ("billing.charge", ["billing.charge", "billing-charge", "billing"]),
    ("shop.billing.chargeCard", ["shop.billing.chargeCard", "billing-charge-card", "billing"]),
    ("Delegate", ["Delegate", "delegate"]),
    ("a..b", ["a..b", "b"]),
])
def test_the_likeliest_name_comes_first(written, names):
    assert list(candidates(written)) == names


def test_the_name_as_it_is_written_wins_and_stays_where_nothing_is_known():
    assert resolve("reserveStock", {"reserveStock", "reserve-stock"}) == "reserveStock"
    assert resolve("org.acme.ReserveStock", {"reserve-stock"}) == "reserve-stock"
    assert resolve("org.acme.ReserveStock", {"other"}) == "org.acme.ReserveStock"
