"""Users and tokens on the command line, and what a server needs of them before others can reach it."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from engine import sessions
from engine.engine import Engine
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, User
from web.auth.breached import is_listed
from web.cli.serving import entrance
from web.cli.settings import Settings

PASSWORD = "correct horse"


@pytest.fixture
def file(tmp_path):
    return AccessFile(tmp_path / "data" / "users.json")


def add(run, name, **more):
    return run("users", "add", name, "--password-stdin", input=f"{PASSWORD}\n", **more)


def test_a_user_is_added_listed_and_removed(run, file):
    run("users", "add", "ann", "--password-stdin", "--group", "accounting", "--group", "sales", input=f"{PASSWORD}\n")
    add(run, "bob")
    listed = run("users", "list")["users"]
    assert [(user["name"], user["groups"]) for user in listed] == [("ann", ["accounting", "sales"]), ("bob", [])]
    access = Access(file, "key")
    assert access.by_password("ann", PASSWORD, "x").groups == ("accounting", "sales")
    run("users", "remove", "bob")
    assert [user["name"] for user in run("users", "list")["users"]] == ["ann"]


def test_only_hashes_are_kept_and_only_the_owner_reads_them(run, file):
    add(run, "ann")
    token = run("tokens", "add", "billing")["token"]
    kept = file.path.read_text()
    assert PASSWORD not in kept
    assert token not in kept
    assert token.removeprefix("ptt_") not in kept
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_passwords_of_a_list_of_breached_ones_are_refused(run, file, tmp_path, monkeypatch):
    hashes = sorted(hashlib.sha1(f"long ago stolen {n}".encode()).hexdigest().upper() for n in range(300))
    kept = tmp_path / "list.txt"
    for lines in ([f"{each}:{n}\r\n" for n, each in enumerate(hashes)], [f"{each.lower()}\n" for each in hashes],
                  hashes[:1], []):
        kept.write_text("".join(lines), newline="")
        found = [is_listed(f"long ago stolen {n}", kept) for n in range(300)]
        assert sum(found) == len(lines)
        assert not any(is_listed(f"never stolen {n}", kept) for n in range(100))
    kept.write_text("".join(f"{each}:1\n" for each in hashes))
    monkeypatch.setenv("PARTITUR_BREACHED_PASSWORDS", str(kept))
    refused = run("users", "add", "ann", "--password-stdin", input="long ago stolen 17\n", code=1)
    assert "list of breached ones" in refused["error"]
    add(run, "ann")
    kept.write_text("password\n" * 100)
    assert "to list SHA-1 hashes" in add(run, "bob", code=1)["error"]
    monkeypatch.setenv("PARTITUR_BREACHED_PASSWORDS", str(tmp_path / "none"))
    assert "there is none" in add(run, "bob", code=1)["error"]


def test_commands_and_pages_that_change_the_file_at_once_lose_nothing(tmp_path):
    path = tmp_path / "users.json"
    AccessFile(path).write(Content(users={"ann": User("old")}))

    def add_some(number):
        file = AccessFile(path)     # as a program of its own has it
        for turn in range(10):
            with file.changing() as content:
                content.users[f"u{number}-{turn}"] = User("x")
            file.set_password(f"u{number}-{turn}", "y")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_some, range(8)))
    users = AccessFile(path).read().users
    assert len(users) == 81
    assert {each.password for name, each in users.items() if name != "ann"} == {"y"}
    # Of two who change a password at once, the one who knew the one before does.
    assert AccessFile(path).set_password("ann", "new", before="old")
    assert not AccessFile(path).set_password("ann", "other", before="old")
    assert AccessFile(path).read().users["ann"].password == "new"


def test_a_new_password_leaves_the_groups_as_they_are(run, file):
    run("users", "add", "ann", "--password-stdin", "--group", "sales", input=f"{PASSWORD}\n")
    run("users", "add", "ann", "--password-stdin", input="another password\n")
    assert Access(file, "key").by_password("ann", "another password", "x").groups == ("sales",)


def test_a_token_comes_in_and_a_new_one_takes_its_place(run, file):
    first = run("tokens", "add", "billing", "--group", "workers")["token"]
    access = Access(file, "key")
    assert access.by_bearer(first).name == "billing"
    second = run("tokens", "add", "billing")["token"]
    assert access.by_bearer(second).name == "billing"
    assert access.file.read().tokens.keys() == {"billing"}


@pytest.mark.parametrize("name", ["a:b", "", " a", "a\n", "x" * 101])
def test_names_that_cannot_log_in_are_refused(run, name):
    assert run("tokens", "add", name, code=1)["error"].startswith("Expected a name")


def test_passwords_that_are_short_are_refused(run):
    refused = run("users", "add", "ann", "--password-stdin", input="short\n", code=1)
    assert refused["error"] == "Expected a password of 8 to 1000 characters, but it has 5."
    for easy in ("password1", "partitur1", "annannann"):
        refused = run("users", "add", "ann", "--password-stdin", input=f"{easy}\n", code=1)
        assert "tried first" in refused["error"]


def test_a_token_expires_and_a_new_one_need_not(run, file):
    for said, days in (("12h", 0.5), ("90d", 90), ("8w", 56)):
        run("tokens", "add", "billing", "--expires", said)
        token = file.read().tokens["billing"]
        assert (token.expires - token.made).total_seconds() == days * 86_400
    listed, = run("tokens", "list")["tokens"]
    assert (listed["expired"], listed["last_used"]) == (False, None)
    run("tokens", "add", "billing")
    assert file.read().tokens["billing"].expires is None
    for wrong in ("0d", "soon", "9999999d", "-1d", "3651d"):
        assert run("tokens", "add", "billing", f"--expires={wrong}", code=1)["error"].startswith("Expected a time")


def test_sessions_are_listed_and_ended(run, tmp_path):
    engine = Engine(f"sqlite:///{tmp_path}/x.db")
    login = sessions.Login(digest="d", name="ann", stamp="s", address="192.0.2.1", agent="A browser")
    add(run, "ann")
    for arguments, left in ((("sessions", "end", "--user", "ann"), 0), (("sessions", "end", "--all"), 0),
                            (("sessions", "end", "--user", "bob"), 1), (("users", "list"), 1)):
        engine.execute(sessions.end_all)
        key = engine.execute(sessions.begin, login, timedelta(hours=1))
        assert [each["key"] for each in run("sessions", "list")["sessions"]] == [str(key)]
        run(*arguments)
        assert len(run("sessions", "list", "--user", "ann")["sessions"]) == left
    assert run("users", "list")["users"][0]["last_used"] is not None
    assert run("sessions", "end", str(key)) == {"ended": 1}
    assert "there is none" in run("sessions", "end", str(key), code=1)["error"]
    assert "Expected either" in run("sessions", "end", code=1)["error"]

    # with another password, and without the user, they end on servers that read another copy of the file, too
    add(run, "bob")
    for change in (lambda: add(run, "ann"), lambda: run("users", "remove", "ann")):
        engine.execute(sessions.begin, login, timedelta(hours=1))
        change()
        assert run("sessions", "list")["sessions"] == []
    engine.close()


def test_who_comes_in_is_said_at_the_start(run, tmp_path, monkeypatch):
    def said():
        return entrance(Settings.of())

    assert said() == "Nobody has to log in: only this machine reaches it."
    add(run, "ann")
    assert said() == "Everybody has to log in."
    monkeypatch.setenv("PARTITUR_OIDC_ISSUER", "https://login.example/realm")
    monkeypatch.setenv("PARTITUR_OIDC_CLIENT_ID", "partitur")
    assert said() == "People log in with login.example."


def test_a_name_is_a_user_or_a_token(run):
    add(run, "ann")
    run("tokens", "add", "billing")
    assert "is a user" in run("tokens", "add", "ann", code=1)["error"]
    assert "is a token" in add(run, "billing", code=1)["error"]


def test_removing_the_last_one_would_open_the_server(run):
    add(run, "ann")
    assert "the last who may come in" in run("users", "remove", "ann", code=1)["error"]
    assert "there is none" in run("users", "remove", "bob", code=1)["error"]
    assert "NAME" in run("tokens", "remove", code=1)["error"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_that_others_reach_needs_users(run, host):
    refused = run("serve", "--host", host, "--port", "0", code=1)
    assert refused["error"].startswith(f"Expected users before this server listens on {host}")


def test_a_server_with_a_broken_file_does_not_start(run, file):
    file.path.parent.mkdir()
    file.path.write_text("{")
    assert run("serve", "--port", "0", code=1)["error"].startswith("Expected users and tokens in")
