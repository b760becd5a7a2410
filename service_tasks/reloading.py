"""Services are read again when their files change, for development: no restart after each edit.

What is under way is finished with the old functions; jobs taken afterwards are called with the new ones.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from service_tasks.registry import Registry, module_name

logger = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between two looks at the files."""


class Reloader:
    """Watches the files of services, and fills their registry anew when one changes.

    Arguments:
        registry: is changed in place, so that whoever has it sees the new contracts.
        sources: what was loaded into it (see `Registry.load`).
        changed: is called after each change, to begin to work with the new contracts.
    """

    def __init__(self, registry: Registry, sources: Sequence[str], changed: Callable[[], None]) -> None:
        self._registry = registry
        self._sources = sources
        self._changed = changed
        self._seen = self._look()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partitur-reloader", daemon=True)

    def start(self) -> None:
        """Begin to watch, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=1.0)

    def look_once(self) -> bool:
        """Read the services again if a file changed; whether they are new now.

        Files that cannot be read are logged, and the services stay as they were.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            fresh = self._load()
        except Exception:
            logger.exception("Expected to read the services again, but they cannot be; the old ones stay.")
            return False
        self._registry.replace(fresh)
        self._seen = self._look()
        logger.info("The services were read again: %d.", len(fresh))
        self._changed()
        return True

    def _load(self) -> Registry:
        before = {name: sys.modules.pop(name) for name in self._modules() if name in sys.modules}
        importlib.invalidate_caches()
        fresh = Registry()
        try:
            fresh.discover()
            for source in self._sources:
                fresh.load(source)
        except BaseException:
            sys.modules.update(before)
            raise
        return fresh

    def _modules(self) -> set[str]:
        """The modules that the services are in, and what lies below the sources that are packages."""
        named = {module_name(source) for source in self._sources}
        return {name for name in sys.modules if any(name == each or name.startswith(each + ".") for each in named)}

    def _look(self) -> dict[str, int]:
        """When each file was changed last."""
        files: dict[str, int] = {}
        for name in self._modules():
            module = sys.modules.get(name)
            file = module and inspect.getsourcefile(module)
            if file:
                path = Path(file)
                files[file] = path.stat().st_mtime_ns if path.exists() else 0
        return files

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE):
            try:
                self.look_once()
            except Exception:
                logger.exception("Expected to watch the files of the services, but it failed.")
