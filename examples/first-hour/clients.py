"""The one service of the holiday request: it books the days that were granted."""

from __future__ import annotations

from service_tasks import BpmnError, Call, Data, service_task


class Booking(Data):
    """What the calendar says of the holiday."""

    booking_id: str


@service_task("book-holiday", timeout=5, idempotent=True, errors={"TOO_LONG": "Nobody has that many days."})
def book(days: int, *, call: Call) -> Booking:
    """Book a holiday. The same call made twice books once, because the key is the same."""
    if days > 30:
        raise BpmnError("TOO_LONG", f"Expected at most 30 days, but they are {days}.")
    return Booking(booking_id=f"H-{call.idempotency_key}")
