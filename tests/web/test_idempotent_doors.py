"""Every door that changes something does once what is asked twice under one `Idempotency-Key`, and says the same again;
also when it died between what it did and its answer.
"""

from __future__ import annotations

import io
import shutil

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from werkzeug.test import run_wsgi_app

from engine import definitions, incidents, instances, schema
from engine.engine import Engine
from engine.keyring import Keyring
from engine.operations import plans
from engine.queries import lists
from tests.engine import drawing
from tests.web.doors import ACTS, OWN, WHY, WORKERS, World
from web.app import create_app
from web.idempotency import READING, REPLAYED

AGAIN = {"camunda7.fetch_and_lock", "camunda8.activate"}
"""Who asks for jobs again wants more."""
KNOWN_OTHERWISE = {"hooks.receive"}
"""Events are known by their ids, whatever key a request has: the second one is a duplicate."""
KEPT_APART = {*OWN} - {"console.keep_draft", "console.discard_draft"}
"""They touch a session or a file, and nothing of the engine's."""


class Recorded:
    """An application that remembers the last request that changes something, and gives each a key of its own."""

    def __init__(self, inner):
        self._inner, self._sent, self.environ, self.body = inner, 0, {}, b""

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] not in READING:
            self._sent += 1
            self.body = environ["wsgi.input"].read()
            self.environ = {name: value for name, value in environ.items()
                            if name.isupper() or name in ("wsgi.url_scheme", "wsgi.version", "wsgi.errors")}
            self.environ["HTTP_IDEMPOTENCY_KEY"] = f"key-{self._sent}"
            environ = {**environ, **self.environ, "wsgi.input": io.BytesIO(self.body)}
        return self._inner(environ, start_response)

    def again(self, **other):
        """Send it once more; its status, body and headers."""
        environ = {**self.environ, "wsgi.input": io.BytesIO(self.body), "wsgi.multithread": False,
                   "wsgi.multiprocess": False, "wsgi.run_once": False, **other}
        content, status, headers = run_wsgi_app(self._inner, environ, buffered=True)
        return int(status.split()[0]), b"".join(content), headers


@pytest.fixture(scope="module")
def world(tmp_path_factory, sqlite_template):
    path = tmp_path_factory.mktemp("keys") / "partitur.db"
    shutil.copy(sqlite_template, path)
    engine = Engine(f"sqlite:///{path}", synchronous="OFF")
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    app = create_app(engine, secret_key="test")
    app.wsgi_app = Recorded(app.wsgi_app)
    yield World(app, engine)
    engine.close()


def planned(world, kind="SUSPEND", judged=True):
    """The path of a new plan."""
    made = world.api("/operations", {"kind": kind, "keys": [str(world.work()), str(world.work())]})
    key = int(made.json["key"])
    while judged and world.engine.execute(plans.judge, key):
        pass
    return f"/operations/{key}"


def applied(world):
    path = planned(world)
    assert world.api(f"{path}/apply", {"reason": WHY}).status_code == 200
    return path


def paused(world):
    path = applied(world)
    assert world.api(f"{path}/pause", {"reason": WHY}).status_code == 200
    return path


def stopped(world):
    path = applied(world)
    assert world.api(f"{path}/stop", {"reason": WHY}).status_code == 200
    return path


R = {"reason": WHY}
STEPS = {"kind": "put", "element": "pay", "source": "", "variables": "", "scope": "", "do": "plan"}
OPERATIONS = {
    "api.plan_operation": lambda w: w.api("/operations", {"kind": "RETRY", "keys": [str(w.work())]}),
    "api.apply_operation": lambda w: w.api(f"{planned(w)}/apply", R),
    "api.pause_operation": lambda w: w.api(f"{applied(w)}/pause", R),
    "api.resume_operation": lambda w: w.api(f"{paused(w)}/resume", R),
    "api.stop_operation": lambda w: w.api(f"{applied(w)}/stop", R),
    "console.plan_operation": lambda w: w.page("/operations", {"kind": "SUSPEND", "chosen": str(w.work())}),
    "console.apply_operation": lambda w: w.page(f"{planned(w)}/application", R),
    "console.pause_operation": lambda w: w.page(f"{applied(w)}/pause", R),
    "console.resume_operation": lambda w: w.page(f"{paused(w)}/resumption", R),
    "console.stop_operation": lambda w: w.page(f"{applied(w)}/stop", R),
    "console.repeat_operation": lambda w: w.page(f"{stopped(w)}/repetition"),
    "console.modify_step": lambda w: w.page(f"/instances/{w.work()}/modify", STEPS),
    "console.modify_many": lambda w: w.page("/modify", {**STEPS, "keys": str(w.work())}),
}
DOORS = {**ACTS, **WORKERS, **OPERATIONS, **{name: OWN[name] for name in {*OWN} - KEPT_APART}}


def newest(world):
    """The key of the newest entry of the audit trail: whatever acts leaves one."""
    with world.engine.read() as connection:
        return connection.scalar(select(func.max(schema.audit.c.key))) or 0


@pytest.mark.parametrize("endpoint", sorted(DOORS.keys() - AGAIN - KNOWN_OTHERWISE))
def test_door_does_once_what_is_asked_twice_under_one_key(world, endpoint):
    first = DOORS[endpoint](world)
    assert first.status_code < 400, first.text
    acted, recorded = newest(world), world.app.wsgi_app
    for lost in (False, True):
        if lost:
            # As if the server had died between its last commit and its answer.
            with world.engine.database.write() as connection:
                connection.exec_driver_sql("UPDATE requests SET answer = NULL")
        status, body, headers = recorded.again()
        assert (status, headers.get("Location")) == (first.status_code, first.headers.get("Location")), (lost, body)
        assert headers[REPLAYED] == "true"
        assert lost or body == first.data
        assert body == first.data or first.mimetype != "application/json", lost
        assert newest(world) == acted, "it acted again"
    query = recorded.environ["QUERY_STRING"]
    status, body, _ = recorded.again(QUERY_STRING=f"{query}&other=1" if query else "other=1")
    assert status in (400, 422)
    assert b"used before" in body


@pytest.mark.parametrize("endpoint", sorted(AGAIN | KNOWN_OTHERWISE | KEPT_APART))
def test_what_no_key_is_for_is_never_said_to_be_repeated(world, endpoint):
    DOORS.get(endpoint, OWN.get(endpoint))(world)
    assert REPLAYED not in world.app.wsgi_app.again()[2]


def test_a_repetition_resolves_the_incidents_that_the_first_try_did_not_come_to(world, monkeypatch):
    # given three failures of one instance, of which a server resolved one and died
    calls = [drawing.call(each, "nowhere") for each in "abc"]
    drawn = drawing.process("three", drawing.start(), '<bpmn:parallelGateway id="fork"/>', *calls,
                            flows="start>fork fork>a fork>b fork>c")
    world.engine.execute(definitions.deploy, [drawing.file(drawn)])
    key = world.engine.execute(instances.start, "three").key
    failed = {each.key for each in lists.incidents(world.engine, instance_key=key).items}
    assert len(failed) == 3
    resolve, resolved = incidents.resolve, []

    def dies(tx, incident):
        if resolved:
            raise RuntimeError("It died.")
        resolved.append(incident)
        resolve(tx, incident)

    monkeypatch.setattr(incidents, "resolve", dies)
    assert world.v2("POST", f"/process-instances/{key}/incident-resolution").status_code == 500
    monkeypatch.undo()

    # when it is asked again
    status, body, _ = world.app.wsgi_app.again()

    # then none of them is left, and the third time it says the same
    assert status == 200
    assert not failed & {each.key for each in lists.incidents(world.engine, instance_key=key).items}
    assert world.app.wsgi_app.again()[1] == body
