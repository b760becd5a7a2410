"""What a fork of a warm process does: one thing, and then it ends as a process of its own would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def be(act: Callable[[], None]) -> NoReturn:
    """Do it, and end this process with the exit code that Python would give; nothing of the parent is left behind."""
    code = 1
    try:
        act()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
