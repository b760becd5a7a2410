"""A part of a node: something that is done beside all else, in a thread of its own, until the node leaves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

import structlog

from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.engine import Engine

logger = structlog.get_logger(__name__)


class Part:
    """Turn after turn: a subclass does what is due in `turn`, and says how many seconds it may wait.

    It is woken before that by an announcement of one of `topics` in this process. A turn that fails is tried again
    after `after_trouble` seconds: nothing but the database may be away, and what a part does is in the database.
    """

    name: ClassVar[str]
    """Of the thread."""
    topics: ClassVar[tuple[str, ...]] = ()
    first_wait: ClassVar[float] = 0.0
    """Seconds before the first turn."""
    after_trouble: ClassVar[float] = 2.0

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._stopping = threading.Event()
        # A part without topics would hear everything.
        self._listener = engine.wakeup.listen(self.topics or (self.name,))
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is under way."""
        self._stopping.set()
        self._listener.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self.end()

    @property
    def is_stopping(self) -> bool:
        """Whether this part is asked to end."""
        return self._stopping.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait, whatever is announced; whether this part is asked to end."""
        return self._stopping.wait(seconds)

    def turn(self) -> float:
        """Do what is due; seconds to wait at most before the next turn."""
        raise NotImplementedError

    def end(self) -> None:
        """Give back what the part holds; called when the last turn is over."""

    def _run(self) -> None:
        with self._listener:
            if self.first_wait:
                self._listener.wait(self.first_wait)
            while not self._stopping.is_set():
                try:
                    wait = self.turn()
                except Unavailable as error:
                    logger.warning("a part of this node waits for the database", part=self.name, reason=error.why)
                    wait = self.after_trouble
                except Exception:
                    logger.exception("a part of this node failed; it is tried again", part=self.name)
                    wait = self.after_trouble
                if wait > 0:
                    self._listener.wait(wait)
