"""Processes of the order example: its services, and the commands of `partitur`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.examples.order import ORDER_EXAMPLE

ROOT = Path(__file__).parents[2]
ADDRESS = {"name": "Ada Lovelace", "street": "Ring 1", "city": "Leipzig", "country": "DE"}
TEA = {"sku": "TEA-ASSAM", "quantity": 2, "unitPrice": 12.5}
GOOD = {"items": [TEA], "paymentToken": "tok_4242", "address": ADDRESS}
LARGE = {**GOOD, "items": [{**TEA, "quantity": 200}]}
DECLINED = {**GOOD, "paymentToken": "tok_0002"}
NO_CARRIER = {**GOOD, "address": {**ADDRESS, "country": "AQ"}}


@contextmanager
def services(folder: Path) -> Iterator[str]:
    """The three services in a process of their own; gives their address."""
    process = subprocess.Popen(
        [sys.executable, str(ORDER_EXAMPLE / "services" / "app.py"), "--port", "0",
         "--database", str(folder / "services.db")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def environment(services_url: str, **more: str) -> dict[str, str]:
    """What a process of ours needs to know to reach the services, and nothing that the tester's shell says."""
    ours = ("DATA_DIR", "DATABASE_URL", "PORT", "PARTITUR_URL", "PARTITUR_HOST", "INVENTORY_URL", "BILLING_URL",
            "SHIPPING_URL")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "ORDER_SERVICES_URL": services_url, "PYTHONPATH": str(ROOT), **more}
