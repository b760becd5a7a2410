"""`partitur serve` and `partitur worker`."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console

from engine.cluster.partitions import Partitions, parse
from engine.engine import Engine
from web.auth.accessfile import AccessFile
from web.cli import encryption, identity
from web.cli.group import Refused
from web.cli.logs import configure_logging
from web.cli.opening import opened
from web.cli.services import ExternalTypes, Services, Sources, Strict
from web.cli.settings import Settings
from web.cli.terminal import Json, answer, wants_json
from web.cli.tls import certificate_of
from web.cli.web_server import THREADS, WebServer

if TYPE_CHECKING:
    from web.cli.node import Node

logger = structlog.get_logger(__name__)

DataDir = Annotated[Path | None, typer.Option(help="Where the data is; also DATA_DIR.", show_default="./data")]
PartitionsText = Annotated[
    str | None,
    typer.Option("--partitions", metavar="0-63,128", show_default="all",
                 help="Fire timers and call services of these of the 1,024 partitions only."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, show_default="none",
                 help="Answer /metrics, /health and /ready on this port, at PARTITUR_HOST or 127.0.0.1."),
]
Threads = Annotated[int, typer.Option("--service-threads", min=0, help="Services called at once; 0: none.")]


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Also PORT.", show_default="8080")] = None,
    host: Annotated[
        str | None, typer.Option(help="Also PARTITUR_HOST. Others need users.", show_default="127.0.0.1")
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="Speak TLS with this file (PEM); also PARTITUR_TLS_CERTIFICATE.",
                                  show_default=False)
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key; also PARTITUR_TLS_KEY.", show_default=False)] = None,
    data_dir: DataDir = None,
    services: Sources = None,
    external_types: ExternalTypes = None,
    strict: Strict = False,
    service_threads: Threads = 16,
    reload_services: Annotated[
        bool, typer.Option("--reload-services", help="Read services again when their files change; for development.")
    ] = False,
    threads: Annotated[int, typer.Option(min=4, help="Requests at once; long polls wait without one.")] = THREADS,
    no_scheduler: Annotated[
        bool, typer.Option("--no-scheduler", help="Fire no timers: `partitur scheduler` does, or another server.")
    ] = False,
    partitions: PartitionsText = None,
    json: Json = False,
) -> None:
    """Run the web server, the scheduler and the workers in this process. SIGTERM lets them finish first."""
    from web.cli.node import Node  # the pages take a while to import, and only servers need them

    configure_logging(json)
    settings = Settings.of(data_dir=data_dir, host=host, port=port, strict=strict, tls_certificate=tls_certificate,
                           tls_key=tls_key)
    known = Services(sources=services or (), external_types=external_types, threads=service_threads,
                     reload=reload_services)
    with opened(settings, by_itself=True) as engine:
        known.connect(engine)
        engine.partitions = chosen(partitions)
        web = bound(engine, settings, known, threads)
        address = url_of(settings, web)
        node = Node(engine, known, web=web, schedules=not no_scheduler, address=address)
        who = entrance(settings)
        sentence = f"Partitur serves {address} with {known.count}. {who} Ctrl-C ends it."
        run(node, {"url": address, "login": who}, lambda console: console.print(sentence, soft_wrap=True))


def worker(
    services: Sources = None,
    data_dir: DataDir = None,
    service_threads: Annotated[int, typer.Option(min=1, help="How many services are called at once.")] = 16,
    partitions: PartitionsText = None,
    metrics_port: MetricsPort = None,
    json: Json = False,
) -> None:
    """Run workers only, beside a server on the same database."""
    from web.cli.node import Node

    configure_logging(json)
    known = Services(sources=services or (), threads=service_threads)
    settings = Settings.of(data_dir=data_dir)
    with opened(settings, by_itself=True) as engine:
        known.connect(engine)
        if not len(known.registry):
            raise Refused("Expected services to call, but none was given: use --services.")
        engine.partitions = chosen(partitions)
        measured(engine, settings, metrics_port)
        run(
            Node(engine, known, web=None, schedules=False),
            {"services": [contract.name for contract in known.registry]},
            lambda console: console.print(f"Partitur works with {known.count}. Ctrl-C ends it."),
        )


def scheduler(
    services: Sources = None,
    data_dir: DataDir = None,
    partitions: PartitionsText = None,
    metrics_port: MetricsPort = None,
    json: Json = False,
) -> None:
    """Fire timers and do what else falls due, beside servers on the same database. `--services` for their limits."""
    from web.cli.node import Node

    configure_logging(json)
    known = Services(sources=services or (), threads=0)
    settings = Settings.of(data_dir=data_dir)
    with opened(settings, by_itself=True) as engine:
        known.connect(engine)
        engine.partitions = chosen(partitions)
        measured(engine, settings, metrics_port)
        run(
            Node(engine, known, web=None), {"partitions": partitions},
            lambda console: console.print("Partitur fires what falls due. Ctrl-C ends it."),
        )


def chosen(partitions: str | None) -> Partitions | None:
    """The partitions that an option names; None for all. Raises InvalidInput."""
    return None if partitions is None else parse(partitions)


def run(node: Node, facts: object, show: Callable[[Console], None], grace: timedelta | None = None) -> None:
    """Let a node run until the process is asked to leave, then finish what is under way."""
    from web.cli.node import GRACE, Stop

    stop = Stop()
    stop.listen()
    node.start()
    answer(facts, show)
    stop.wait()
    announce("Finishing what is under way; again to end at once.")
    if not node.stop(grace or GRACE):
        announce("Some calls were still running; the next start makes them again, with the same idempotency keys.")


def announce(sentence: str) -> None:
    """Tell whoever watches, in the form of the log lines around it."""
    if wants_json():
        logger.warning(sentence)
    else:
        Console(stderr=True, highlight=False).print(sentence)


def measured(engine: Engine, settings: Settings, port: int | None) -> None:
    """Answer Prometheus and probes on a port of its own, if one is wanted.

    Raises:
        Refused: the address is taken or not ours.
    """
    from web import health

    if port is None:
        return
    check_listening(settings)
    try:
        WebServer(health.without_pages(engine), settings.host, port, threads=4,
                  certificate=certificate_of(settings)).start()
    except OSError as error:
        raise Refused(f"Expected to answer /metrics at {settings.host}:{port}, but: {error.strerror or error}. "
                      "Choose another --metrics-port.") from error


def bound(engine: Engine, settings: Settings, services: Services, threads: int = THREADS) -> WebServer:
    """The web server on its address.

    Raises:
        Refused: the address is taken or not ours.
    """
    from web.cli.node import web_server

    check_listening(settings)
    try:
        return web_server(engine, settings, services, threads)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                f"Expected port {settings.port} to be free, but another program has it. "
                f"Choose another one: PORT={settings.port + 1}."
            ) from error
        raise Refused(f"Expected to listen on {settings.host}:{settings.port}, but: {error.strerror}.") from error


def check_listening(settings: Settings) -> None:
    """Say that others can read what is sent to a server that they reach without TLS, unless a proxy speaks it.

    Raises:
        Refused: PARTITUR_PLAIN_CONNECTIONS refuses it.
    """
    for plain in encryption.listening(settings):
        if settings.encrypted:
            raise Refused(encryption.sentence(plain))
        if not identity.public_url().startswith("https://"):
            announce(f"What is sent to {plain.shown} can be read on the way. {plain.advice}")


def entrance(settings: Settings) -> str:
    """Who comes in, in a sentence. Raises SettingsError, AccessFileError."""
    provider = identity.registration()
    if provider:
        return f"People log in with {provider.shown}."
    if AccessFile(settings.access_file).read().is_empty:
        return "Nobody has to log in: only this machine reaches it."
    return "Everybody has to log in."


def url_of(settings: Settings, web: WebServer) -> str:
    """The address for people."""
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::1") else settings.host
    return f"{'https' if settings.tls_certificate else 'http'}://{host}:{web.port}"
