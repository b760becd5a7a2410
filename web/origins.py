"""Where a request comes from: pages of other web sites may not make a browser command the engine."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

OURS = frozenset({"same-origin", "none"})
"""What browsers say of a request that no page of another site made (Sec-Fetch-Site)."""


def refuse_other_sites() -> None:
    """Refuse what a page of another web site makes a browser send here; raises Forbidden.

    Camunda Modeler sends no origin, or `file://`, which no page of the web can have; those are fine. A frame without an
    origin says `null`, and its browser that it is of another site.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    origin = request.headers.get("Origin", "")
    from_elsewhere = origin.startswith(("http://", "https://")) and urlsplit(origin).netloc != request.host
    crosses = request.headers.get("Sec-Fetch-Site", "none") not in OURS and not origin.startswith("file:")
    if from_elsewhere or crosses:
        raise Forbidden("Expected a request that comes from no other web site, but it comes from "
                        f"{origin[:100] or 'one'}.")
