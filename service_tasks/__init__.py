"""How a job becomes a call: typed services, their contracts, and the worker that calls them.

    from service_tasks import BpmnError, Call, Data, Retry, service_task

    class Reservation(Data):
        reservation_id: str

    @service_task("reserve-inventory", timeout=5, retry=Retry(attempts=5), idempotent=True,
                  errors={"OUT_OF_STOCK": "The warehouse has less than was ordered."},
                  compensated_by="release-inventory")
    def reserve(order_id: str, items: list[OrderLine], *, call: Call) -> Reservation: ...

A service knows nothing of the process that calls it: its inputs are the process variables named like its parameters
(`order_id` or `orderId`), its result becomes variables, and what can go wrong is an error code that the diagram may
catch.
"""

from service_tasks.breaker import Breaker
from service_tasks.call import Call
from service_tasks.contract import ContractError, Data, Sensitive, ServiceContract, service_task
from service_tasks.errors import (
    BpmnError,
    GiveUp,
    InDoubt,
    NotSent,
    RetryLater,
    ServiceError,
    UnknownOutcome,
    UnusableAnswer,
)
from service_tasks.probing import DidNotHappen, Happened, Unclear
from service_tasks.registry import Registry
from service_tasks.retry import Retry

__all__ = [
    "BpmnError",
    "Breaker",
    "Call",
    "ContractError",
    "Data",
    "DidNotHappen",
    "GiveUp",
    "Happened",
    "InDoubt",
    "NotSent",
    "Registry",
    "Retry",
    "RetryLater",
    "Sensitive",
    "ServiceContract",
    "ServiceError",
    "Unclear",
    "UnknownOutcome",
    "UnusableAnswer",
    "service_task",
]
