"""Webhooks that events come in by: who may use them, and what they answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from engine import secrets
from engine.inbound import receiving, sources
from engine.keyring import Keyring
from engine.queries import instance, lists
from engine.queries.instances import InstanceFilter
from engine.queries.instances import search as find
from web.app import create_app
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, User
from web.auth.secrets import hash_of

SECRET = "a long enough secret"
EVENT = json.dumps({"specversion": "1.0", "id": "e1", "source": "/shop", "type": "t", "data": {"amount": 5}}).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def clock(engine):
    return engine.clock


@pytest.fixture
def guarded(engine, tmp_path):
    """The application, once there are users."""
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={"ann": User(hash_of("correct horse"), ())}))
    return create_app(engine, secret_key="test", access=Access(file, "key"))


@pytest.fixture
def hook(engine, app, story):
    """Makes a webhook, and sends to it."""
    story.deploy()
    engine.keyring = Keyring(keys=[base64.urlsafe_b64encode(bytes(32)).decode()])
    engine.execute(secrets.put, "shop", SECRET)

    def made(name="shop", mapping=None, **more):
        engine.execute(sources.add, name, secret="shop", mapping={"process": "review"} if mapping is None else mapping,
                       **more)
        return lambda body=EVENT, path=f"/hooks/{name}", **headers: app.test_client().post(
            path, data=body, headers=JSON | headers)
    return made


def signed(clock, body=EVENT, secret=SECRET, id="m1", ahead=0):
    at = str(int(clock().timestamp()) + ahead)
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, b".".join([id.encode(), at.encode(), body]), hashlib.sha256).digest()
    return {"webhook-id": id, "webhook-timestamp": at,
            "webhook-signature": f"v1,AAAA v1,{base64.b64encode(digest).decode()}"}


def started(engine):
    return find(engine, InstanceFilter()).total


def test_signed_event_starts_an_instance_once(engine, clock, hook):
    send = hook()
    answer = send(**signed(clock))
    assert (answer.status_code, answer.json["result"]) == (200, "started")
    [row] = find(engine, InstanceFilter()).items
    assert answer.json["instanceKeys"] == [str(row.key)]
    assert send(**signed(clock, id="m2")).json["result"] == "duplicate"
    assert started(engine) == 1
    assert {entry.actor for entry in lists.audit(engine, instance_key=row.key).items} == {"inbound shop"}


@pytest.mark.parametrize("wrong", [
    lambda clock: {}, lambda clock: signed(clock, secret="another secret"), lambda clock: signed(clock, body=b"{}"),
    lambda clock: signed(clock, ahead=-301), lambda clock: signed(clock, ahead=301),
    lambda clock: signed(clock) | {"webhook-id": "m2"}, lambda clock: signed(clock) | {"webhook-timestamp": "x"},
    lambda clock: {"Authorization": f"Bearer {SECRET}"}, lambda clock: signed(clock) | {"webhook-signature": "v1,é"},
])
def test_who_does_not_know_the_secret_changes_nothing(engine, clock, hook, wrong):
    answer = hook()(**wrong(clock))
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert started(engine) == 0
    assert receiving.all_set_aside(engine) == []


def test_hmac_and_tokens_are_taken_where_they_are_said_to_be(engine, hook):
    digest = hmac.new(SECRET.encode(), EVENT, hashlib.sha256)
    mac = hook("github", proof="hmac")
    assert mac(**{"X-Hub-Signature-256": f"sha256={digest.hexdigest()}"}).status_code == 200
    assert mac(**{"X-Hub-Signature-256": f"sha256={digest.hexdigest()[:-1]}0"}).status_code == 401
    own = hook("own", proof="hmac", header="X-Own")
    assert own(**{"X-Own": base64.b64encode(digest.digest()).decode()}).status_code == 200
    token = hook("token", proof="token", mapping={"process": "review", "variables": "{seen: headers}"})
    assert token(Authorization=f"Bearer {SECRET}", Cookie="a=b").status_code == 200
    assert token(Authorization="Bearer nonsense").status_code == 401
    assert hook("api", proof="token", header="X-Api-Key")(**{"X-Api-Key": SECRET}).status_code == 200
    # Neither the token nor cookies are shown to a mapping.
    all_of_them = (instance.variables(engine, each.key) for each in find(engine, InstanceFilter()).items)
    seen = next(found["seen"] for found in all_of_them if "seen" in found)
    assert SECRET not in json.dumps(seen)
    assert not {"authorization", "cookie"} & seen.keys()


def test_what_can_never_be_taken_is_refused_in_words_and_set_aside(engine, clock, hook):
    send = hook()
    answer = send(b"{nonsense", **signed(clock, b"{nonsense"))
    assert (answer.status_code, "JSON" in answer.json["detail"]) == (422, True)
    [row] = receiving.all_set_aside(engine)
    assert row.body == "{nonsense"
    assert SECRET not in json.dumps(row.headers)


def test_batch_answers_for_each_event(engine, clock, hook):
    batch = json.dumps([{**json.loads(EVENT), "id": id} for id in ("a", "b", "a")]).encode()
    answer = hook()(batch, **signed(clock, batch) | {"Content-Type": "application/cloudevents-batch+json"})
    assert [each["result"] for each in answer.json["results"]] == ["started", "started", "duplicate"]


def test_hooks_that_are_not_there_paused_or_without_secret_say_so(engine, clock, hook, app):
    send = hook()
    engine.execute(sources.add, "queue", "redis://localhost?stream=s")
    assert app.test_client().post("/hooks/nothing").status_code == 404
    assert app.test_client().post("/hooks/queue").status_code == 404
    assert app.test_client().get("/hooks/shop").status_code in (404, 405)
    engine.execute(sources.pause, "shop", paused=True, reason="moving")
    assert send(**signed(clock)).status_code == 503
    engine.execute(sources.pause, "shop", paused=False, reason="moved")
    engine.execute(secrets.remove, "shop", "rotated")
    assert send(**signed(clock)).status_code == 503
    assert send(b"x" * 1_000_001).status_code == 413
    assert started(engine) == 0


def test_hooks_need_no_login_and_no_other_door_opens_by_them(engine, clock, hook, guarded):
    hook()
    client = guarded.test_client()
    assert client.post("/hooks/shop", data=EVENT, headers=JSON | signed(clock)).status_code == 200
    assert client.post("/hooks/shop", data=EVENT, headers=JSON).status_code == 401
    assert client.get("/instances").status_code in (303, 401)
