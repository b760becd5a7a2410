"""How the order process reaches its three services: typed clients over HTTP, bound to job types.

The process knows job types, the services know HTTP; this file is all that joins them. Base URLs come from the
environment: `INVENTORY_URL`, `BILLING_URL`, `SHIPPING_URL` (by default all on `ORDER_SERVICES_URL`).
"""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal

from pydantic import PositiveInt

from service_tasks import Call, Data, Retry, service_task
from service_tasks.http import HttpService

ORDER_SERVICES_URL = "http://127.0.0.1:8090"

PATIENT = Retry(attempts=20, backoff="exponential", first=timedelta(seconds=5), cap=timedelta(minutes=5))
STANDARD = Retry(attempts=5, backoff="exponential", first=timedelta(seconds=1), cap=timedelta(minutes=1))


class OrderLine(Data):
    """One line of an order."""

    sku: str
    quantity: PositiveInt
    unit_price: Decimal = Decimal(0)


class Address(Data):
    """Where an order goes."""

    name: str
    street: str
    city: str
    country: str
    """ISO 3166-1 alpha-2."""


class Reservation(Data):
    """Goods set aside in a warehouse."""

    reservation_id: str
    warehouse: str


class Release(Data):
    """Goods put back."""

    stock_released: bool


class Authorization(Data):
    """An amount held on a card."""

    authorization_id: str


class Voiding(Data):
    """A hold given up."""

    payment_voided: bool


class Delivery(Data):
    """A booked carrier."""

    delivery_id: str
    carrier: str
    delivery_days: int


class InventoryClient(HttpService):
    """The warehouse."""

    @service_task(
        "reserve-inventory", timeout=10, retry=PATIENT, idempotent=True, compensated_by="release-inventory",
        expected=timedelta(minutes=30), errors={"OUT_OF_STOCK": "The warehouse has less than was ordered."},
    )
    def reserve(self, order_id: str, items: list[OrderLine], *, call: Call) -> Reservation:
        """Set the goods of an order aside."""
        lines = [{"sku": item.sku, "quantity": item.quantity} for item in items]
        return self.post("/inventory/reservations", {"orderId": order_id, "items": lines}, call, Reservation)

    @service_task("release-inventory", timeout=10, retry=PATIENT, idempotent=True)
    def release(self, reservation_id: str, *, call: Call) -> Release:
        """Put reserved goods back."""
        return self.post(f"/inventory/reservations/{reservation_id}/release", {}, call, Release)


class BillingClient(HttpService):
    """The payment provider."""

    @service_task(
        "authorize-payment", timeout=10, retry=STANDARD, idempotent=True, compensated_by="void-payment",
        expected=timedelta(minutes=5), errors={"PAYMENT_DECLINED": "The customer's bank declined the payment."},
    )
    def authorize(
        self, order_id: str, amount: Decimal, payment_token: str, currency: str = "EUR", *, call: Call
    ) -> Authorization:
        """Hold the amount of an order on the customer's card."""
        body = {"orderId": order_id, "amount": str(amount), "currency": currency, "paymentToken": payment_token}
        return self.post("/billing/authorizations", body, call, Authorization)

    @service_task("void-payment", timeout=10, retry=PATIENT, idempotent=True)
    def void(self, authorization_id: str, *, call: Call) -> Voiding:
        """Give up the hold on the customer's card."""
        return self.post(f"/billing/authorizations/{authorization_id}/void", {}, call, Voiding)


class ShippingClient(HttpService):
    """The carriers."""

    @service_task(
        "schedule-delivery", timeout=timedelta(minutes=10), retry=STANDARD, idempotent=True,
        expected=timedelta(seconds=10), errors={"NO_CARRIER": "No carrier delivers to this address."},
    )
    def schedule(self, order_id: str, address: Address, *, call: Call) -> Delivery:
        """Book a carrier for the goods of an order."""
        body = {"orderId": order_id, "address": address.model_dump(mode="json")}
        return self.post("/shipping/deliveries", body, call, Delivery)


def _url(name: str) -> str:
    return os.environ.get(name) or os.environ.get("ORDER_SERVICES_URL") or ORDER_SERVICES_URL


inventory = InventoryClient(_url("INVENTORY_URL"))
billing = BillingClient(_url("BILLING_URL"))
shipping = ShippingClient(_url("SHIPPING_URL"))
