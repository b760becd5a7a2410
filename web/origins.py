"""Where a request comes from: pages of other web sites may not make a browser command the engine."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden


def refuse_other_sites() -> None:
    """Refuse what a page of another web site makes a browser send here; raises Forbidden.

    Camunda Modeler sends no origin, or `file://`; those are fine.
    """
    origin = request.headers.get("Origin", "")
    if request.method != "GET" and origin.startswith(("http://", "https://")) \
            and urlsplit(origin).netloc != request.host:
        raise Forbidden(f"Expected a request that comes from no other web site, but it comes from {origin}.")
