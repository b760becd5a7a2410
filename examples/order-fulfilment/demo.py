"""Orders that show every way this process can go, for `partitur demo`.

    services = demo.start_services(data_dir)      # first: it tells the clients where the services are
    registry.load("examples/order-fulfilment")
    orders = demo.start(engine, services)

Everything here may be called again on the same data: what was started before is not started twice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine import definitions, instances
from engine.engine import Engine
from engine.transaction import Transaction
from service_tasks.registry import import_source

FOLDER = Path(__file__).parent
PROCESS_ID = "order-fulfilment"
DIAGRAMS = ("order-fulfilment.bpmn", "script-order.bpmn")
SLOW_CARRIERS = {"service": "shipping", "behaviour": "delay", "seconds": 3600}
DECLINED_CARD = "tok_visa_0002"

PRICES = {"TEA-ASSAM": 12.5, "TEA-SENCHA": 18.0, "MUG-BLUE": 9.9, "POT-GLASS": 34.0, "KETTLE-STEEL": 89.0}

CUSTOMERS = {
    "lovelace": ("Ada Lovelace", "Ringstraße 12", "Leipzig", "DE"),
    "turing": ("Alan Turing", "Wilmslow Road 4", "Manchester", "GB"),
    "noether": ("Emmy Noether", "Hauptstraße 23", "Erlangen", "DE"),
    "curie": ("Marie Curie", "Rue Cuvier 12", "Paris", "FR"),
    "galilei": ("Galileo Galilei", "Via Santa Maria 26", "Pisa", "IT"),
    "meitner": ("Lise Meitner", "Kaisergasse 8", "Wien", "AT"),
    "huygens": ("Christiaan Huygens", "Lange Voorhout 3", "Den Haag", "NL"),
    "euler": ("Leonhard Euler", "Rheinsprung 11", "Basel", "CH"),
    "amundsen": ("Roald Amundsen", "Ross Ice Shelf 1", "Framheim", "AQ"),
}


class Outcome(StrEnum):
    """What becomes of an order, in the words in which the command line lists them."""

    COMPLETED = "completed"
    WAITING = "waits for a person"
    RETRYING = "retrying"
    STALLED = "stalled"
    INCIDENT = "failed with an incident"
    DECLINED = "payment declined, stock released"
    UNDELIVERABLE = "no carrier, payment voided, stock released"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order of the demo. `outcome` says what becomes of it and `why`; `fault` is what a service does to it."""

    number: str
    customer: str
    items: Mapping[str, int]
    outcome: Outcome
    why: str = ""
    card: str = "tok_visa_4242"
    fault: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def variables(self) -> dict[str, Any]:
        """What the process is started with."""
        name, street, city, country = CUSTOMERS[self.customer]
        given = {
            "orderId": self.number,
            "customerId": self.customer,
            "items": [
                {"sku": sku, "quantity": quantity, "unitPrice": PRICES[sku]} for sku, quantity in self.items.items()
            ],
            "currency": "EUR",
            "paymentToken": self.card,
            "address": {"name": name, "street": street, "city": city, "country": country},
        }
        return {name: value for name, value in given.items() if name not in self.without}


@dataclass(frozen=True, kw_only=True)
class StartedOrder:
    """An order of the demo and its process instance."""

    order: Order
    instance_key: int


ORDERS = (
    Order(number="A-1001", customer="lovelace", items={"TEA-ASSAM": 2, "MUG-BLUE": 1}, outcome=Outcome.COMPLETED),
    Order(number="A-1002", customer="turing", items={"TEA-SENCHA": 1, "POT-GLASS": 1}, outcome=Outcome.COMPLETED),
    Order(number="A-1003", customer="curie", items={"KETTLE-STEEL": 1}, outcome=Outcome.COMPLETED),
    Order(number="A-1004", customer="huygens", items={"MUG-BLUE": 6}, outcome=Outcome.COMPLETED),
    Order(number="A-1005", customer="meitner", items={"TEA-ASSAM": 4, "TEA-SENCHA": 4}, outcome=Outcome.COMPLETED),
    Order(number="A-1006", customer="noether", items={"KETTLE-STEEL": 12, "POT-GLASS": 4}, outcome=Outcome.WAITING,
          why="above 1,000 somebody reviews it"),
    Order(number="A-1007", customer="euler", items={"TEA-SENCHA": 120}, outcome=Outcome.WAITING,
          why="above 1,000 somebody reviews it"),
    Order(number="A-1008", customer="galilei", items={"POT-GLASS": 20, "KETTLE-STEEL": 6}, outcome=Outcome.WAITING,
          why="above 1,000 somebody reviews it"),
    Order(number="A-1009", customer="turing", items={"TEA-ASSAM": 3}, outcome=Outcome.RETRYING,
          why="the warehouse fails and is asked again with the same key",
          fault={"service": "inventory", "behaviour": "fail"}),
    Order(number="A-1010", customer="curie", items={"MUG-BLUE": 2}, outcome=Outcome.RETRYING,
          why="the warehouse is down and says when to ask again",
          fault={"service": "inventory", "behaviour": "down", "seconds": 120}),
    Order(number="A-1011", customer="meitner", items={"TEA-SENCHA": 2}, outcome=Outcome.STALLED,
          why="the carriers take longer than agreed", fault=SLOW_CARRIERS),
    Order(number="A-1012", customer="lovelace", items={"POT-GLASS": 1}, outcome=Outcome.STALLED,
          why="the carriers take longer than agreed", fault=SLOW_CARRIERS),
    Order(number="A-1013", customer="galilei", items={"MUG-BLUE": 4}, outcome=Outcome.INCIDENT,
          why="the answer of Billing lacks a field; a retry helps",
          fault={"service": "billing", "behaviour": "bad-answer", "times": 1}),
    Order(number="A-1014", customer="noether", items={"TEA-ASSAM": 1}, outcome=Outcome.INCIDENT,
          why="no means of payment; set paymentToken and retry", without=("paymentToken",)),
    Order(number="A-1015", customer="huygens", items={"KETTLE-STEEL": 2}, outcome=Outcome.DECLINED,
          card=DECLINED_CARD),
    Order(number="A-1016", customer="euler", items={"TEA-SENCHA": 5, "MUG-BLUE": 5}, outcome=Outcome.DECLINED,
          card=DECLINED_CARD),
    Order(number="A-1017", customer="turing", items={"POT-GLASS": 3}, outcome=Outcome.DECLINED,
          fault={"service": "billing", "behaviour": "decline"}),
    Order(number="A-1018", customer="amundsen", items={"KETTLE-STEEL": 1, "TEA-ASSAM": 9},
          outcome=Outcome.UNDELIVERABLE, why="nobody delivers to Antarctica"),
)


def start_services(data_dir: Path, port: int = 0) -> Any:
    """Serve Inventory, Billing and Shipping from this process, and tell the clients where; gives what `serve` gives.

    Their data is in `data_dir`. To be called before the clients are loaded.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    running = import_source(str(FOLDER / "services" / "app.py")).serve(data_dir / "order-services.db", port=port)
    os.environ["ORDER_SERVICES_URL"] = running.url
    return running


def start(engine: Engine, services: Any) -> list[StartedOrder]:
    """Deploy the diagrams and start the orders, in the order in which they are listed.

    To be called before a worker runs: the services learn afterwards for which orders to misbehave.
    """
    resources = [definitions.Resource(name=name, content=(FOLDER / name).read_bytes()) for name in DIAGRAMS]
    engine.execute(definitions.deploy, resources, name="Order example", source="demo")
    store = services.app.extensions["store"]
    begun = engine.execute(_start_all)
    for order, started in zip(ORDERS, begun, strict=True):
        if started.created and order.fault:
            fault = order.fault
            store.add_fault(
                fault["service"], order.number, fault["behaviour"], fault.get("seconds", 5), fault.get("times")
            )
    return [StartedOrder(order=order, instance_key=started.key) for order, started in zip(ORDERS, begun, strict=True)]


def _start_all(tx: Transaction) -> list[instances.Started]:
    return [
        instances.start(
            tx, PROCESS_ID, variables=order.variables(), business_id=order.number, start_key=f"demo-{order.number}",
        )
        for order in ORDERS
    ]
