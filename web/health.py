"""Whether a process lives, and whether work should come to it: for balancers and whatever starts processes anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response, json
from prometheus_client import make_wsgi_app

from engine.database import ping
from engine.engine import Engine
from engine.errors import Unavailable
from web.metrics import registry_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ALIVE = ("/health", "/health/live")
READY = ("/ready", "/health/ready")
"""Where each is asked; the second of a pair as Kubernetes and Camunda name it."""


def check_ready(engine: Engine) -> None:
    """The database answers, and takes what is written. Alive a process may be all the same.

    Raises:
        Unavailable: it does not.
    """
    with engine.read() as connection:
        ping(connection)
    if (why := engine.cannot_write) is not None:
        raise Unavailable(why)


def without_pages(engine: Engine) -> WSGIApplication:
    """What a node without a web server answers: whether it lives, whether it is ready, and else its metrics."""
    metrics = make_wsgi_app(registry_of(engine))

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ALIVE:
            return _said("UP", 200)(environ, start_response)
        if path in READY:
            try:
                check_ready(engine)
            except Unavailable as error:
                return _said("DOWN", 503, detail=str(error))(environ, start_response)
            return _said("UP", 200)(environ, start_response)
        measured: Iterable[bytes] = metrics(environ, start_response)
        return measured

    return answer


def _said(status: str, code: int, **more: str) -> Response:
    return Response(json.dumps({"status": status, **more}), code, mimetype="application/json")
