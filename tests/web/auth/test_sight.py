"""What one may not see is found in no answer: every address that reads is asked, and nothing tells what is there."""

from __future__ import annotations

import re
import shutil
from urllib.parse import quote

import pytest
from sqlalchemy import select

from engine import definitions, instances, schema, tenants
from engine.engine import Engine
from engine.schema import DEFAULT_TENANT
from engine.sight import Area, Sight
from engine.sighted import SEEN
from tests.engine import drawing
from tests.web.auth.herds import Grant, clients, herds
from web.auth.gate import PUBLIC
from web.auth.roles import Permission, Role
from web.auth.rules import KEYS, READ, RULES

OWN, OTHER, NONE = "lion", "zebra", "zzbra"
"""The word of what is seen, of what is hidden, and one that is nowhere, as long as that."""
NOWHERE = 8_999_999_999
TABLES = ("instances", "definitions", "jobs", "user_tasks", "incidents", "variables", "element_instances", "decisions",
          "decision_requirements", "forms", "deployments", "messages", "operations", "decision_evaluations", "audit",
          "job_failures", "timers", "approvals")
CHANGING = re.compile(r'name="csrf_token" value="[^"]+"|20\d\d-\d\d-\d\d[T ][\d:.]+(?: UTC|Z)?|'
                      r'\d+ seconds?(?: ago)?|under [0-9a-f]{8}')
ASKING_MORE = re.compile(r"/(deployed|rendered|deployed-start)-form$|messageSubscriptions|/task/<id>/localVariables|"
                         r"/(group|user)/|trial$|removal$|/preview$|/messages/<")
"""Addresses that need more than a key to answer, or messages, of which a part of a tenant sees none."""
QUERY = {"process": "{word}-work", "q": "{word}-business", "key": "{instances}", "definition": "{definitions}",
         "processInstanceId": "{instances}", "processDefinitionKey": "{word}-work"}


@pytest.fixture(scope="module", params=["another process", "another tenant"])
def world(request, tmp_path_factory, sqlite_template):
    """Two herds; a client that sees one of them, and the herds by word."""
    path = tmp_path_factory.mktemp("sight")
    if request.param == "another tenant":
        url = request.getfixturevalue("postgres_template")()
    else:
        shutil.copy(sqlite_template, path / "partitur.db")
        url = f"sqlite:///{path}/partitur.db"
    engine = Engine(url, synchronous="OFF")
    with engine.database.write() as connection:
        connection.execute(schema.sequence.update().values(next=7_000_000_000))
    engine.close()
    engine = Engine(url, synchronous="OFF")
    elsewhere, grant = DEFAULT_TENANT, Grant(role=Role.ANALYST, definitions=(f"{OWN}*",))
    if request.param == "another tenant":
        elsewhere, grant = f"{OTHER}-tenant", Grant(role=Role.ANALYST, tenants=(DEFAULT_TENANT,))
        engine.execute(tenants.add, elsewhere)
    own, other = herds(engine, (OWN, DEFAULT_TENANT), (OTHER, elsewhere))
    app, made = clients(engine, path / "users.json", {"ann": [grant], "root": [Grant(role=Role.ADMIN)]})
    # What was read for somebody who sees everything is not kept for others.
    assert OTHER in made["root"].get("/metrics").text
    yield app, made["ann"], own, other
    engine.close()


def reading(app):
    """Every address that reads, and how."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        known = RULES.get(rule.endpoint)
        if rule.endpoint in PUBLIC or known is None or known.any_of != (Permission.READ,) or known.everywhere:
            continue
        yield from ((rule, method) for method in ("GET", "POST") if method in rule.methods)


def filled(rule, word, key, tenant_id, keys=None):
    """An address with its arguments; `keys`: further ones, by table."""
    path = rule.rule
    for name, table in (("resource_id", "resources"), ("comment", "task_comments")):
        path = path.replace(f"<{name}>", str(keys[table][0] if keys else NOWHERE))
    path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(" + "|".join(KEYS) + ")>", str(key), path)
    for name, value in (("process_id", f"{word}-work"), ("decision_id", f"{word}-decision"),
                        ("form_id", f"{word}-form"), ("graph_id", f"{word}-graph"),
                        ("tenant_id", quote(tenant_id, safe="")), ("name", f"{word}_amount"), ("form", "csv"),
                        ("fingerprint", "0" * 16)):
        path = re.sub(rf"<(?:\w+:)?{name}>", value, path)
    return path


def ask(client, method, address, body=None):
    if method == "GET":
        return client.get(address)
    return client.post(address, json=body or {})


def same(answer, word):
    """An answer in which what was asked for cannot be told from what is nowhere."""
    text = re.sub(r"7\d{9}", str(NOWHERE), answer.text)
    for one, other in ((word, NONE), (word.title(), NONE.title())):
        text = text.replace(one, other)
    return answer.status_code, CHANGING.sub("", text)


def difference(one, other):
    """Where two answers differ."""
    at = next((at for at, (a, b) in enumerate(zip(one[1], other[1], strict=False)) if a != b), 0)
    return one[0], other[0], one[1][max(0, at - 60):at + 60], other[1][max(0, at - 60):at + 60]


def hidden_in(answer, other):
    """What of the hidden herd is in an answer."""
    found = re.findall(rf".{{0,60}}{OTHER}.{{0,30}}", answer.text, re.I)
    numbers = set(re.findall(r"\d{10}", answer.text))
    return found + [key for keys in other.keys().values() for key in keys if str(key) in numbers]


def test_every_table_says_what_is_seen_of_it():
    assert sorted(set(schema.metadata.tables) - set(SEEN)) == [], "Say in engine/sighted.py who sees these tables."


def test_every_address_says_who_may_use_it(world):
    app = world[0]
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert sorted(endpoints - set(RULES) - PUBLIC) == [], "Say in web/auth/rules.py who may use these addresses."
    assert sorted(set(RULES) - endpoints) == [], "There are no such addresses any more."


def test_no_list_and_no_search_has_anything_that_is_hidden(world):
    app, client, _own, other = world
    leaks, shown = {}, 0
    for rule, method in reading(app):
        if rule.arguments:
            continue
        answers = [ask(client, method, rule.rule)]
        if rule.rule.startswith("/v2"):
            answers.append(ask(client, method, rule.rule, {"page": {"limit": 1000}}))
        for answer in answers:
            assert answer.status_code < 500, (rule.rule, answer.text)
            shown += OWN in answer.text
            if found := hidden_in(answer, other):
                leaks[rule.rule] = found[:3]
    assert leaks == {}
    assert shown > 60


def test_what_is_hidden_answers_as_what_is_nowhere(world):
    app, client, own, other = world
    told, reached, never = {}, set(), set()
    for rule, method in reading(app):
        if not rule.arguments & {*KEYS, "process_id", "decision_id", "form_id", "graph_id"}:
            continue
        nowhere = ask(client, method, filled(rule, NONE, NOWHERE, other.tenant_id.replace(OTHER, NONE)))
        assert nowhere.status_code < 500, (rule.rule, nowhere.text)
        tables = TABLES if rule.arguments & set(KEYS) else TABLES[:1]
        for table in tables:
            key = other.keys()[table][0]
            answer = ask(client, method, filled(rule, OTHER, key, other.tenant_id, other.keys()))
            if (answer := same(answer, OTHER)) != (expected := same(nowhere, NONE)):
                told[rule.rule, table] = difference(answer, expected)
            if rule.rule not in reached and ask(client, method, filled(
                    rule, OWN, own.keys()[table][0], own.tenant_id, own.keys())).status_code < 300:
                reached.add(rule.rule)
        never |= {rule.rule} - reached
    assert told == {}
    assert sorted(each for each in never if not ASKING_MORE.search(each)) == []


def test_what_is_hidden_cannot_be_asked_for(world):
    app, client, _own, other = world
    told = {}
    for rule, method in reading(app):
        if rule.arguments or method != "GET":
            continue
        for name, text in QUERY.items():
            hidden, none = ({name: text.format(word=word, **keys)} for word, keys in (
                (OTHER, {table: keys[0] for table, keys in other.keys().items() if keys}),
                (NONE, dict.fromkeys(TABLES, NOWHERE))))
            answer, nowhere = (client.get(rule.rule, query_string=query) for query in (hidden, none))
            if (answer := same(answer, OTHER)) != (expected := same(nowhere, NONE)):
                told[rule.rule, name] = difference(answer, expected)
    assert told == {}


def test_of_a_file_of_two_processes_only_what_is_seen_is_told(sqlite_url, tmp_path):
    engine = Engine(sqlite_url, synchronous="OFF")
    with engine.database.write() as connection:
        connection.execute(schema.sequence.update().values(next=7_000_000_000))
    engine.close()
    engine = Engine(sqlite_url, synchronous="OFF")
    drawn = drawing.file(*(drawing.message_of(f"{word}-m", f"{word}-paid", f"={word}_key") + drawing.process(
        f"{word}-work", drawing.start(f"{word}-start"), drawing.catch(f"{word}-hear", drawing.message(f"{word}-m")),
        drawing.end(f"{word}-end")) for word in (OWN, OTHER)))
    made = engine.execute(definitions.deploy, [drawn])
    started = [engine.execute(instances.start, each.process_id, variables={"lion_key": "1", "zebra_key": "1"}).key
               for each in made.definitions]
    app, known = clients(engine, tmp_path / "users.json", {
        "ann": [Grant(role=Role.OPERATOR, definitions=(f"{OWN}*",))], "root": [Grant(role=Role.ADMIN)]})
    with engine.read() as connection:
        file = connection.scalar(select(schema.resources.c.key))
    keys = {"definitions": [made.definitions[0].key], "instances": started[:1], "deployments": [made.key],
            "resources": [file], "task_comments": [NOWHERE]}
    told, whole, of_files = {}, set(), {"console.definition_file", "camunda7.get_xml", "camunda7.get_resource_data",
                                        "camunda8.get_xml"}
    hidden = {str(made.definitions[1].key), str(started[1])}
    for rule, method in reading(app):
        if not rule.arguments & set(KEYS):
            continue
        for table in ("definitions", "deployments"):
            address = filled(rule, OWN, keys[table][0], DEFAULT_TENANT, keys)
            answer = ask(known["ann"], method, address)
            if OTHER in answer.text.replace("zebra_key", "") or hidden & set(re.findall(r"\d{10}", answer.text)):
                told[rule.rule] = address
            if rule.endpoint in of_files and f"{OTHER}-hear" in ask(known["root"], method, address).text:
                whole.add(rule.endpoint)
    engine.close()
    assert told == {}
    assert whole == of_files


@pytest.mark.parametrize("sight", [
    Sight(()), Sight((Area(("a*", "b"), ("x", "y")),)),
    Sight((Area(("*",), ("it's",)), Area(("%(a)s", "[_"),)), "o'_["),
])
def test_every_table_can_be_read_under_every_sight(either_url, sight):
    engine = Engine(either_url, synchronous="OFF")
    try:
        with engine.database.read(sight) as connection:
            for table in schema.metadata.sorted_tables:
                connection.execute(select(table).limit(1)).all()
                connection.execute(select(table.alias("other")).limit(1)).all()
    finally:
        engine.close()


assert READ.any_of == (Permission.READ,)
