"""Whatever anybody sends to any door: an answer in the words of that door, and never a fault of ours."""

from __future__ import annotations

import ast
import functools
import json
import os
import random
import re
from pathlib import Path

import pytest

from engine import definitions, instances
from engine.engine import Engine
from tests.engine import drawing
from web.app import create_app

WEB = Path(__file__).parents[2] / "web"
DEEP = 100_000
DOORS = ("/v2", "/engine-rest", "/api/", "/oauth")
LOGGED_OUT = "/login/provider/end"
"""A door for programs among those for people."""
KINDS = ("application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded")
RAW = {
    "nothing": b"", "cut off": b'{"a":', "a list": b"[]", "a number": b"1", "a text": b'"x"', "null": b"null",
    "no utf-8": b'{"name": "\xff\xfe"}', "utf-16": '{"name": "x"}'.encode("utf-16"),
    "NaN": b'{"variables": {"a": NaN}}',
    "infinite": b'{"variables": {"a": -Infinity}}', "too large": b'{"variables": {"a": 1e999}}',
    "deep list": b'{"variables": {"a": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
    "deep object": b'{"variables": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}", "brackets only": b"[" * DEEP,
    "many digits": b'{"variables": {"a": ' + b"9" * 20_000 + b'}, "retries": ' + b"9" * 5_000 + b"}",
    "twice": b'{"name": "a", "name": 1, "variables": {"a": 1, "a": {}}}',
    "half a character": rb'{"name": "\ud800", "messageName": "\udfff", "variables": {"\ud800": "\udc00"}}',
    "NUL": rb'{"name": "\u0000", "messageName": "a\u0000b", "variables": {"\u0000": "\u0000"}}',
    "unknown": b'{"nobodyKnowsThis": 1}', "wrong types": b'{"variables": [], "filter": 1, "page": "x", "sort": {}}',
    "controls": b'{"name": "\x01\n"}', "bytes": bytes(range(256)),
}
ANY_KIND = {"nothing", "NUL", "bytes"}
"""Sent as every kind of content in the suite; the others as JSON only, because a form of them is one more odd text."""
READ = {"nothing", "NUL", "half a character", "many digits", "unknown", "wrong types", "controls", "twice"}
"""They can be read, so that what stands in them may come to a database."""
IDS = ("1", "0", "-1", "9" * 30, "x", "%00", "a%00b", "%ff", "%ed%a0%80", "%F0%9F%98%80", "..%2f..", "1.5", "%D9%A3",
       "a:b:c", "x" * 3_000)
QUERIES = ("a=%00", "limit=%00", "maxResults=%ff", "firstResult=99999999999999999999", "processInstanceId=%00",
           "x=" + "y" * 5_000, "sortBy=%00&sortOrder=x", "offset=-1", "state=%ed%a0%80", "key=%00", "version=9" * 30,
           "variables=a_eq_%00", "=&&==", "variable=%00&value=%00", "started_from=9999-99-99", "q=%00")


@pytest.fixture(scope="module")
def app(module_url):
    """With something in it, so that queries do more than find nothing; what is sent here hardly changes it."""
    engine = Engine(module_url, synchronous="OFF")
    parts = drawing.start(), drawing.service("pay"), drawing.user("look"), drawing.end()
    engine.execute(definitions.deploy, [drawing.file(drawing.process("order", *parts))])
    for _ in range(3):
        engine.execute(instances.start, "order", variables={"amount": 1})
    app = create_app(engine, secret_key="test")
    yield app
    engine.close()


def routes(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in {"static", "login.leave"}:
            yield from ((rule, method) for method in sorted(rule.methods - {"HEAD", "OPTIONS"}))


def filled(rule, id="1"):
    return re.sub(r"<(?:\w+:)?\w+>", id, rule.rule)


def checked(response, what):
    """It is an answer of the door that was asked."""
    path = response.request.path
    assert response.status_code < 500, (what, response.text[:500])
    if response.status_code < 400:
        return
    if path == "/v2" or path.startswith(("/v2/", "/api/")):
        assert response.content_type == "application/problem+json", what
        assert response.json.keys() == {"type", "title", "status", "detail", "instance"}, what
        assert response.json["status"] == response.status_code, what
    elif path.startswith("/engine-rest"):
        assert response.content_type == "application/json", what
        assert response.json.keys() >= {"type", "message", "code"}, what
    elif path.startswith("/hooks/"):
        assert response.content_type.startswith("application/"), what
    elif path == LOGGED_OUT and response.status_code == 400:
        assert response.content_type == "application/json", what
    elif not path.startswith("/oauth"):
        assert response.content_type.startswith(("text/html", "text/plain")), what


def send(app, name, kinds):
    client = app.test_client()
    for rule, method in routes(app):
        if method == "GET":
            continue
        takes_json = rule.rule.startswith(DOORS) or name == "bytes"
        for kind in kinds if takes_json else sorted({*kinds} - {KINDS[0]}):
            response = client.open(filled(rule), method=method, data=RAW[name], content_type=kind)
            checked(response, (method, rule.rule, name, kind))


@pytest.mark.parametrize("name", sorted(READ))
def test_bodies_that_nobody_should_send(app, name):
    send(app, name, KINDS if name in ANY_KIND else KINDS[:1])


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", sorted(RAW.keys() - READ))
def test_bodies_that_no_database_sees(app, name):
    send(app, name, KINDS if name in ANY_KIND else KINDS[:1])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(RAW.keys() - ANY_KIND))
def test_bodies_of_another_kind_than_they_say(app, name):
    send(app, name, KINDS[1:])


@pytest.mark.parametrize("id", IDS, ids=lambda id: id[:12])
def test_addresses_of_nothing(app, id):
    client = app.test_client()
    for rule, method in routes(app):
        if "<" in rule.rule:
            checked(client.open(filled(rule, id), method=method, json={}), (method, rule.rule, id))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:20])
def test_queries_that_nobody_should_ask(app, query):
    client = app.test_client()
    for rule, method in routes(app):
        if method == "GET":
            checked(client.get(f"{filled(rule)}?{query}"), (rule.rule, query))


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "NONSENSE", "GET", "PUT", "PATCH", "DELETE", "POST"])
def test_methods_that_are_not_there(app, method):
    client = app.test_client()
    there = {(rule.rule, each) for rule, _ in routes(app) for each in rule.methods}
    for rule, _ in routes(app):
        if (rule.rule, method) not in there:
            response = client.open(filled(rule), method=method)
            if rule.rule.startswith(DOORS[:3]):
                assert response.status_code in (400, 404, 405), (method, rule.rule)
            checked(response, (method, rule.rule))


@pytest.mark.parametrize(("path", "methods"), [
    ("/v2/jobs/1/completion", "POST"), ("/engine-rest/task/1/claim", "POST"), ("/v2/topology", "GET"),
    ("/v2/process-instances/search", "GET, POST"),
])
def test_a_known_address_says_which_methods_it_has(app, path, methods):
    response = app.test_client().delete(path)
    assert (response.status_code, response.headers["Allow"]) == (405, methods)
    checked(response, path)


def test_head_and_options_are_fine(app):
    client = app.test_client()
    for rule, method in routes(app):
        if method == "GET" and "<" not in rule.rule:
            assert client.head(rule.rule).status_code == client.get(rule.rule).status_code, rule.rule
            assert client.options(rule.rule).status_code == 200, rule.rule


FORM_VALUES = (b"%00", b"a%00b", b"%ED%A0%80", b"%FF", b"x" * 10_000, b"%F0%9F%98%80" * 30, b"-1", b"[" * 5_000,
               b"%7B%22a%22%3A%22%5Cu0000%22%7D", b"%5B1e999%5D", b"NaN", b"2026-99-99", b"9" * 30)


@pytest.mark.parametrize("value", FORM_VALUES, ids=range(len(FORM_VALUES)))
def test_forms_with_odd_values(app, value):
    """Forms that pass for ours: the token is right, everything else is not."""
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/feel").text)[1]
    fields = b"&".join(name.encode() + b"=" + value for name in field_names("console", "auth"))
    for rule, method in routes(app):
        if method == "POST" and not rule.rule.startswith(DOORS):
            response = client.post(filled(rule), data=f"csrf_token={token}&".encode() + fields, content_type=KINDS[2])
            checked(response, (rule.rule, value[:40]))


@functools.cache
def field_names(*packages):
    """Every text in the source that could be the name of a field."""
    found = set()
    for package in packages:
        for path in sorted((WEB / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"\A[a-z][A-Za-z_]{1,40}\Z", node.value))
    return sorted(found)


LEAVES = (None, True, 0, -1, 1, 2**31, 2**63, 2**70, 1.5, 1e308, "", "x", "order", "1", "\0", "a\0b", "\ud800", "%",
          "*", "\\", "2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000+0000", "0001-01-01T00:00:00Z", "=1/0", "${x}",
          "ACTIVE", "String", "Json", "Object", "asc", "[", "P1D", "9" * 400, "é" * 2_000)


class Bodies:
    """Draws bodies of fields that a door knows."""

    def __init__(self, seed, names):
        self.random = random.Random(seed)
        self.names = names

    def value(self, depth=0):
        kind = self.random.random()
        if depth < 3 and kind < 0.15:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 3))]
        if depth < 3 and kind < 0.35:
            return self.object(depth + 1)
        return self.random.choice(LEAVES)

    def object(self, depth=0):
        few = self.random.sample(self.names, self.random.randint(0, 6))
        return {name: self.value(depth) for name in few} | (
            {self.random.choice(["$eq", "$in", "$like", "$or", "$exists", "$gt"]): self.value(depth)}
            if self.random.random() < 0.15 else {}
        )


def fuzzed(app, rounds, seed):
    """Send so many bodies to each door. The same seed draws the same ones; what fails tells it, and the body."""
    client = app.test_client()
    seven, eight = field_names("camunda7"), field_names("camunda8")
    for number in range(rounds):
        for rule, method in routes(app):
            if method == "GET" or not rule.rule.startswith(("/v2", "/engine-rest")):
                continue
            bodies = Bodies(f"{seed}{number}{method}{rule.rule}", seven if rule.rule.startswith("/engine") else eight)
            # Nobody waits for jobs here.
            body = bodies.object() | ({"requestTimeout": -1} if "activation" in rule.rule else {})
            body.pop("asyncResponseTimeout", None)
            if body.get("awaitCompletion"):
                body["requestTimeout"] = 1
            content = json.dumps(body)
            response = client.open(filled(rule), method=method, data=content, content_type="application/json")
            checked(response, (f"seed {seed}", method, rule.rule, content))


def test_fields_with_odd_values(app):
    fuzzed(app, 4, "suite")


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_fields_with_very_many_odd_values(app):
    fuzzed(app, 150, f"FUZZ_FROM={os.environ.get('FUZZ_FROM', '0')}")
