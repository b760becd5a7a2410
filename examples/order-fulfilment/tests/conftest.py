"""The three services of the order process, as they answer when all is well; each test says what is different."""

from __future__ import annotations

from typing import Any

import pytest

from engine.testing import Instance, Scratch


@pytest.fixture
def shop(partitur: Scratch) -> Scratch:
    """An engine with the order process, and its services."""
    partitur.deploy("../order-fulfilment.bpmn")
    partitur.service("reserve-inventory").returns(reservationId="R-1", warehouse="LEJ")
    partitur.service("authorize-payment").returns(authorizationId="A-1")
    partitur.service("schedule-delivery").returns(deliveryId="D-1", carrier="DHL", deliveryDays=2)
    partitur.service("release-inventory").returns(stockReleased=True)
    partitur.service("void-payment").returns(paymentVoided=True)
    return partitur


@pytest.fixture
def order(shop: Scratch) -> Any:
    """Starts an order of so many packets of tea, at 12.50 each."""
    def start(quantity: int = 2) -> Instance:
        lines = [{"sku": "TEA-ASSAM", "quantity": quantity, "unitPrice": 12.5}] if quantity else []
        return shop.start("order-fulfilment", business_id="A-1", orderId="A-1", items=lines, paymentToken="tok_4242",
                          address={"name": "Ada Lovelace", "country": "DE"})

    return start
