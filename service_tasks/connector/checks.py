"""Checks a diagram's REST connector tasks when it is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bpmn.expressions import ExpressionError, feel
from bpmn.model import Element, Model, Process
from bpmn.problems import Problem, Severity
from engine import secrets
from service_tasks.connector import references
from service_tasks.connector.expressions import duration_of
from service_tasks.connector.inputs import AUTHENTICATION_TYPES, METHODS
from service_tasks.connector.reach import Reach
from service_tasks.connector.service import JOB_TYPE, HttpConnector
from service_tasks.connector.target import BadUrl, read_target, refused_literally
from service_tasks.errors import InDoubt
from service_tasks.use import drawn_inputs, problem, static_text

NEEDED: Mapping[str, tuple[str, ...]] = {
    "basic": ("username", "password"), "bearer": ("token",), "apiKey": ("name", "value"),
    "oauth-client-credentials-flow": ("oauthTokenEndpoint", "clientId", "clientSecret"),
}
"""The fields of each type of authentication that must be there."""
CREDENTIALS = ("authentication.password", "authentication.token", "authentication.value", "authentication.clientSecret")
UNSUPPORTED = {
    "storeResponse": "there is no document store, so the answer becomes variables",
    "followRedirects": "a redirect could lead to a host that nobody allowed, so none is followed",
}
URLS = ("url", "authentication.oauthTokenEndpoint")

Found = Iterator[tuple[Severity, str]]


@dataclass(frozen=True, slots=True)
class ConnectorChecks:
    """The checks of one connector; `check` is for `Engine.checks`."""

    connector: HttpConnector

    def check(self, model: Model) -> Iterable[Problem]:
        """The problems of the connector's tasks in a model."""
        stored = self._stored()
        for process in model.processes:
            for element in process.elements.values():
                if element.job is None or static_text(element.job.type) != JOB_TYPE:
                    continue
                for severity, message in self._check(process, element, stored):
                    yield problem(severity, model, element.id, element.name, message)

    def _stored(self) -> frozenset[str] | None:
        engine = self.connector.engine
        if engine is not None and not engine.keyring.is_usable:
            return None  # a scratch engine that only checks: nobody could have stored any
        return None if engine is None else frozenset(secret.name for secret in secrets.all_of_them(engine))

    def _check(self, process: Process, element: Element, stored: frozenset[str] | None) -> Found:
        drawn, constants = {mapping.target for mapping in element.inputs}, drawn_inputs(element)
        yield from _fields(drawn, constants)
        yield from _authentication(drawn, constants)
        yield from _targets(constants, self.connector.reach)
        yield from _headers(element.job.headers if element.job else {})
        for name in sorted(references.drawn(element) - stored if stored is not None else ()):
            yield Severity.WARNING, (
                f"Expected a secret named {name!r}, but none is stored yet: `partitur secrets set {name}`."
            )


def _fields(drawn: Iterable[str], constants: Mapping[str, str]) -> Found:
    for name in ("method", "url"):
        if name not in drawn or not constants.get(name, "-").strip():
            yield Severity.ERROR, f"Expected the REST connector to have the input {name!r}, but it is missing."
    method = constants.get("method", "").strip()
    if method and method.upper() not in METHODS:
        yield Severity.ERROR, f"Expected one of the methods {', '.join(METHODS)}, but it is {method!r}."
    for name, why in UNSUPPORTED.items():
        if constants.get(name, "").strip().lower() == "true":
            yield Severity.ERROR, f"Expected {name!r} to be off, but it is on: {why}."
    for name in ("connectionTimeoutInSeconds", "readTimeoutInSeconds"):
        if name in constants and not re.fullmatch(r"\s*\d+\s*", constants[name], re.ASCII):
            yield Severity.ERROR, f"Expected {name!r} to be a whole number of seconds, but it is {constants[name]!r}."


def _authentication(drawn: Iterable[str], constants: Mapping[str, str]) -> Found:
    kind = constants.get("authentication.type")
    if kind is not None and kind not in AUTHENTICATION_TYPES:
        yield Severity.ERROR, (
            f"Expected one of the authentication types {', '.join(AUTHENTICATION_TYPES)}, but it is {kind!r}."
        )
    for field in NEEDED.get(kind or "", ()):
        name = f"authentication.{field}"
        if name not in drawn or not constants.get(name, "-").strip():
            yield Severity.ERROR, f"Expected {name!r} for authentication {kind!r}, but it is missing."
    for name in CREDENTIALS:
        text = constants.get(name, "").strip()
        if text and not references.referenced(text):
            yield Severity.WARNING, (
                f"Expected {name!r} to name a secret such as {{{{secrets.NAME}}}}, but it stands in the diagram for "
                f"everybody to read."
            )


def _targets(constants: Mapping[str, str], reach: Reach) -> Found:
    for name in URLS:
        text = constants.get(name, "").strip()
        if not text or references.referenced(text):
            continue
        try:
            target = read_target(text, as_it_is=False)
        except BadUrl as error:
            yield Severity.ERROR, f"Expected {name!r} to be a URL that can be called, but it is none. {error}"
            continue
        why = refused_literally(target, reach)
        if why is not None:
            yield Severity.ERROR, (
                f"Expected {name!r} to be a target that the HTTP connector may call, but {target.netloc} is none: "
                f"{why}. PARTITUR_HTTP_ALLOW says which may be called."
            )


def _headers(headers: Mapping[str, str]) -> Found:
    for name in ("resultExpression", "errorExpression"):
        text = headers.get(name, "").strip()
        try:
            if text:
                feel(text)
        except ExpressionError as error:
            yield Severity.ERROR, f"Expected {name!r} to be FEEL, but: {error.message}"
    if text := headers.get("retryBackoff", "").strip():
        try:
            duration_of(text, "'retryBackoff'")
        except InDoubt as error:
            yield Severity.ERROR, str(error)
