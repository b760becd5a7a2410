"""Events in and out while everything is killed: the node that delivers, whoever receives, and PostgreSQL."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict

import pytest
from sqlalchemy import select

from engine import schema, secrets
from engine.engine import Engine
from engine.events import outbox, targets
from engine.inbound import sources
from engine.keyring import Keyring
from tests.acceptance.test_postgres_killed import begin_again, kill, server  # noqa: F401 - a fixture
from tests.engine.drawing import end, process, start, throw
from tests.engine.steps import Steps
from tests.manuals.reading import DOCS, blocks
from tests.service_tasks.connector.service import Service

SECRET = "a long enough secret"
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
COUNT = 24
PATIENCE = 150


def until(reached, why):
    patience = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < patience, why
        threading.Event().wait(0.1)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.postgres
def test_events_are_neither_lost_nor_out_of_order_and_act_once_whatever_is_killed(server, begin, tmp_path):  # noqa: F811
    # given two nodes, a webhook that goes out and one that comes in
    hook = Service()
    genuine = {}
    [code] = [block.text for block in blocks(DOCS / "EVENTS.md") if "def is_genuine" in block.text]
    exec(compile(code, "EVENTS.md", "exec", dont_inherit=True), genuine)
    url = server.get_uri()
    engine = Engine(url)
    engine.keyring = Keyring(keys=[KEY])
    Steps(engine).deploy(process("work", start(), throw("a", ""), throw("b", ""), end()))
    engine.execute(secrets.put, "hooks", SECRET)
    engine.execute(targets.add, "hook", f"{hook.url}/hook", secret="hooks")
    engine.execute(sources.add, "shop", secret="hooks", proof="token",
                   mapping={"process": "work", "id": "=body.id", "business_id": "=body.id"})

    def node():
        return begin("serve", "--port", "0", "--json", DATABASE_URL=url, DATA_DIR=str(tmp_path),
                     PARTITUR_SECRETS_KEY=KEY, PARTITUR_HTTP_ALLOW="127.0.0.1")

    nodes = [node(), node()]
    addresses = [each.facts()["url"] for each in nodes]
    results = Counter()

    def send(id, address):
        body = json.dumps({"id": id}).encode()
        request = urllib.request.Request(f"{address}/hooks/shop", data=body, headers={
            "Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError:
            return "away"

    def until_taken(id):
        """As a sender does that wants to be sure: to both nodes at once, again and again until each has said so."""
        for turn in range(200):
            result = send(id, addresses[turn % 2])
            results[result] += 1
            if result in ("started", "duplicate"):
                return
            threading.Event().wait(0.2)
        raise AssertionError(f"{id} was never taken")

    def send_all(ids):
        threads = [threading.Thread(target=until_taken, args=(id,)) for id in ids for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # when the receiver dies in the middle of an answer, a node is killed while it delivers, and the database dies
    threading.Event().wait(targets.SETTLES.total_seconds())
    ids = [f"o-{number}" for number in range(COUNT)]
    hook.answers["/hook"] = lambda handler, request: None if len(hook.received) in (5, 6, 20) else (204, {}, b"")
    send_all(ids[:8])
    until(lambda: len(hook.received) > 12, "nothing is delivered")
    nodes[0].kill()
    send_all(ids[8:12])
    nodes[0] = node()
    addresses[0] = nodes[0].facts()["url"]
    kill(server)
    sending = threading.Thread(target=send_all, args=(ids[12:],))
    sending.start()
    until(lambda: results["503"] or results["away"], "nobody noticed")
    begin_again(server)
    sending.join()
    until(lambda: outbox.counts(engine) == {}, "not everything is delivered")
    for each in nodes:
        each.kill()
    hook.stop()

    # then each came in once
    i = schema.instances.c
    with engine.read() as connection:
        rows = connection.execute(select(i.business_id, i.key)).all()
    engine.close()
    assert Counter(row.business_id for row in rows) == dict.fromkeys(ids, 1)
    assert not {*results} - {"started", "duplicate", "503", "away"}, results

    # and went out at least once, signed, under one id for one content, and in order
    told, first = defaultdict(set), defaultdict(list)
    for request in hook.received:
        assert genuine["is_genuine"](request.headers, request.body.encode(), SECRET)
        event = request.json
        assert request.headers["webhook-id"] == event["id"]
        if not told[event["id"]]:
            first[event["subject"]].append(event)
        told[event["id"]].add(request.body)
    assert all(len(bodies) == 1 for bodies in told.values())
    shapes = {tuple((event["type"], event["data"].get("elementId")) for event in events) for events in first.values()}
    assert len(shapes) == 1
    assert {str(row.key) for row in rows} == first.keys()
    assert first[str(rows[0].key)][0]["type"] == "partitur.instance.started"
    assert first[str(rows[0].key)][-1]["type"] == "partitur.instance.completed"
