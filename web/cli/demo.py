"""`partitur demo`: the server with the order example, its three services, and orders of every outcome."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel

from service_tasks.registry import import_source
from web.cli.group import Refused
from web.cli.logs import configure_logging
from web.cli.opening import opened
from web.cli.services import Services
from web.cli.serving import DataDir, bound, entrance, run, url_of
from web.cli.settings import Settings
from web.cli.terminal import Json, table

SERVICES_PORT = 8090
GRACE = timedelta(seconds=3)
"""Two of its calls take an hour on purpose; nobody waits for them."""
PLACES = (
    (Path(__file__).parents[2] / "examples" / "order-fulfilment", "in the repository"),
    (Path(__file__).parents[1] / "examples" / "order-fulfilment", "in an installed package"),
)


def demo(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Also PORT.", show_default="8080")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Run everything with the order example: started orders show every outcome. Started again, it goes on."""
    from web.cli.node import Node  # the pages take a while to import, and only servers need them

    configure_logging(json)
    settings = Settings.of(data_dir=data_dir, port=port)
    example = example_folder()
    orders = import_source(str(example / "demo.py"))
    with opened(settings, by_itself=True) as engine:
        # Bound first: when the port is taken, nothing has been started.
        known = Services(sources=[str(example)])
        web = bound(engine, settings, known)
        companies = orders.start_services(settings.data_dir, port=SERVICES_PORT if is_free(SERVICES_PORT) else 0)
        try:
            known.connect(engine)
            started = orders.start(engine.acting_as("demo"), companies)
            address = url_of(settings, web)
            node = Node(engine, known, web=web, address=address)
            facts = {"url": address, "services": companies.url, "orders": started}
            run(node, facts, lambda console: show(console, address, companies.url, started, entrance(settings)), GRACE)
        finally:
            companies.stop()


def example_folder() -> Path:
    """Where the example is.

    Raises:
        Refused: it is nowhere.
    """
    for folder, _ in PLACES:
        if folder.is_dir():
            return folder
    raise Refused(f"Expected the order example {' or '.join(place for _, place in PLACES)}, but it is not there.")


def is_free(port: int) -> bool:
    """Whether nobody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def show(console: Console, address: str, services_url: str, started: Sequence[Any], who: str) -> None:
    """What was started, and what to click."""
    console.print(Panel.fit(f"[bold]Partitur is running:[/] [link={address}]{address}[/link]\n{who}",
                            border_style="green"))
    outcomes: dict[str, list[Any]] = {}
    for item in started:
        outcomes.setdefault(item.order.outcome, []).append(item)
    console.print(
        table(
            ["orders", "number", "one of them"],
            (
                [outcome, len(items), f"{address}/instances/{items[0].instance_key}"]
                for outcome, items in outcomes.items()
            ),
        )
    )
    console.print(
        table(
            ["\nwhat to click", ""],
            (
                ["everything at a glance", address],
                ["the process and where its tokens are", f"{address}/processes/order-fulfilment"],
                ["an order that waits for you: claim and complete it", f"{address}/tasks"],
                ["what failed and why: try it again", f"{address}/instances?state=incident"],
                ["a diagram of your own", f"{address}/deployments/new"],
                ["what the three services received", f"{services_url}/recorded"],
            ),
        )
    )
    console.print(
        "\nCamunda Modeler's connection to Camunda 8 Self-Managed deploys here when this is port 8080.\n"
        "Ctrl-C ends it, and `make demo` goes on with the same data."
    )
