"""What the three services decide and do. Every rule of business is here, none in the process."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store import Store

DECLINED_TOKEN = "0002"
"""Payment tokens that end like this are declined, as with the test cards of payment providers."""

CARRIERS = {
    "DE": ("DHL", 2), "AT": ("Austrian Post", 3), "CH": ("Swiss Post", 3), "NL": ("PostNL", 2), "FR": ("Colissimo", 3),
    "IT": ("Poste Italiane", 4), "ES": ("Correos", 4), "GB": ("Royal Mail", 5), "US": ("UPS", 7),
}

Answer = tuple[int, dict[str, Any]]


def problem(code: str, detail: str) -> dict[str, Any]:
    """A problem document (RFC 9457); `code` is for programs."""
    return {"type": "about:blank", "title": detail, "detail": detail, **({"code": code} if code else {})}


def reserve(store: Store, body: dict[str, Any]) -> Answer:
    """Set goods aside for an order."""
    items = body.get("items") or []
    for item in items:
        if store.available(item["sku"]) < item["quantity"]:
            return 409, problem("OUT_OF_STOCK", f"There are fewer than {item['quantity']} of {item['sku']} in stock.")
    for item in items:
        store.move_stock(item["sku"], -item["quantity"])
    number = store.effect("inventory", "reserve", body["orderId"], {"items": items})
    return 201, {"reservationId": f"R-{number}", "warehouse": "Leipzig"}


def release(store: Store, body: dict[str, Any]) -> Answer:
    """Put the goods of a reservation back."""
    reserved = store.find("inventory", "reserve", body["reservationId"])
    if reserved is None:
        return 404, problem("", f"There is no reservation {body['reservationId']}.")
    if store.find("inventory", "release", body["reservationId"]):
        return 409, problem("", f"Reservation {body['reservationId']} has been released before.")
    for item in reserved["body"]["items"]:
        store.move_stock(item["sku"], item["quantity"])
    store.effect("inventory", "release", reserved["orderId"], {}, body["reservationId"])
    return 200, {"reservationId": body["reservationId"], "stockReleased": True}


def authorize(store: Store, body: dict[str, Any]) -> Answer:
    """Hold an amount on a card."""
    try:
        amount = Decimal(str(body.get("amount")))
    except InvalidOperation:
        return 400, problem("", f"Expected an amount of money, but got {body.get('amount')!r}.")
    if amount <= 0:
        return 400, problem("", f"Expected a positive amount, but got {amount}.")
    if str(body.get("paymentToken", "")).endswith(DECLINED_TOKEN):
        return 402, problem("PAYMENT_DECLINED", "The card's bank declined the payment.")
    number = store.effect("billing", "authorize", body["orderId"], {"amount": str(amount)})
    return 201, {"authorizationId": f"P-{number}", "authorizedAmount": str(amount)}


def void(store: Store, body: dict[str, Any]) -> Answer:
    """Give up the hold on a card."""
    authorized = store.find("billing", "authorize", body["authorizationId"])
    if authorized is None:
        return 404, problem("", f"There is no authorization {body['authorizationId']}.")
    if store.find("billing", "void", body["authorizationId"]):
        return 409, problem("", f"Authorization {body['authorizationId']} has been voided before.")
    store.effect("billing", "void", authorized["orderId"], {}, body["authorizationId"])
    return 200, {"authorizationId": body["authorizationId"], "paymentVoided": True}


def schedule(store: Store, body: dict[str, Any]) -> Answer:
    """Book a carrier."""
    country = (body.get("address") or {}).get("country", "")
    if country not in CARRIERS:
        return 422, problem("NO_CARRIER", f"No carrier delivers to {country or 'an address without a country'}.")
    carrier, days = CARRIERS[country]
    number = store.effect("shipping", "schedule", body["orderId"], {"carrier": carrier})
    return 201, {"deliveryId": f"D-{number}", "carrier": carrier, "deliveryDays": days}
