"""The doors of the server: each part of its addresses answers in its own words, also where no view was found."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, current_app, request
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import RequestRedirect

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
"""What an answer keeps of an HTTP error besides its status."""

TOO_LARGE = "partitur.too_large"
"""What the web server puts into the environment of a request whose body it did not want to read."""

Speak = Callable[[HTTPException], Response]
_words: dict[str, Speak] = {}


def speak(prefix: str | None, refuse: Speak) -> None:
    """Answer HTTP errors at `prefix` and below by `refuse`; only below, if it ends with a slash."""
    if prefix:
        _words[prefix] = refuse


def speaks() -> bool:
    """Whether the address of this request is a program's, with errors that are no pages."""
    return _door() is not None


def refusal(error: HTTPException) -> Response | None:
    """What the door at the address of this request says to an error; None if it is a page's."""
    refuse = _door()
    return refuse(error) if refuse else None


def _door() -> Speak | None:
    for prefix, refuse in _words.items():
        if request.path == prefix or request.path.startswith(f"{prefix.rstrip('/')}/"):
            return refuse
    return None


def with_headers(response: Response, error: HTTPException) -> Response:
    """The answer with the headers that belong to the error, such as the methods that an address has."""
    for name, value in error.get_headers(request.environ):
        if name in HEADERS:
            response.headers.add(name, value)
    return response


def refuse_too_large() -> None:
    """Refuse a request that the web server gave up reading. Raises RequestEntityTooLarge."""
    if request.environ.get(TOO_LARGE):
        raise RequestEntityTooLarge("Expected a request of at most 32 MB, but it is larger.")


def refuse_nul() -> None:
    """Refuse the character NUL in an address: no database can look for it, and nothing is called so.

    Raises BadRequest.
    """
    texts = (text for pair in request.args.items(multi=True) for text in pair)
    if "\0" in request.path or any("\0" in text for text in texts):
        raise BadRequest("Expected an address without the character NUL, but it contains it.")


def nothing_here(what: str) -> HTTPException:
    """The error for a request that only a fallback took: 405 if the address knows other methods, else 404.

    Arguments:
        what: the view that is the fallback.
    """
    adapter = current_app.create_url_adapter(request)
    allowed = []
    for method in METHODS if adapter else ():
        try:
            endpoint, _ = adapter.match(method=method) if adapter else ("", {})
        except (NotFound, MethodNotAllowed, RequestRedirect):
            continue
        if endpoint != what:
            allowed.append(method)
    asked = f"{request.method} {request.path}"
    if allowed:
        return MethodNotAllowed(allowed, f"Expected {' or '.join(allowed)} {request.path}, but found {request.method}.")
    return NotFound(f"Expected an operation of the REST interface, but there is no {asked}.")
