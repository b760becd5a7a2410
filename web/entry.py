"""Where the program `partitur` begins, before anything is read that takes time."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line."""
    if os.getpid() == 1:
        # The first process of a container is spared every signal that it does not handle itself (pid_namespaces(7)),
        # so that one which is stopped while it starts or upgrades would be waited for, and killed.
        signal.signal(signal.SIGTERM, _end)
    from web import cli

    cli.main()


def _end(number: int, _frame: FrameType | None) -> None:
    """What the signal does to any other process. Nodes take it over once they run: `web.cli.node.Stop`."""
    os._exit(128 + number)
