"""Listens to brokers as long as the process serves. Any number of nodes may do so; a broker gives each message to one.

A message is confirmed when what it does is committed, so none is lost; one that comes twice is known by its id. While
the database is away it waits, and the others behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog

from engine import secrets
from engine.cluster.part import Part
from engine.engine import Engine
from engine.errors import NotAllowed, Rejection, TooMany, Unavailable
from engine.events import addresses
from engine.inbound import arrivals, receiving, sources
from engine.inbound.arrivals import Arrival
from engine.inbound.counting import Counter
from engine.inbound.sources import CHANGED, Source
from service_tasks.brokers import Incoming, Login, Loop, MissingClient, Unroutable, receive
from service_tasks.connector.transport import Forbidden, Transport
from service_tasks.errors import NotSent

Result = TypeVar("Result")

logger = structlog.get_logger(__name__)

LOOK = 3.0
"""Seconds after which it is looked again which sources there are: others change them, too."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds to wait after trouble, twice as long each time."""
TRIES = 5
"""How often an event is tried that makes us fail, before it is set aside."""
AT_ONCE = 8


class Missing(Exception):
    """A secret is not stored."""


SENTENCES = (Rejection, Forbidden, NotSent, MissingClient, Unroutable, Missing)
"""What says in a sentence why a broker cannot be listened to."""


class Listener(Part):
    """A thread that looks after the sources, and one in which the clients of brokers live."""

    name = "partitur-inbound"
    topics = (CHANGED,)

    def __init__(self, engine: Engine, transport: Transport) -> None:
        super().__init__(engine)
        self._transport = transport
        self._loop = Loop("partitur-inbound-brokers")
        self._pool = ThreadPoolExecutor(AT_ONCE, "partitur-inbound-event")
        self._counter = Counter(engine)
        self._listening: dict[int, Future[None]] = {}

    def turn(self) -> float:
        """Begin to listen to new sources, and end with those that are gone or paused."""
        # A source never changes but for being paused; one of the same name made anew has another key.
        wanted = {each.key: each for each in sources.all_of_them(self.engine) if each.address and not each.paused}
        for gone in self._listening.keys() - wanted.keys():
            self._listening.pop(gone).cancel()
        # None ends by itself; if a client lets one end all the same, it begins again.
        self._listening = {key: listening for key, listening in self._listening.items() if not listening.done()}
        for new in wanted.keys() - self._listening.keys():
            self._listening[new] = self._loop.begin(self._listen(wanted[new]))
        return LOOK

    def end(self) -> None:
        """Cancel what listens; what is under way is finished, and comes again if it was not confirmed."""
        self._loop.stop()
        self._pool.shutdown()
        self._counter.flush()

    async def _listen(self, source: Source) -> None:
        pause = FIRST_PAUSE
        told = source.trouble
        while True:
            connected = asyncio.Event()
            try:
                broker = addresses.read(source.address or "", addresses.IN)
                login = await self._call(partial(self._login, source))
                for host, port in broker.hosts:
                    await self._call(partial(self._transport.check, host, port, broker.tls))
                clearing = asyncio.create_task(self._clear(source, connected, told))
                try:
                    await receive(broker, login, partial(self._take, source), connected.set)
                finally:
                    clearing.cancel()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                trouble = str(error) if isinstance(error, SENTENCES) else (
                    f"Expected to listen to the broker, but: {str(error) or type(error).__name__}.")
            else:
                trouble = "Expected to listen to the broker, but the connection was closed."
            if connected.is_set():
                pause, told = FIRST_PAUSE, None
            if trouble != told:
                logger.warning("a source of events cannot be listened to", source=source.name, trouble=trouble[:500])
                told = trouble
                await self._note(source, trouble)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _clear(self, source: Source, connected: asyncio.Event, told: str | None) -> None:
        await connected.wait()
        if told is not None:
            await self._note(source, None)

    async def _note(self, source: Source, trouble: str | None) -> None:
        try:
            await self._call(partial(self.engine.execute, sources.note_trouble, source.key, trouble))
        except Unavailable:
            logger.warning("the trouble of a source could not be written down", source=source.name)

    def _login(self, source: Source) -> Login | None:
        if source.secret is None:
            return None
        found = secrets.reveal(self.engine, [source.secret]).get(source.secret)
        if found is None:
            raise Missing(f"Expected the secret {source.secret!r} to log in with, but it is not stored. "
                          f"`partitur secrets set {source.secret}` stores it.")
        return Login.of(found)

    async def _take(self, source: Source, incoming: Incoming) -> None:
        arrival = Arrival(body=incoming.body, headers=incoming.headers, id=incoming.id)
        pause, tries = FIRST_PAUSE, 0
        while True:
            try:
                await self._call(partial(self._receive, source, arrival))
                return
            except (Unavailable, TooMany, NotAllowed) as error:
                logger.warning("an event has to wait", source=source.name, reason=str(error)[:500])
            except Exception as error:
                tries += 1
                logger.exception("an event could not be taken", source=source.name, tries=tries)
                if tries >= TRIES:
                    why = f"Expected to take the event, but {type(error).__name__} came between; the log says more."
                    await self._call(partial(self.engine.execute, receiving.set_aside, source, arrival, why))
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _receive(self, source: Source, arrival: Arrival) -> None:
        try:
            events = arrivals.split(arrival)
        except Rejection as error:
            self.engine.execute(receiving.set_aside, source, arrival, str(error))
            return
        for event in events:
            receiving.receive(self.engine, source, event)
        self._counter.note(source.key, len(events))

    async def _call(self, work: Callable[[], Result]) -> Result:
        """Do in a thread what waits."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

