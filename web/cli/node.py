"""One serving process: the web server, the scheduler and the workers of one engine, started and stopped together."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import signal
import threading
import time
from datetime import timedelta
from types import FrameType

from engine import garbage
from engine.alerts.sampling import Sampler
from engine.cluster import nodes
from engine.cluster.cleaner import Cleaner
from engine.cluster.nodes import Pulse
from engine.cluster.operator import Operator
from engine.cluster.part import Part
from engine.cluster.scheduler import Scheduler
from engine.engine import Engine
from engine.events.watching import TargetWatch
from service_tasks.alerts import Watcher
from service_tasks.alerts.channel import sender
from service_tasks.events import Dispatcher
from service_tasks.inbound import Listener
from service_tasks.reloading import Reloader
from service_tasks.worker import Worker
from web.app import create_app
from web.auth.access import check_exposure
from web.cli import identity
from web.cli.services import Services
from web.cli.settings import Settings, SettingsError
from web.cli.tls import certificate_of
from web.cli.web_server import THREADS, WebServer
from web.console import watching

SHORTEST_KEY = 32
GRACE = timedelta(seconds=20)
"""How long a process that is asked to leave may take to finish what it does."""


class Stop:
    """Set by SIGTERM and SIGINT. The second signal ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take the signals over from Python; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def wait(self) -> None:
        """Return when the process is asked to leave."""
        # In pieces, because Windows delivers signals only between them.
        while not self._event.wait(1.0):
            pass

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if self._event.is_set():
            os._exit(128 + number)
        self._event.set()


class Node:
    """Everything that runs in a serving process. `schedules`: it fires timers and does what else falls due."""

    def __init__(self, engine: Engine, services: Services, *, web: WebServer | None, schedules: bool = True,
                 address: str | None = None) -> None:
        self.engine = engine
        self.web = web
        self._services = services
        self._worker = self._new_worker()
        self._reloader = Reloader(services.registry, services.sources, self._renew) if services.reload else None
        self._scheduler = Scheduler(engine) if schedules else None
        self._background: list[Part] = [TargetWatch(engine), Sampler(engine)]
        if schedules:
            shown = os.environ.get("PARTITUR_PUBLIC_URL") or address
            self._background += [Cleaner(engine), Operator(engine), Dispatcher(engine, services.transport()),
                                 Watcher(engine, shown, sender(services.transport().check), watching.count),
                                 Listener(engine, services.transport())]
        self._pulse = Pulse(engine, nodes.Node(roles=self.roles, services=self._types(), address=address))

    @property
    def roles(self) -> list[str]:
        """What it does."""
        parts = {nodes.WEB: self.web, nodes.WORKER: self._worker, nodes.SCHEDULER: self._scheduler}
        return [role for role, part in parts.items() if part]

    def _types(self) -> list[str]:
        return [contract.name for contract in self._services.registry] if self._services.threads else []

    def start(self) -> None:
        """Let it run: from now on jobs are called, timers fire and pages are answered."""
        garbage.collect_rarely()
        if self._scheduler:
            self.engine.queue.start(self.engine.wakeup, self._scheduler.handle, self._scheduler.groups)
            self._scheduler.start()
        else:
            self.engine.queue.start(self.engine.wakeup, None, ())
        for part in self._background:
            part.start()
        self._pulse.start()
        if self._worker:
            self._worker.start()
        if self.web:
            self.web.start()
        if self._reloader:
            self._reloader.start()

    def _new_worker(self) -> Worker | None:
        services = self._services
        return Worker(self.engine, services.registry, threads=services.threads) if services.threads else None

    def _renew(self) -> None:
        """The services were read again: work with the new ones, and let the calls under way end with the old."""
        self._services.publish(self.engine)
        self._pulse.node = dataclasses.replace(self._pulse.node, services=self._types())
        before, self._worker = self._worker, self._new_worker()
        if self._worker:
            self._worker.start()
        if before:
            before.stop(GRACE)

    def stop(self, grace: timedelta = GRACE) -> bool:
        """Finish what is under way and leave; whether that worked within `grace`.

        What did not finish is not lost: its job's lock runs out, and the next process takes it.
        """
        deadline = time.monotonic() + grace.total_seconds()
        if self._reloader:
            self._reloader.stop()
        done = self.web.drain(grace.total_seconds()) if self.web else True
        if self._worker:
            done = self._worker.stop(timedelta(seconds=max(0.0, deadline - time.monotonic()))) and done
        if self._scheduler:
            self._scheduler.stop()
        for part in reversed(self._background):
            part.stop()
        self.engine.queue.stop()
        self._pulse.stop()
        return done


def web_server(engine: Engine, settings: Settings, services: Services, threads: int = THREADS) -> WebServer:
    """The web server of an engine, bound to its address.

    Raises:
        OSError: the address is taken.
        CertificateError: the server's certificate cannot be used.
        AccessFileError: the users cannot be read.
        SettingsError: what the environment says of sessions, limits or a provider of identities cannot be.
        Unprotected: others can reach the address, and nobody would have to log in.
    """
    key = secret_key(settings)
    access = identity.access_of(settings, key)
    check_exposure(settings.host, access)
    return WebServer(
        create_app(engine, secret_key=key, services=services.registry, access=access,
                   hosts=(settings.host.lower(), *settings.hosts), public_url=identity.public_url(),
                   scanner=settings.scanner, strict_transport=identity.strict_transport()),
        settings.host,
        settings.port,
        threads,
        proxies=identity.proxies(),
        certificate=certificate_of(settings),
    )


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: PARTITUR_SESSION_KEY, so that several servers share one, else kept in the data
    directory, so that a restart logs nobody out.

    Raises:
        SettingsError: the variable is too short.
    """
    shared = os.environ.get("PARTITUR_SESSION_KEY")
    if shared:
        if len(shared) < SHORTEST_KEY:
            raise SettingsError(f"Expected PARTITUR_SESSION_KEY to have at least {SHORTEST_KEY} characters, but it has "
                                f"{len(shared)}. `openssl rand -hex 32` makes one.")
        return shared
    path = settings.data_dir / "secret_key"
    settings.make_data_dir()
    if not path.exists():
        fresh = settings.data_dir / f".secret_key.{os.getpid()}"
        fresh.touch(0o600)
        fresh.write_text(secrets.token_urlsafe(32))
        # Of two processes that start at once, one makes the file and both read it, whole.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text()
