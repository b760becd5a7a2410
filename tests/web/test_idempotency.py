"""`Idempotency-Key` at every door: what is asked twice acts once, and gets the first answer again."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
from flask import g

from engine import requests, schema
from engine.errors import Unavailable
from engine.queries import lists
from engine.tasks import user_tasks
from tests.web.conftest import model
from web import idempotency
from web.auth.identity import Identity, person_of
from web.idempotency import REPLAYED

KEY = {"Idempotency-Key": "7f3c"}


@pytest.fixture
def client(app, story):
    story.deploy()
    return app.test_client()


def count(engine, table):
    with engine.read() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()


DOORS = [
    ("/v2/process-instances", {"processDefinitionId": "review", "variables": {"amount": 1}}),
    ("/engine-rest/process-definition/key/review/start", {"variables": {"amount": {"value": 1}}}),
]


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_start_that_is_repeated_starts_one_instance(client, engine, path, body):
    first = client.post(path, json=body, headers=KEY)
    again = client.post(path, json=body, headers=KEY)
    assert first.status_code == 200, first.text
    assert (again.status_code, again.data, again.content_type) == (200, first.data, first.content_type)
    assert again.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers
    assert count(engine, "instances") == 1
    assert client.post(path, json=body, headers={"Idempotency-Key": "another"}).status_code == 200
    assert count(engine, "instances") == 2


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_answer_that_was_lost_is_made_again(client, engine, path, body):
    first = client.post(path, json=body, headers=KEY)
    # As if the server had died between its commit and its answer.
    with engine.database.write() as connection:
        connection.exec_driver_sql("UPDATE requests SET answer = NULL")
    again = client.post(path, json=body, headers=KEY)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert count(engine, "instances") == 1


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_key_is_for_one_request_only(client, engine, path, body):
    client.post(path, json=body, headers=KEY)
    other = client.post(path, json={**body, "businessId": "4711", "businessKey": "4711"}, headers=KEY)
    assert other.status_code == 400
    assert "used before" in other.text
    assert count(engine, "instances") == 1


def test_refused_request_may_be_tried_again_under_its_key(client, engine):
    body = {"processDefinitionId": "later"}
    assert client.post("/v2/process-instances", json=body, headers=KEY).status_code == 404
    upload = model("review.bpmn").replace(b'id="review"', b'id="later"')
    client.post("/v2/deployments", data={"resources": (io.BytesIO(upload), "later.bpmn")})
    assert client.post("/v2/process-instances", json=body, headers=KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "z, z", "z,z", '"z","z"', '"z", "z"', "a,b"])
@pytest.mark.parametrize("path", [door[0] for door in DOORS])
def test_key_that_cannot_be_used_is_refused_in_the_words_of_the_door(client, engine, path, key):
    answer = client.post(path, json={"processDefinitionId": "review"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert "Idempotency-Key" in (answer.get_json().get("detail") or answer.get_json()["message"])
    assert count(engine, "instances") == 0


def test_header_that_is_sent_twice_is_refused(client, engine):
    path, body = DOORS[0]
    answer = client.post(path, json=body, headers=[("Idempotency-Key", "z"), ("Idempotency-Key", "z")])
    assert (answer.status_code, answer.get_json()["detail"]) == (
        400, "Expected one Idempotency-Key, with double quotes around it if there is a comma in it, but found a comma "
             "without them: perhaps the header was sent twice.")
    assert count(engine, "instances") == 0


@pytest.mark.parametrize("key", ["заказ-4711", "注文-1", "müller", "🙂" * 255, b"\xfc of a client of old",
                                 '"order 7, pay"', r'"a \" b, c"'])
def test_key_may_be_in_any_language(client, engine, key):
    path, body = DOORS[0]
    raw = (key if isinstance(key, bytes) else key.encode()).decode("latin-1")
    for replayed in (False, True):
        answer = client.post(path, json=body, environ_overrides={"HTTP_IDEMPOTENCY_KEY": raw})
        assert (answer.status_code, REPLAYED in answer.headers) == (200, replayed), answer.text
    assert count(engine, "instances") == 1


def test_two_people_of_one_name_have_keys_of_their_own(app):
    def identity(person):
        with app.test_request_context("/v2/signals/broadcast", method="POST"):
            g.identity = Identity("ann", person=person_of(*person) if person else "")
            return idempotency._identity("k")

    people = [None, ("https://a.example", "1"), ("https://b.example", "1"), ("https://a.example", "2")]
    assert len({identity(person) for person in people}) == 4
    assert identity(people[1]) == identity(people[1])


def test_message_job_and_task_are_answered_alike_the_second_time(client, engine, story):
    instance = story.start(variables={"amount": 10, "gift": False})
    task = lists.user_tasks(engine, instance_key=instance).items[0]
    job_path = "/v2/jobs/{}/completion"
    bodies = [("/v2/messages/publication", {"name": "Paid", "correlationKey": "1", "timeToLive": 60000}),
              ("/engine-rest/signal", {"name": "Alarm"}),
              (f"/v2/user-tasks/{task.key}/completion", {"variables": {}})]
    for path, body in bodies:
        first = client.post(path, json=body, headers=KEY)
        again = client.post(path, json=body, headers=KEY)
        assert first.status_code in (200, 204), first.text
        assert (again.status_code, again.data) == (first.status_code, first.data)
        assert again.headers[REPLAYED] == "true"
    assert count(engine, "messages") == 1
    job = story.take_job()
    for replayed in (False, True):
        answer = client.post(job_path.format(job.key), json={"variables": {}}, headers=KEY)
        assert (answer.status_code, REPLAYED in answer.headers) == (204, replayed)


def test_handing_out_jobs_is_not_remembered(client, engine, story):
    instance = story.start(variables={"amount": 10, "gift": False})
    engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=instance).items[0].key, {})
    body = {"type": "charge-card", "worker": "w", "timeout": 60000, "maxJobsToActivate": 1, "requestTimeout": -1}
    assert len(client.post("/v2/jobs/activation", json=body, headers=KEY).get_json()["jobs"]) == 1
    assert client.post("/v2/jobs/activation", json=body, headers=KEY).get_json()["jobs"] == []


def test_operator_action_is_done_once(console, engine, story):
    story.deploy()
    instance = story.start()
    for _ in range(2):
        answer = console.post(f"/instances/{instance}/suspension", {"reason": "Stop it."}, headers=KEY)
        assert answer.status_code == 303
    assert answer.headers[REPLAYED] == "true"
    assert console.post(f"/instances/{instance}/suspension", {"reason": "Stop it."}).status_code == 409


def test_upload_is_the_same_whatever_its_boundary(client, engine):
    for replayed in (False, True):
        files = {"resources": (io.BytesIO(model("quote.bpmn")), "quote.bpmn")}
        answer = client.post("/v2/deployments", data=files, headers=KEY)
        assert (answer.status_code, REPLAYED in answer.headers) == (200, replayed)
    files = {"resources": (io.BytesIO(model("calls.bpmn")), "quote.bpmn")}
    assert client.post("/v2/deployments", data=files, headers=KEY).status_code == 400


def test_two_that_come_at_once_start_one_instance(app, client, engine):
    path, body = DOORS[0]
    barrier = threading.Barrier(8)
    answers = []

    def ask():
        own = app.test_client()
        barrier.wait()
        answers.append(own.post(path, json=body, headers=KEY))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["processInstanceKey"] for answer in answers}) == 1
    assert count(engine, "instances") == 1


def test_old_keys_are_forgotten(client, engine, monkeypatch):
    path, body = DOORS[0]
    client.post(path, json=body, headers=KEY)
    engine.execute(requests.forget)
    assert count(engine, "requests") == 1
    monkeypatch.setattr(requests, "KEPT", -requests.KEPT)
    engine.execute(requests.forget)
    assert count(engine, "requests") == 0


def test_a_slice_of_keys_is_forgotten_at_once_and_each_as_a_whole(engine, monkeypatch):
    # given requests of three commands each, whose first is a week old and whose last came just now
    now = engine.clock()
    week_old = now - requests.KEPT - timedelta(seconds=1)
    with engine.database.write() as connection:
        connection.execute(schema.requests.insert(), [
            {"id": f"{number:064}", "call": call, "digest": "", "at": now if call else week_old}
            for number in range(5) for call in range(3)])
    monkeypatch.setattr(requests, "SLICE", 2)

    # then each that goes goes with all that was done under it
    left = [(engine.execute(requests.forget), count(engine, "requests")) for _ in range(4)]
    assert left == [(6, 9), (6, 3), (3, 0), (0, 0)]


def test_what_was_done_is_answered_though_the_answer_cannot_be_kept(client, engine, monkeypatch, caplog, capsys):
    """In a line without a traceback: that a database is away is nobody's mistake in the code."""
    def away(tx, *_):
        raise Unavailable("the server closed the connection")

    path, body = DOORS[0]
    with monkeypatch.context() as patch:
        patch.setattr(requests, "keep_answer", away)
        first = client.post(path, json=body, headers=KEY)
    assert first.status_code == 200
    said = capsys.readouterr().out + caplog.text
    assert "could not be kept" in said
    assert "Traceback" not in said
    again = client.post(path, json=body, headers=KEY)
    assert again.get_json() == first.get_json()
    assert count(engine, "instances") == 1
