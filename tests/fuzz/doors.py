"""Damaged requests: any method and address of the server with a query, a body and files that nobody should send.

Half of them are drawn from the names that a door knows; the other half are right requests (`tests.web.doors`), of which
the bodies are damaged on their way, so that they get further.
"""

from __future__ import annotations

import io
import json
import logging
import random
import re
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from engine.engine import Engine
from engine.keyring import Keyring
from tests.fuzz import attack
from tests.fuzz.mutate import LEAVES, ODD, damaged_json
from tests.web.doors import ACTS, OWN, WORKERS, World
from tests.web.every import WORDS, all_keys, furnish
from tests.web.test_bad_input import DOORS, field_names
from web.app import create_app
from web.parking import ENVIRON, Lot, Parked, Place

FAULTS = (500, 501, 502, 505)
"""What is nobody's answer: a fault of ours. 503 and 504 say that a wait is over or that there is no room."""
LEFT_ALONE = {"static", "login.leave"}
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


class Fault(Exception):
    """The server answered with a fault of its own."""


class _Faults(logging.Handler):
    """Keeps what the server says of its own faults."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.said.append("".join(traceback.format_exception(error)) if error else record.getMessage())


class Doors:
    """A server with something of everything in it, and somebody who sends it anything."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self._chance = chance
        self._engine = Engine(url, synchronous="OFF") if url.startswith("sqlite") else Engine(url)
        self._engine.keyring = Keyring([Fernet.generate_key().decode()])
        furnish(self._engine)
        self._app: Flask = create_app(self._engine, secret_key="fuzz")
        self._client = self._app.test_client()
        self._world = World(self._app, self._engine)
        self._straight = self._world.client.open
        self._world.client.open = self._damaging    # type: ignore[method-assign]
        self._doors = sorted({**ACTS, **WORKERS, **OWN}.items())
        self._lot = Lot(1_000)
        self._faults = _Faults()
        self._rules = [(rule, method) for rule in self._app.url_map.iter_rules() if rule.endpoint not in LEFT_ALONE
                       for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
        self._names = {door: field_names(door) for door in ("camunda7", "camunda8", "api", "console", "auth")}
        self._keys = self._all_keys()
        self._token = ""

    def __enter__(self) -> Doors:
        logging.getLogger().addHandler(self._faults)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        logging.getLogger().removeHandler(self._faults)
        self._engine.close()

    def attack(self, size: int) -> Iterator[tuple[str, str]]:
        """Send so many requests; what was asked and what went wrong, for each that something did with."""
        for place in range(size):
            if place % 200 == 0:
                self._begin_again()
            self._faults.said.clear()
            self._sent: Any = None
            if self._chance.random() < 0.5:
                _, door = self._chance.choice(self._doors)
                trouble = attack.attempt(lambda door=door: self._open(door))
            else:
                request = self._request(*self._chance.choice(self._rules))
                trouble = attack.attempt(lambda request=request: self._send(request))
            if trouble:
                yield f"{self._sent}"[:6_000], "\n".join([*self._faults.said, trouble])

    def _open(self, door: Any) -> None:
        """Open a door as it is meant to be opened, with a body that is damaged on its way."""
        try:
            door(self._world)
        except (Fault, attack.Slow):
            raise
        except Exception:
            return      # what it prepares is refused, or no longer possible after all that was done here

    def _damaging(self, *arguments: Any, **more: Any) -> TestResponse:
        chance = self._chance
        if more.get("method", "GET") != "GET" and chance.random() < 0.8:
            if more.get("json") is not None:
                more["data"] = json.dumps(damaged_json(chance, more.pop("json")))
                more["content_type"] = "application/json"
            elif isinstance(more.get("data"), dict):
                fields = dict(more["data"])
                for _ in range(chance.randint(1, 2)):
                    fields[chance.choice([*fields, *self._names["console"]])] = str(self._leaf()).encode(
                        "utf-8", "replace").decode()
                if "csrf_token" in fields:
                    fields["csrf_token"] = more["data"]["csrf_token"]
                more["data"] = fields
        self._sent = (arguments, more)
        return self._answered(self._straight(*arguments, **more))

    def _begin_again(self) -> None:
        """A new session, and the keys of what there is by now."""
        self._client = self._app.test_client()
        found = re.search(r'name="csrf_token" value="([^"]+)"', self._client.get("/feel").text)
        self._token = found[1] if found else ""
        self._keys = self._all_keys()

    def _all_keys(self) -> list[int]:
        return all_keys(self._app)[:400]

    def _send(self, request: dict[str, Any]) -> None:
        self._sent = request
        place = Place(self._lot, lambda: None, lambda: True)
        try:
            self._answered(self._client.open(**request, environ_overrides={ENVIRON: place}))
        except Parked:
            pass        # it waits for something
        finally:
            self._lot.forget(place)

    def _answered(self, response: TestResponse) -> TestResponse:
        text = response.get_data()[:300]
        if response.status_code in FAULTS:
            raise Fault(f"Expected an answer, but it was a fault of ours: {response.status_code} {text!r}.")
        return response

    def _request(self, rule: Rule, method: str) -> dict[str, Any]:
        chance = self._chance
        door = self._door(rule.rule)
        path = _PLACE.sub(lambda found: quote(self._filling(found[1])), rule.rule)
        if chance.random() < 0.4 or (method == "GET" and chance.random() < 0.7):
            path += "?" + self._query(door)
        made: dict[str, Any] = {"path": path, "method": method}
        if method == "GET":
            return made
        kind = chance.random()
        if not rule.rule.startswith(DOORS) or kind < 0.08:
            made["data"] = self._form(door)
        elif kind < 0.15:
            made["data"] = chance.choice((chance.randbytes(40), b"", b"[]", b'{"a":', b"null", b"[" * 3_000))
            made["content_type"] = chance.choice(("application/json", "text/plain", "multipart/form-data; boundary=x"))
        elif "deploy" in rule.rule:
            made["data"] = self._upload()
        else:
            made["data"] = json.dumps(self._object(door))
            made["content_type"] = "application/json"
        if chance.random() < 0.05:
            made["headers"] = {chance.choice(("Idempotency-Key", "HX-Request", "Accept", "Accept-Language",
                                              "Authorization", "traceparent", "X-Correlation-ID", "Cookie", "If-Match",
                                              "X-Forwarded-For", "Content-Encoding", "Range")):
                               chance.choice(ODD).encode("ascii", "replace").decode() or "x"}
        return made

    def _door(self, path: str) -> str:
        return ("camunda8" if path.startswith("/v2") else "camunda7" if path.startswith("/engine-rest")
                else "api" if path.startswith("/api") else "console")

    def _filling(self, argument: str) -> str:
        chance = self._chance
        if chance.random() < 0.15:
            return str(chance.choice(ODD)).replace("/", "") or "x"
        words = WORDS.get(argument, ())
        if words and chance.random() < 0.8:
            return str(chance.choice(words))
        return str(chance.choice(self._keys))

    def _query(self, door: str) -> str:
        chance = self._chance
        pairs = [(chance.choice(self._names[door]), str(self._leaf())) for _ in range(chance.randint(1, 5))]
        return urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs])

    def _form(self, door: str) -> dict[str, Any]:
        chance = self._chance
        fields: dict[str, Any] = {name: str(self._leaf()).encode("utf-8", "replace").decode()
                                  for name in chance.sample(self._names[door], chance.randint(0, 8))}
        if chance.random() < 0.9:
            fields["csrf_token"] = self._token
        if chance.random() < 0.7:
            fields["reason"] = "Because."
        if chance.random() < 0.25:
            fields |= self._upload()
        return fields

    def _upload(self) -> dict[str, Any]:
        chance = self._chance
        kind = chance.choice(("bpmn", "bpmn", "dmn", "form"))
        content = attack.damaged(kind, chance, attack.FILES[kind][1]())
        if chance.random() < 0.1:
            content = chance.choice(attack.FILES[kind][1]())
        names = (f"a.{kind}", f"a.{kind}", f"../../b.{kind}", "c", f"é.{kind.upper()}", "x" * 300 + ".bpmn")
        field = chance.choice(("resources", "resources", "files", "data", "file", "*"))
        made: dict[str, Any] = {field: (io.BytesIO(content), chance.choice(names))}
        if chance.random() < 0.5:
            made |= {"deployment-name": "fuzz", "deployment-source": chance.choice(ODD)}
        return made

    def _leaf(self) -> Any:
        chance = self._chance
        kind = chance.random()
        if kind < 0.35:
            return str(chance.choice(self._keys))
        if kind < 0.5:
            return chance.choice([each for words in WORDS.values() for each in words])
        return chance.choice(LEAVES)

    def _value(self, door: str, depth: int) -> Any:
        kind = self._chance.random()
        if depth < 3 and kind < 0.15:
            return [self._value(door, depth + 1) for _ in range(self._chance.randint(0, 3))]
        if depth < 3 and kind < 0.35:
            return self._object(door, depth + 1)
        return self._leaf()

    def _object(self, door: str, depth: int = 0) -> dict[str, Any]:
        chance = self._chance
        made = {name: self._value(door, depth) for name in chance.sample(self._names[door], chance.randint(0, 6))}
        if chance.random() < 0.15:
            made[chance.choice(("$eq", "$in", "$like", "$or", "$exists", "$gt"))] = self._value(door, depth)
        # Nobody waits for an answer here: a time limit that is long is somebody else's test.
        made.pop("asyncResponseTimeout", None)
        return made
