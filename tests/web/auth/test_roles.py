"""Roles: what they give, where they hold, and the commands that give them."""

from __future__ import annotations

import msgspec
import pytest

from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, User
from web.auth.identity import Identity
from web.auth.roles import EVERYTHING, Grant, Permission, Role
from web.cli.checks import Result, check_roles
from web.cli.settings import Settings

PASSWORD = "correct horse"


@pytest.fixture
def who(tmp_path):
    """The identity of a user or token in the file."""
    file = AccessFile(tmp_path / "data" / "users.json")

    def who(name):
        content = file.read()
        return content.identity(name, content.users.get(name) or content.tokens[name])

    return who


def add(run, name, *more):
    return run("users", "add", name, "--password-stdin", *more, input=f"{PASSWORD}\n")


def test_a_grant_holds_for_its_definitions_in_its_tenants():
    ann = Identity("ann", grants=(Grant(Role.OPERATOR, (), ("order*", "refund"), ("eu",)), Grant(Role.VIEWER)))
    assert ann.may(Permission.OPERATE, "order-4", "eu")
    assert ann.may(Permission.OPERATE, "refund", "eu")
    assert not ann.may(Permission.OPERATE, "refunds", "eu")
    assert not ann.may(Permission.OPERATE, "Order", "eu")
    assert not ann.may(Permission.OPERATE, "order", "us")
    assert ann.may(Permission.READ, "anything", "us")
    assert not ann.may(Permission.DEPLOY, "order", "eu")
    assert ann.may_somewhere(Permission.OPERATE)
    assert not ann.may_everywhere(Permission.OPERATE)
    assert ann.tenants(Permission.OPERATE) == {"eu"}
    assert ann.tenants() is None


def test_who_has_no_grant_may_nothing():
    assert not any(Identity("ann").may_somewhere(each) for each in Permission)
    assert not Identity("ann").sight().is_everything


def test_users_get_roles_when_they_are_added_and_keep_them_with_a_new_password(run, who):
    add(run, "ann", "--role", "operator", "--process", "order*", "--tenant", "eu")
    assert who("ann").grants == (Grant(Role.OPERATOR, (), ("order*",), ("eu",)),)
    add(run, "ann")
    assert who("ann").grants == (Grant(Role.OPERATOR, (), ("order*",), ("eu",)),)


def test_tokens_get_roles_and_keep_them_when_they_are_made_anew(run, who):
    run("tokens", "add", "billing", "--role", "worker", "--process", "order")
    run("tokens", "add", "billing")
    assert who("billing").grants == (Grant(Role.WORKER, (), ("order",)),)


def test_who_is_added_without_a_role_may_everything_unless_a_group_says_less(run, who):
    run("roles", "give", "clerks", "--group", "--role", "viewer")
    add(run, "ann", "--group", "strangers")
    add(run, "bob", "--group", "clerks")
    assert who("ann").grants == EVERYTHING
    assert who("bob").grants == (Grant(Role.VIEWER),)


def test_permissions_are_given_beside_roles_and_taken_all_at_once(run, who):
    add(run, "ann", "--role", "analyst")
    run("roles", "give", "ann", "--may", "deploy", "--process", "order*")
    assert who("ann").may(Permission.DEPLOY, "order", "eu")
    assert not who("ann").may(Permission.DEPLOY, "other", "eu")
    assert [str(each) for each in who("ann").grants] == ["analyst", "deploy of order*"]
    assert run("roles", "list") == {"roles": [{"kind": "user", "name": "ann", "grants": [
        {"role": "analyst", "permissions": [], "definitions": ["*"], "tenants": ["*"]},
        {"role": None, "permissions": ["deploy"], "definitions": ["order*"], "tenants": ["*"]}]}]}
    run("roles", "take", "ann")
    assert not who("ann").may_somewhere(Permission.READ)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("roles", "give", "bob", "--role", "viewer"), "Expected a user or token 'bob', but there is none."),
    (("roles", "give", "ann"), "Expected --role or --may, but neither was given."),
    (("roles", "give"), "Expected NAME, but it is missing."),
    (("roles", "give", "ann", "--role", "viewer", "--process", "o*der"), "Expected the id of a process"),
    (("roles", "give", "ann", "--role", "viewer", "--tenant", "e u"), "Expected the id of a tenant"),
    (("users", "add", "eve", "--password-stdin", "--process", "order"), "Expected --role or --may with --process"),
])
def test_what_makes_no_sense_is_refused(run, arguments, sentence):
    add(run, "ann")
    assert sentence in run(*arguments, input=f"{PASSWORD}\n", code=1)["error"]


def test_users_from_before_there_were_roles_may_everything_and_the_doctor_names_them(run, tmp_path):
    file = tmp_path / "data" / "users.json"
    file.parent.mkdir()
    file.write_bytes(msgspec.json.encode({"users": {"ann": {"password": secrets.hash_of(PASSWORD), "groups": []}}}))
    access = Access(AccessFile(file), "key")
    assert access.by_password("ann", PASSWORD, "x").may_everywhere(Permission.ADMINISTER)
    found = check_roles(Settings.of())
    assert (found.result, "ann" in found.found) == (Result.WARNING, True)
    run("roles", "give", "ann", "--role", "admin")
    assert check_roles(Settings.of()).result is Result.OK
    assert access.by_password("ann", PASSWORD, "x").grants == EVERYTHING


def test_groups_of_a_provider_bring_their_roles():
    content = Content(users={"x": User("")}, roles={"staff": (Grant(Role.VIEWER),), "ops": (Grant(Role.OPERATOR),)})
    assert content.of_groups(["ops", "unknown", "staff"]) == (Grant(Role.OPERATOR), Grant(Role.VIEWER))
    assert content.of_groups([]) == ()
