"""Where the browser finds what Vite has built: names with a hash in them, from Vite's manifest."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).parent / "static" / "dist" / "manifest.json"


class AssetsMissing(Exception):
    """The browser parts of the console were never built, so no page can be shown."""


def _manifest() -> dict[str, dict[str, Any]]:
    try:
        changed = MANIFEST.stat().st_mtime_ns
    except FileNotFoundError:
        raise AssetsMissing(
            "Expected the console's built assets in web/static/dist, but there are none: run `make assets`."
        ) from None
    return _read(changed)


@lru_cache(maxsize=1)
def _read(changed: int) -> dict[str, dict[str, Any]]:
    # Keyed by the time of change, so that assets built anew are served without a restart.
    content: dict[str, dict[str, Any]] = json.loads(MANIFEST.read_text())
    return content


def scripts(entry: str) -> list[str]:
    """The module scripts of an entry such as "console.js", as paths below /static/dist/.

    Raises:
        AssetsMissing: nothing was built yet.
    """
    return [_manifest()[entry]["file"]]


def styles(entry: str) -> list[str]:
    """The style sheets of an entry and of everything it imports, as paths below /static/dist/.

    Raises:
        AssetsMissing: nothing was built yet.
    """
    found: list[str] = []
    waiting = [entry]
    while waiting:
        chunk = _manifest()[waiting.pop()]
        found += [sheet for sheet in chunk.get("css", []) if sheet not in found]
        waiting += chunk.get("imports", [])
    return found
