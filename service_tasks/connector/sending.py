"""From the fields of the connector to the request that goes out."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from service_tasks.connector.inputs import WITH_BODY, ApiKey, Basic, Bearer, Inputs, OAuth
from service_tasks.connector.masking import Mask
from service_tasks.connector.target import read_target
from service_tasks.connector.transport import MAX_REQUEST_BYTES, Request, Transport
from service_tasks.errors import GiveUp, InDoubt, NotSent, UnknownOutcome

LONGEST = 300
"""Seconds that a request may take at most, also where the diagram sets no limit (0)."""
RESERVED = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
    "accept-encoding", "proxy-authorization", "proxy-connection",
})
"""Headers by which a diagram could change where a request ends or who reads it."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

Headers = dict[str, str]


def request_of(inputs: Inputs, identity: Mapping[str, str], transport: Transport, mask: Mask) -> Request:
    """The request that the fields describe, with the headers of the call's identity. Raises GiveUp, NotSent.

    `transport` fetches the token of OAuth; credentials that are made here are added to `mask`.
    """
    headers = read_headers(inputs.headers or {})
    query = list(_pairs(inputs.query_parameters or {}, "queryParameters"))
    authenticate(inputs, headers, query, transport, mask)
    for name, value in identity.items():
        if not _has(headers, name):
            headers[name] = value
    body = _body(inputs, headers) if inputs.method in WITH_BODY else b""
    if len(body) > MAX_REQUEST_BYTES:
        raise GiveUp(f"Expected a request of at most {MAX_REQUEST_BYTES} bytes, but it has {len(body)}.")
    connect, answer = limits(inputs)
    return Request(
        method=inputs.method, target=read_target(inputs.url, query, as_it_is=inputs.skip_encoding),
        headers=tuple(headers.items()), body=body, connect_within=connect, answer_within=answer,
    )


def limits(inputs: Inputs) -> tuple[float, float]:
    """Seconds to connect and to answer; 0 in the diagram is as long as any request may take."""
    connect = inputs.connection_timeout_in_seconds
    answer = connect if inputs.read_timeout_in_seconds is None else inputs.read_timeout_in_seconds
    return min(connect or LONGEST, LONGEST), min(answer or LONGEST, LONGEST)


def read_headers(given: Mapping[str, Any]) -> Headers:
    """Headers that are what they seem, one line each. Raises GiveUp."""
    headers: Headers = {}
    for name, value in _pairs(given, "headers"):
        if not _TOKEN.fullmatch(name):
            raise GiveUp(f"Expected names of headers such as 'X-Order', but one is {name!r}.")
        if name.lower() in RESERVED:
            raise GiveUp(f"Expected the connector to set the header {name} itself, but 'headers' has it too.")
        if _has(headers, name):
            raise GiveUp(f"Expected each header once, but {name} is there twice.")
        headers[name] = header_value(name, value)
    return headers


def header_value(name: str, value: str) -> str:
    """A value that fits into one header. Raises GiveUp."""
    text = value.strip(" \t")
    if not _VALUE.fullmatch(text):
        raise GiveUp(f"Expected the header {name} to have one line of Latin characters, but it has others.")
    return text


def _pairs(given: Mapping[str, Any], field: str) -> Iterator[tuple[str, str]]:
    """The entries as texts; what is null is left out, and a list is an entry each."""
    for name, value in given.items():
        for item in value if isinstance(value, list) and field != "headers" else [value]:
            if item is None:
                continue
            if isinstance(item, dict | list):
                raise GiveUp(f"Expected {field!r} to have texts and numbers, but {name!r} is something else.")
            yield str(name), plain(item)


def plain(value: Any) -> str:
    """A value as text: as FEEL's `string()` writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def authenticate(inputs: Inputs, headers: Headers, query: list[tuple[str, str]], transport: Transport,
                 mask: Mask) -> None:
    """Add the credentials to headers or query. Raises GiveUp, and what fetching a token raises."""
    match inputs.authentication:
        case Basic(username=username, password=password):
            _set(headers, "Authorization", _basic(username, password))
        case Bearer(token=token):
            _set(headers, "Authorization", f"Bearer {token}")
        case ApiKey(api_key_location="query", name=name, value=value):
            query.append((name, value))
        case ApiKey(name=name, value=value):
            for key, text in read_headers({name: value}).items():
                _set(headers, key, text)
        case OAuth() as oauth:
            token = fetch_token(oauth, inputs, transport)
            mask.add("access token", token)
            _set(headers, "Authorization", f"Bearer {token}")


def fetch_token(oauth: OAuth, inputs: Inputs, transport: Transport) -> str:
    """Ask the token endpoint for an access token. Raises NotSent (then the request itself was not made), GiveUp."""
    form = {"grant_type": "client_credentials", "audience": oauth.audience, "scope": oauth.scopes}
    headers: Headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if oauth.client_authentication == "basicAuthHeader":
        _set(headers, "Authorization", _basic(oauth.client_id, oauth.client_secret))
    else:
        form |= {"client_id": oauth.client_id, "client_secret": oauth.client_secret}
    connect, answer = limits(inputs)
    target = read_target(oauth.oauth_token_endpoint)
    request = Request(
        method="POST", target=target, headers=tuple(headers.items()), connect_within=connect, answer_within=answer,
        body=urlencode({name: value for name, value in form.items() if value}).encode(),
    )
    try:
        response = transport.send(request)
    except (UnknownOutcome, InDoubt) as error:
        raise NotSent(f"Expected an access token, but there was none. {error}") from None
    try:
        token = json.loads(response.body)["access_token"] if response.status == 200 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token:
        raise NotSent(f"Expected an access token from {target.shown}, but it answered {response.status} without one.")
    return token


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _set(headers: Headers, name: str, value: str) -> None:
    """Put a header in place of one that differs in case only."""
    for other in [key for key in headers if key.lower() == name.lower()]:
        del headers[other]
    headers[name] = header_value(name, value)


def _has(headers: Headers, name: str) -> bool:
    return any(key.lower() == name.lower() for key in headers)


def _body(inputs: Inputs, headers: Headers) -> bytes:
    """The body as its content type wants it: JSON unless the headers say otherwise."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if not kind:
        headers["Content-Type"] = "application/json"
    body = _without_nulls(inputs.body) if inputs.ignore_null_values else inputs.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    media = kind.partition(";")[0].strip().lower()
    if isinstance(body, dict) and media == "application/x-www-form-urlencoded":
        return urlencode([(name, "" if value is None else plain(value)) for name, value in body.items()]).encode()
    if isinstance(body, dict) and media == "multipart/form-data":
        return _multipart(body, kind, headers)
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def _multipart(body: Mapping[str, Any], kind: str, headers: Headers) -> bytes:
    given = {"Content-Type": kind} if "boundary=" in kind else {}
    parts = [(name, (None, plain(value))) for name, value in body.items() if value is not None]
    encoded = httpx.Request("POST", "http://multipart", files=parts, headers=given)
    _set(headers, "Content-Type", encoded.headers["Content-Type"])
    return encoded.read()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
