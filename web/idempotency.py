"""Requests with an `Idempotency-Key`: a repeated one acts once and gets the first answer, at every door.

Only success is remembered: a refused request changed nothing, so it may be tried again under its key.
Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import structlog
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue

from engine import requests
from engine.engine import Engine
from engine.errors import Rejection, Unavailable
from engine.requests import Request
from engine.telemetry import tracing
from web.auth.identity import Identity
from web.routing import LazyRule
from web.serving_spans import request_span

logger = structlog.get_logger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""Tells that an answer is that of an earlier request."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
KEPT_HEADERS = ("Content-Type", "Location", "HX-Redirect")


def not_remembered(view: View) -> View:
    """Marks a view whose repetition is meant to act again, such as handing out jobs.

    So are all doors at which people show who they are: under one key, what one of them showed would count for the next,
    and what nobody is to see twice (recovery codes) would be kept.
    """
    view.acts_again = True  # type: ignore[attr-defined]
    return view


class Application(Flask):
    """A Flask application that carries out what is asked under one key once."""

    url_rule_class = LazyRule

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer a request that has passed every check of who asks, in the trace that it belongs to."""
        changes = request.method not in READING and not self._acts_again()
        with request_span(self.extensions["engine"], counts=changes) as serving, tracing.under(serving.trace_parent):
            response = self.make_response(self._answer())
            serving.status = response.status_code
            return response

    def _answer(self) -> ResponseReturnValue:
        key = request.headers.get(HEADER)
        if key is None or request.method in READING or self._acts_again():
            return super().dispatch_request()
        engine: Engine = self.extensions["engine"]
        requests.checked_key(_as_written(key))
        asked = Request(id=_identity(key), digest=_digest())
        earlier = requests.first_answer(engine, asked)
        if earlier is not None:
            return _replayed(earlier)
        with requests.under(asked):
            response = self.make_response(self._once(asked))
        if (asked.calls or asked.repeated) and response.status_code < 400 and not response.is_streamed:
            _remember(engine, asked, response)
            if asked.repeated:
                response.headers[REPLAYED] = "true"
        return response

    def _once(self, asked: Request) -> ResponseReturnValue:
        try:
            return super().dispatch_request()
        except Rejection:
            # The first try may have been under way still when this one looked, and be done by now.
            if asked.repeated or asked.calls:
                raise
            requests.first_answer(self.extensions["engine"], asked)
            if not asked.repeated:
                raise
            return super().dispatch_request()

    def _acts_again(self) -> bool:
        return getattr(self.view_functions.get(request.endpoint or ""), "acts_again", False)


def _as_written(key: str) -> str:
    """A header as its sender wrote it: most write UTF-8, and WSGI hands out each byte as a character (PEP 3333)."""
    try:
        return key.encode("latin-1").decode()
    except UnicodeError:
        return key


def _identity(key: str) -> str:
    """Who asks, where, and the key: another person's key is another key, also if both have the same name."""
    who: Identity | None = g.get("identity")
    parts = (who.person or who.name if who else "", request.method, request.path, key)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _digest() -> str:
    """Of what is asked: the text of the address and the body, or the fields and files of a form."""
    content = hashlib.sha256(request.query_string)
    if request.mimetype == "multipart/form-data":
        # Each try draws another boundary between the parts.
        for name, value in request.form.items(multi=True):
            if name != "csrf_token":
                content.update(f"\0{name}\0{value}".encode("utf-8", "surrogatepass"))
        for name, file in request.files.items(multi=True):
            content.update(f"\0{name}\0{file.filename}\0".encode("utf-8", "surrogatepass"))
            content.update(file.stream.read())
            file.stream.seek(0)
    else:
        content.update(b"\0" + request.get_data(cache=True))
    return content.hexdigest()


def _remember(engine: Engine, asked: Request, response: Response) -> None:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    answer = msgspec.msgpack.encode((response.status_code, headers, response.get_data()))
    # It was done, and its results are kept: a repetition makes the answer from them again.
    try:
        engine.execute(requests.keep_answer, asked, answer)
    except Unavailable as error:
        logger.warning("an answer could not be kept", path=request.path, reason=error.why)
    except Exception:
        logger.exception("an answer could not be kept", path=request.path)


def _replayed(earlier: bytes) -> Response:
    status, headers, body = msgspec.msgpack.decode(earlier, type=tuple[int, dict[str, str], bytes])
    response = Response(body, status)
    # Set one by one, so that an answer without content gets no content type of its own.
    response.headers.remove("Content-Type")
    response.headers.update(headers)
    response.headers[REPLAYED] = "true"
    return response
