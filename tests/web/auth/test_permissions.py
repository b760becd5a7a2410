"""Who may do what: every door that changes something is tried by nobody, by each role, for each process and tenant."""

from __future__ import annotations

import re
import shutil

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from structlog.testing import capture_logs

from engine import schema, tenants
from engine.engine import Engine
from engine.keyring import Keyring
from engine.schema import DEFAULT_TENANT
from tests.web.auth.herds import clients
from tests.web.doors import ACTS, ELSEWHERE, OWN, READS, WORKERS, R, World
from web.auth.gate import PUBLIC
from web.auth.roles import PERMISSIONS, Grant, Permission, Role
from web.auth.rules import RULES

GRANTS = {
    "wrong-process": [Grant(role=Role.ADMIN, definitions=("elsewhere*",))],
    "wrong-tenant": [Grant(role=Role.ADMIN, tenants=("elsewhere",))],
    "right-tenant": [Grant(role=Role.ADMIN, tenants=(DEFAULT_TENANT,))],
    "nothing": [],
    **{role.value: [Grant(role=role)] for role in Role},
}
PERSONAL = {"console.save_filter", "console.remove_filter", "console.save_view", "console.remove_view"}
DOORS = {door: act for door, act in {**ACTS, **WORKERS}.items() if door not in PERSONAL | PUBLIC}
NO_JOBS = ([], {"jobs": []})
OF_A_TENANT = {"camunda7.deploy", "camunda7.broadcast", "camunda8.deploy", "camunda8.publish", "camunda8.broadcast",
               "console.deploy"}
"""Doors that need no more than the tenant of the caller."""


class Intruder(World):
    """A world whose doors are tried by different people, and which notices whether anything changed."""

    def __init__(self, app, engine, people):
        super().__init__(app, engine)
        self.people = {**people, "nobody": app.test_client()}

    def page(self, path, data=None, **more):
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/feel").text)
        return self.client.post(path, data={"csrf_token": found[1] if found else "", **(data or {})}, **more)

    def after(self, path, body, then, **more):
        """What a door answers, whether or not somebody could make what it is about."""
        self.api(path, body)
        return self.api(then, R | more)

    def answer(self, door, who):
        """What a door answers to somebody."""
        self.client = self.people[who]
        return DOORS[door](self)

    def traces(self, who):
        """How often a name is in the trail."""
        with self.engine.read() as connection:
            return connection.scalar(select(func.count()).where(schema.audit.c.actor == who))


@pytest.fixture(scope="module")
def world(tmp_path_factory, sqlite_template):
    path = tmp_path_factory.mktemp("permissions")
    shutil.copy(sqlite_template, path / "partitur.db")
    engine = Engine(f"sqlite:///{path}/partitur.db", synchronous="OFF")
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    engine.execute(tenants.add, "elsewhere")
    app, people = clients(engine, path / "users.json", GRANTS)
    yield Intruder(app, engine, people)
    engine.close()


def tried(world, who, doors):
    """The answer of each door that somebody tries; nothing of what was refused may be in the trail."""
    found = {}
    for door in doors:
        before = world.traces(who)
        found[door] = world.answer(door, who)
        assert world.traces(who) == before or found[door].status_code < 400, (door, found[door].text)
    return found


def of_default_tenant(world):
    """How many rows of each table are of the default tenant."""
    with world.engine.read() as connection:
        return {table.name: connection.scalar(select(func.count()).where(table.c.tenant_id == DEFAULT_TENANT))
                for table in schema.metadata.sorted_tables if "tenant_id" in table.c}


def everywhere(app):
    """Each way of each address that is not for everybody, with something in the place of its arguments."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC:
            continue
        address = re.sub(r"<(?:any\((\w+)[^>]*|[^>]+)>", lambda found: found[1] or "1", rule.rule)
        yield from ((rule.endpoint, method, address) for method in sorted(rule.methods - {"OPTIONS"}))


def test_nobody_comes_in(world):
    client, wrong = world.people["nobody"], {}
    for endpoint, method, address in everywhere(world.app):
        answer = client.open(address, method=method)
        to_log_in = answer.status_code == 303 and answer.location.startswith("/login")
        if answer.status_code != 401 and not (to_log_in and method in ("GET", "HEAD")):
            wrong[method, address, endpoint] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("who", ["nothing", *(role for role in Role if role is not Role.ADMIN)])
def test_a_role_may_do_nothing_for_which_it_has_no_permission(world, who):
    client, wrong, asked = world.people[who], {}, 0
    has = PERMISSIONS[who] if isinstance(who, Role) else frozenset()
    for endpoint, method, address in everywhere(world.app):
        if not (needed := set(RULES[endpoint].any_of)) or needed & has:
            continue
        asked += 1
        answer = client.open(address, method=method)
        if answer.status_code != 403 or (method != "HEAD" and "Expected to be allowed to" not in answer.text):
            wrong[method, address, endpoint] = answer.status_code
    assert wrong == {}
    assert asked > 20


def test_who_may_everything_in_a_tenant_may_do_all_that_is_not_of_the_installation(world):
    doors = [door for door in DOORS if not RULES[door].everywhere]
    assert {door: answer.status_code for door, answer in tried(world, "right-tenant", doors).items()
            if answer.status_code >= 400} == {}


@pytest.mark.parametrize("who", ["wrong-process", "wrong-tenant"])
def test_a_permission_for_something_else_is_none(world, who):
    doors = [door for door in DOORS if RULES[door].any_of not in ((), (Permission.READ,))]
    wrong = {door: (answer.status_code, answer.text[:200]) for door, answer in tried(world, who, doors).items()
             if answer.status_code not in (403, 404) and answer.get_json(silent=True) not in NO_JOBS}
    expected = {*OF_A_TENANT, "camunda7.correlate"} if who == "wrong-tenant" else set()
    assert {door: told for door, told in wrong.items() if door not in expected} == {}


@pytest.mark.parametrize("door", sorted(OF_A_TENANT))
def test_who_names_no_tenant_means_his_own(world, door):
    before = of_default_tenant(world)
    assert world.answer(door, "wrong-tenant").status_code < 300
    assert of_default_tenant(world) == before


def test_every_door_that_changes_something_was_tried(world):
    mutating = {rule.endpoint for rule in world.app.url_map.iter_rules() if rule.methods - {"GET", "HEAD", "OPTIONS"}}
    known = {*DOORS, *OWN, *(each for many in ELSEWHERE.values() for each in many)}
    assert sorted(each for each in mutating - known - PUBLIC - PERSONAL if not READS.fullmatch(each)
                  and RULES[each].any_of != (Permission.READ,)) == []


def test_what_was_refused_is_in_the_log(world):
    with capture_logs() as logs:
        world.people["viewer"].post("/v2/process-instances", json={"processDefinitionId": "errand"})
    [entry] = [each for each in logs if each["event"] == "a request was refused"]
    assert (entry["who"], entry["status"], entry["endpoint"]) == ("viewer", 403, "camunda8.start")
