"""Secrets on the command line and in the console: their values go in, and never come out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from engine import secrets
from engine.keyring import Keyring
from engine.queries import lists
from tests.web import axe
from tests.web.browsing import visit
from web.cli import app as commands

VALUE = "s3cr3t value of the bank"


@pytest.fixture
def engine(engine, tmp_path):
    engine.keyring = Keyring(path=tmp_path / "secrets_key")
    return engine


@pytest.fixture
def run(data_dir, monkeypatch):
    """Runs `partitur secrets …` on a data directory of its own; the output."""
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setenv("SQLITE_SYNCHRONOUS", "NORMAL")
    monkeypatch.delenv("PARTITUR_SECRETS_KEY", raising=False)

    def run(*arguments, stdin="", code=0):
        result = CliRunner().invoke(commands, ["secrets", *arguments], input=stdin)
        assert result.exit_code == code, result.output
        assert VALUE not in result.output
        return result.output

    return run


def test_a_secret_is_read_from_standard_input(run, tmp_path):
    assert "BANK is stored" in run("set", "BANK", stdin=VALUE + "\n")
    assert "BANK is replaced" in run("set", "BANK", stdin=VALUE)
    assert "BANK" in run("list")
    assert '"changed_by"' in run("list", "--json")
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "data" / "secrets_key").stat().st_mode) == 0o600


def test_deleting_wants_a_reason(run):
    run("set", "BANK", stdin=VALUE)
    assert "reason" in run("delete", "BANK", code=1)
    assert "BANK is deleted" in run("delete", "BANK", "--reason", "closed account")
    assert "No secret is stored" in run("list")
    assert "'BANK'" in run("delete", "BANK", "--reason", "again", code=1)


def test_keys_are_changed(run, tmp_path):
    run("set", "BANK", stdin=VALUE)
    before = (tmp_path / "data" / "secrets_key").read_text()
    assert "1 secret is encrypted" in run("rotate")
    assert (tmp_path / "data" / "secrets_key").read_text().split()[0] not in before


@pytest.mark.parametrize(("arguments", "stdin", "words"), [
    (("set",), VALUE, "the NAME of a secret"), (("set", "a b"), VALUE, "'a b'"), (("set", "BANK"), "abc", "at least 4"),
    (("set", "BANK"), "", "at least 4"),
])
def test_what_cannot_be_stored_is_refused(run, arguments, stdin, words):
    assert words in run(*arguments, stdin=stdin, code=1)


def test_a_value_is_no_argument(run):
    assert CliRunner().invoke(commands, ["secrets", "set", "BANK", VALUE]).exit_code == 2


def test_a_bad_key_of_the_environment_is_refused(run, monkeypatch):
    monkeypatch.setenv("PARTITUR_SECRETS_KEY", "not-a-key")
    output = run("list", code=1)
    assert "32 bytes" in output
    assert "not-a-key" not in output


@pytest.mark.parametrize(("allow", "words"), [("http://host", "PARTITUR_HTTP_ALLOW")])
def test_a_bad_list_of_hosts_is_refused(tmp_path, allow, words):
    diagram = tmp_path / "x.bpmn"
    diagram.write_text("<x/>")
    found = subprocess.run([sys.executable, "-m", "web.cli", "check", str(diagram)], capture_output=True, text=True,
                           env={**os.environ, "PARTITUR_HTTP_ALLOW": allow}, check=False)
    assert found.returncode == 1
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_the_connector_can_be_switched_off(run, monkeypatch):
    from web.cli.services import Services

    for word, served in (("on", True), ("off", False)):
        monkeypatch.setenv("PARTITUR_HTTP_CONNECTOR", word)
        services = Services()
        services.load()
        assert ("io.camunda:http-json:1" in services.registry) is served
        assert services.count == "no services"


def test_the_page_takes_a_value_and_never_shows_it(console, engine):
    assert console.post("/secrets", {"name": "BANK", "value": VALUE}).status_code == 303
    assert secrets.reveal(engine, ["BANK"]) == {"BANK": VALUE}
    page = console.text("/secrets")
    assert "BANK" in page
    assert VALUE not in page
    [entry] = lists.audit(engine, operation="CREATE").items
    assert (entry.entity, entry.actor, entry.details) == ("SECRET", "operator", {"name": "BANK"})
    assert VALUE not in console.text("/audit")


@pytest.mark.parametrize("form", [{"name": "", "value": VALUE}, {"name": "a b", "value": VALUE}, {"name": "BANK"},
                                  {"name": "<img src=x>", "value": VALUE}])
def test_a_form_that_says_nothing_is_refused(console, engine, form):
    response = console.post("/secrets", form)
    assert response.status_code == 422
    assert VALUE not in response.text
    assert "<img src" not in response.text
    assert secrets.all_of_them(engine) == ()


def test_deleting_in_the_console_wants_a_reason(console, engine):
    console.post("/secrets", {"name": "BANK", "value": VALUE})
    assert console.post("/secrets/deletion", {"name": "BANK"}).status_code == 422
    assert console.post("/secrets/deletion", {"name": "BANK", "reason": "closed"}).status_code == 303
    assert secrets.all_of_them(engine) == ()
    assert console.post("/secrets/deletion", {"name": "BANK", "reason": "again"}).status_code == 404


def test_forms_of_other_sites_change_nothing(app, engine):
    assert app.test_client().post("/secrets", data={"name": "BANK", "value": VALUE}).status_code == 400
    assert secrets.all_of_them(engine) == ()


@pytest.mark.browser
def test_a_secret_is_stored_replaced_and_deleted_in_the_browser(open_page, engine):
    # given
    page = open_page("/services")
    page.get_by_role("link", name="Secrets").click()
    page.wait_for_url("**/secrets")
    assert "No secret is stored" in page.locator("main").inner_text()

    # when one is stored
    page.get_by_role("button", name="Store a secret").click()
    dialog = page.locator("#set-secret")
    dialog.get_by_label("Name").fill("BANK")
    dialog.get_by_label("Value").fill(VALUE)
    dialog.get_by_role("button", name="Store").click()

    # then it is listed without its value
    page.get_by_role("button", name="Replace BANK").wait_for()
    assert VALUE not in page.content()
    assert secrets.reveal(engine, ["BANK"]) == {"BANK": VALUE}

    # when it is replaced, by something too short at first
    page.get_by_role("button", name="Replace BANK").click()
    assert dialog.get_by_label("Name").input_value() == "BANK"
    assert dialog.get_by_label("Value").input_value() == ""
    dialog.get_by_label("Value").fill("another value")
    dialog.get_by_role("button", name="Store").click()
    page.locator("#toasts", has_text="BANK is replaced").wait_for()
    assert secrets.reveal(engine, ["BANK"]) == {"BANK": "another value"}

    # when it is deleted
    page.get_by_role("button", name="Delete BANK").click()
    page.locator("#delete-secret textarea").fill("closed account")
    page.locator("#delete-secret").get_by_role("button", name="Delete").click()
    page.get_by_text("No secret is stored").wait_for()
    assert secrets.all_of_them(engine) == ()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_page_is_for_everybody(open_page, engine, scheme, width):
    for name in ("BANK", "A_VERY/LONG-NAME." * 8 + "X"):
        engine.execute(secrets.put, name, VALUE)
    page = open_page("/secrets", color_scheme=scheme, viewport={"width": width, "height": 800})
    assert axe.troubles(page) == []
    page.get_by_role("button", name="Store a secret").click()
    assert axe.troubles(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/dialog-{scheme}-{width}.png")
        visit(page, "/secrets")
        page.screenshot(path=f"{folder}/page-{scheme}-{width}.png")
