"""A secret is in the request and nowhere else: not in the database, its log or ours, not in messages or results."""

from __future__ import annotations

import base64
import json
import logging
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from sqlalchemy import select

from engine import schema
from service_tasks.connector.masking import Mask
from service_tasks.connector.references import BRACES, drawn, referenced, resolve
from service_tasks.connector.target import encoded
from tests.service_tasks.connector.conftest import SECRET

FORMS = (
    SECRET, quote(SECRET, safe=""), quote(SECRET), quote_plus(SECRET), json.dumps(SECRET)[1:-1],
    base64.b64encode(SECRET.encode()).decode().rstrip("=")[:-1],
    base64.b64encode(f"ada:{SECRET}".encode()).decode().rstrip("=")[-20:-1], SECRET.encode().hex(),
)
EVERYWHERE = {
    "authentication.type": "basic", "authentication.username": "ada", "authentication.password": "{{secrets.BANK}}",
    "method": "POST", "headers": '={"X-Key": "{{secrets.HEADER}}"}', "queryParameters": '={"key": "{{secrets.BANK}}"}',
    "body": '={key: "{{secrets.BANK}}", nested: ["a {{secrets.BANK}} b"]}',
}


def traces(folder, caplog):
    """Everything that was written: the database with its write-ahead log, and our log, as bytes."""
    files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != "secrets_key"]
    return b"\0".join([*(path.read_bytes() for path in files), caplog.text.encode()]), files


def echo(handler, sent):
    """A service that sends everything back that it got, in every way it can."""
    sizes = {"X-Echo": sent.headers.get("Authorization", ""), "X-Key": quote(SECRET)}
    return 200, sizes, {"headers": sent.headers, "target": sent.target, "body": sent.body, SECRET: 1,
                        "base64": base64.b64encode(SECRET.encode()).decode(), "sent": json.loads(sent.body)}


def failing(handler, sent):
    return 418, {"X-Echo": sent.headers["Authorization"]}, f"I know {SECRET} and {sent.target}".encode()


RUNS = {
    "success": (echo, {"resultVariable": "r", "resultExpression": "={got: response.body.sent.key, all: response}"}),
    "error": (failing, {"errorExpression": '=bpmnError("NO", error.variables.response.body, {all: error})'}),
    "job error": (failing, {"errorExpression": "=jobError(error.variables.response.body, {all: error})"}),
    "incident": (failing, {}), "unknown outcome": (lambda handler, sent: None, {}),
    "bad result": (echo, {"resultExpression": "=response.body.sent.key"}),
    "bad error": (echo, {"errorExpression": "={errorType: response.body.sent.key}"}),
}


@pytest.mark.parametrize("run", RUNS)
def test_no_trace_of_a_secret_is_left(rest, service, tmp_path, caplog, run):
    caplog.set_level(logging.DEBUG)
    answer, headers = RUNS[run]
    service.answers["/thing"] = answer
    rest.store(BANK=SECRET, HEADER="latin-header-value-1")
    key = rest.run(EVERYWHERE, headers, retries=1)
    rest.stage.until(lambda: rest.stage.see(key).row.state != "ACTIVE" or rest.stage.see(key).incidents)

    [sent] = service.received
    assert base64.b64decode(sent.headers["Authorization"].split()[1]).decode() == f"ada:{SECRET}"
    assert sent.query["key"] == SECRET
    assert sent.json == {"key": SECRET, "nested": [f"a {SECRET} b"]}

    written, files = traces(tmp_path, caplog)
    assert any(path.name.endswith("-wal") for path in files), "the write-ahead log is looked at, too"
    assert b"{{secrets.BANK}}" in written, "the reference is there, so this looks at the right place"
    for form in (*FORMS, "latin-header-value-1"):
        assert form.encode() not in written, f"{form!r} was written down in {run!r}"


def test_the_answer_shows_which_secret_was_in_it(rest, service):
    service.answers["/thing"] = echo
    rest.store(BANK=SECRET, HEADER="latin-header-value-1")
    variables = rest.completed(EVERYWHERE, {"resultVariable": "r"})
    assert variables["r"]["body"]["sent"]["key"] == "[secret BANK]"
    assert variables["r"]["body"]["[secret BANK]"] == 1


@pytest.mark.parametrize("answer", [(404, {}, {}), (500, {}, {}), lambda handler, sent: None])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_secret_in_the_url_is_not_in_the_message(rest, service, answer, method):
    path = f"/{quote(SECRET)}"
    service.answers[path] = answer
    service.answers[f"/{encoded(SECRET)}"] = answer
    rest.store(BANK=SECRET)
    message = rest.incident({"method": method, "url": f"{service.url}/{{{{secrets.BANK}}}}"})
    assert "/[secret BANK]" in message
    assert len(service.received) == 1


def test_a_secret_that_is_a_host_is_not_in_the_message(rest):
    rest.store(HOST="Hidden-Host.invalid")
    message = rest.incident({"url": "http://{{secrets.HOST}}/"})
    assert "[secret HOST]" in message
    assert "hidden-host" not in message.lower()


def test_a_secret_that_is_not_stored_is_an_incident_that_names_it(rest, service):
    headers = {"authentication.type": "bearer", "authentication.token": "{{secrets.ABSENT}}"}
    key = rest.run(headers, {"errorExpression": '=bpmnError("CAUGHT")'}, retries=3)
    assert "a secret named 'ABSENT', but none is stored" in rest.stage.incident(key).message
    assert service.received == []


def test_a_reference_that_a_variable_brings_along_is_only_text(rest, service):
    rest.store(BANK=SECRET)
    rest.completed({"method": "POST", "body": "={said: comment}"},
                   variables={"comment": "give me {{secrets.BANK}} and secrets.BANK"})
    assert service.received[0].json == {"said": "give me {{secrets.BANK}} and secrets.BANK"}


@pytest.mark.parametrize(("place", "value"), [
    ("headers", '={"X-A": "{{secrets.BAD}}"}'), ("authentication.token", "{{secrets.BAD}}"),
])
def test_a_secret_cannot_bring_a_header_of_its_own(rest, service, place, value):
    rest.store(BAD="value\r\nX-Evil: 1")
    message = rest.incident({"authentication.type": "bearer", "authentication.token": "fine-token", place: value})
    assert "one line" in message
    assert "Evil" not in message
    assert service.received == []


@pytest.mark.parametrize("headers", [
    '={"X-A": "b\\nX-Evil: 1"}', '={"X-A\\r\\nX-Evil": "1"}', '={"Host": "evil"}', '={"Content-Length": "0"}',
    '={"Transfer-Encoding": "chunked"}', '={"X A": "1"}', '={"": "1"}', '={"X-A": "snow\\u2603"}', '={"X-A": {b: 1}}',
    '={"Proxy-Authorization": "x"}', '={"X-A": "1", "x-a": "2"}',
])
def test_headers_are_what_they_seem(rest, service, headers):
    assert "Expected" in rest.incident({"headers": headers})
    assert service.received == []


@pytest.mark.parametrize("secret", [SECRET, "abcd", "p@ss w0rd!", "ключ-от-банка", "a" * 40, 'quo"te\\back', "1234567"])
def test_every_encoding_of_a_secret_is_hidden(secret):
    mask = Mask({"S": secret})
    raw = secret.encode()
    small = re.sub("%..", lambda found: found[0].lower(), quote(secret, safe=""))
    forms = [secret, quote(secret, safe=""), small, quote_plus(secret), json.dumps(secret),
             json.dumps(secret, ensure_ascii=False), repr(secret), raw.hex()]
    if len(raw) > 9:
        forms += [base64.b64encode(b"x" * before + raw + b"y" * after).decode()
                  for before in range(6) for after in range(3)]
        forms += [base64.urlsafe_b64encode(raw).decode().rstrip("=")]
    for form in forms:
        masked = mask.text(f"before {form} after")
        assert "[secret S]" in masked, form
        assert secret not in masked


def test_longer_secrets_are_hidden_before_those_that_they_contain():
    mask = Mask({"SHORT": "pass", "LONG": "password-1"})
    assert mask.text("password-1 and pass") == "[secret LONG] and [secret SHORT]"


def test_numbers_and_names_are_hidden_too():
    mask = Mask({"PIN": "12345678"})
    assert mask.value({"a": 12345678, "b": [1.5, True, None], "12345678": 1}) == {
        "a": "[secret PIN]", "b": [1.5, True, None], "[secret PIN]": 1}


def test_references_are_found_as_camunda_writes_them():
    assert referenced({"a": ["x {{secrets.A}} {{ secrets.B-1 }}", "secrets.C"], "{{secrets.D/x.y}}": 1}) == {
        "A", "B-1", "C", "D/x.y"}
    for text in ("https://secrets.example.com/", "my.secrets.x", "{{secret.A}}", "a-secrets.b", "{secrets}"):
        assert referenced(text) == frozenset(), text
    assert resolve("a{{secrets.A}}b secrets.B", {(): frozenset("AB")}, {"A": "secrets.B", "B": "2"}) == "asecrets.Bb 2"
    assert BRACES.pattern


def test_a_secret_of_one_field_is_not_sent_in_another_one():
    named = {("authentication", "token"): frozenset("A"), ("body",): frozenset(), ("headers",): frozenset("B")}
    text = "{{secrets.A}} secrets.B"
    given = {"authentication": {"token": text, "name": text}, "body": {"comment": [text]}, "headers": {"X": [text]}}

    assert resolve(given, named, {"A": "1111", "B": "2222"}) == {
        "authentication": {"token": "1111 secrets.B", "name": text}, "body": {"comment": [text]},
        "headers": {"X": ["{{secrets.A}} 2222"]}}


def test_what_somebody_writes_into_a_form_has_no_secret_of_another_field_sent(rest, service):
    rest.store(BANK=SECRET)
    said = "give me {{secrets.BANK}} and secrets.BANK"
    rest.completed({"method": "POST", "body": "={said: comment}", "authentication.type": "apiKey",
                    "authentication.name": "X-Key", "authentication.value": "{{secrets.BANK}}"},
                   variables={"comment": said})

    assert service.received[0].headers["X-Key"] == SECRET
    assert service.received[0].json == {"said": said}


def test_only_the_input_mappings_of_the_element_name_secrets(rest):
    rest.deploy({"authentication.token": "{{secrets.A}}", "body": '={x: "{{secrets.B}}"}'},
                {"resultExpression": '={x: "{{secrets.C}}"}'})
    with rest.stage.engine.read() as connection:
        key = connection.scalar(select(schema.definitions.c.key))
        element = rest.stage.engine.programs.get(connection, key).process.elements["Call"]
    assert drawn(element) == {"A", "B"}
