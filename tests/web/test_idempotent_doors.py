"""Every door that changes something does once what is asked twice under one `Idempotency-Key`, and says the same again;
also when it died between what it did and its answer. And every door answers 503 while the database is away.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from werkzeug.test import run_wsgi_app

from engine import definitions, instances, schema
from engine.engine import Engine
from engine.keyring import Keyring
from engine.operations import plans
from engine.queries import lists
from tests.engine import drawing
from tests.web.doors import ACTS, OWN, WHY, WORKERS, World, upload
from tests.web.test_changing_pages import fields, step
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

    def again(self, key=True, **other):
        """Send it once more; its status, body and headers."""
        kept = {name: value for name, value in self.environ.items() if key or name != "HTTP_IDEMPOTENCY_KEY"}
        environ = {**kept, "wsgi.input": io.BytesIO(self.body), "wsgi.multithread": False,
                   "wsgi.multiprocess": False, "wsgi.run_once": False, **other}
        content, status, headers = run_wsgi_app(self._inner, environ, buffered=True)
        return int(status.split()[0]), b"".join(content), headers


@pytest.fixture(scope="module")
def world(tmp_path_factory, sqlite_template):
    folder = tmp_path_factory.mktemp("keys") / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "partitur.db")
    engine = Engine(f"sqlite:///{folder / 'partitur.db'}", synchronous="OFF")
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    app = create_app(engine, secret_key="test")
    app.wsgi_app = Recorded(app.wsgi_app)
    made = World(app, engine)
    made.folder = folder
    yield made
    engine.close()


@contextmanager
def away(world):
    """The database cannot be opened meanwhile."""
    world.engine.database.close()
    gone = world.folder.with_name("gone")
    world.folder.rename(gone)
    try:
        yield
    finally:
        gone.rename(world.folder)


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
STEPS = fields(step("put", "pay"), do="plan")
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
    "console.deploy_reviewed": lambda w: w.page("/deployments/reviewed", {
        "seen": "0 seen", "name": "seen.bpmn", "content": base64.b64encode(upload(
            process="seen")[0].getvalue()).decode()}),
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

    # and while the database is away
    with away(world):
        for key in (True, False):
            status, body, headers = recorded.again(key=key)
            assert (status, int(headers["Retry-After"]) > 0) == (503, True), body


@pytest.mark.parametrize("endpoint", sorted(AGAIN | KNOWN_OTHERWISE | KEPT_APART))
def test_what_no_key_is_for_is_never_said_to_be_repeated(world, endpoint):
    DOORS.get(endpoint, OWN.get(endpoint))(world)
    assert REPLAYED not in world.app.wsgi_app.again()[2]


def test_a_repetition_goes_on_where_the_first_try_died(world, monkeypatch):
    # given instances with three failures each
    calls = [drawing.call(each, "nowhere") for each in "abc"]
    drawn = drawing.process("three", drawing.start(), '<bpmn:parallelGateway id="fork"/>', *calls,
                            flows="start>fork fork>a fork>b fork>c")
    world.engine.execute(definitions.deploy, [drawing.file(drawn)])
    for lived in range(20):
        key = world.engine.execute(instances.start, "three").key
        failed = {each.key for each in lists.incidents(world.engine, instance_key=key).items}
        assert len(failed) == 3

        # when a server dies that was to resolve all, after none, one, two, … of its transactions
        with monkeypatch.context() as patch:
            patch.setattr(Engine, "_repeat", dying_after(lived, Engine._repeat))
            first = world.v2("POST", f"/process-instances/{key}/incident-resolution")

        # and it is asked again
        status, body, _ = world.app.wsgi_app.again()

        # then none of them is left, and the third time it says the same
        assert status == 200
        assert not failed & {each.key for each in lists.incidents(world.engine, instance_key=key).items}
        assert world.app.wsgi_app.again()[1] == body
        if first.status_code == 200:
            break
    assert lived >= 4


def dying_after(lived, repeat):
    """A way to run transactions that fails for ever after some of them."""
    left = iter(range(lived))

    def run(engine, command):
        if next(left, None) is None:
            raise RuntimeError("It died.")
        return repeat(engine, command)

    return run


WITHOUT = re.compile(
    r"static|login\..*|second_step\..*|provider\..*|links\..*|camunda7_pages\..*|metrics.*|health|.*\.nothing|.*openapi.*"
    r"|console\.(new_deployment|interfaces|manual|manual_file|playground|service_templates|sessions|second_factor"
    r"|confirmation|new_operation|preview|service_preview|report_file)"
    r"|camunda8\.(topology|license)"
    r"|camunda7\.(.*_users|get_profile|.*_groups?|groups_of_user|nobody|count_nobody|sum_of_metric|version|engines"
    r"|list_registered)")
"""What is read there is not in the database, or is refused before: the addresses here are of nothing."""


def test_everything_that_is_read_answers_503_while_the_database_is_away(world):
    client, seen = world.app.test_client(), 0
    with away(world):
        for rule in world.app.url_map.iter_rules():
            if "GET" in rule.methods:
                path = re.sub(r"<(?:\w+:)?\w+>", "1", rule.rule.replace("<form>", "csv"))
                answer = client.get(path)
                if answer.status_code == 503:
                    seen += 1
                    assert int(answer.headers["Retry-After"]) > 0, path
                else:
                    assert WITHOUT.fullmatch(rule.endpoint), (path, answer.status_code)
                    assert answer.status_code < 500, path
    assert seen > 200
