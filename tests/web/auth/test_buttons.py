"""What somebody may not do cannot be pressed in the console, and says why."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser

import pytest

from engine.engine import Engine
from engine.schema import DEFAULT_TENANT
from tests.web.auth.herds import Grant, clients, herds
from tests.web.every import Read
from web.auth.authorizing import has
from web.auth.identity import Identity
from web.auth.roles import Role
from web.auth.rules import RULES

PEOPLE = {
    "viewer": [Grant(role=Role.VIEWER)],
    "operator": [Grant(role=Role.OPERATOR)],
    "mixed": [Grant(role=Role.VIEWER), Grant(role=Role.OPERATOR, definitions=("zebra*",))],
    "admin": [Grant(role=Role.ADMIN)],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory, sqlite_template):
    """The application, its clients, and two herds."""
    path = tmp_path_factory.mktemp("buttons")
    shutil.copy(sqlite_template, path / "partitur.db")
    engine = Engine(f"sqlite:///{path}/partitur.db", synchronous="OFF")
    made = herds(engine, ("lion", DEFAULT_TENANT), ("zebra", DEFAULT_TENANT))
    app, people = clients(engine, path / "users.json", PEOPLE)
    yield app, people, *made
    engine.close()


class Forms(HTMLParser):
    """Which buttons send each form that posts, and whether they can be pressed."""

    def __init__(self, html):
        super().__init__()
        self.buttons, self._form = [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self._form = given.get("action") if given.get("method") == "post" else None
        elif tag == "button" and given.get("type", "submit") == "submit" and self._form:
            self.buttons.append((self._form, "disabled" in given, given.get("title")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None


def pages(lion):
    return ["/", "/instances", f"/instances/{lion.instance}", f"/instances/{lion.failed}?tab=incidents",
            "/processes/lion-work", f"/tasks/{lion.task}", "/messages", "/services", "/tasks", "/operations",
            f"/operations/{lion.plan}", "/decisions/lion-decision", f"/incidents/{lion.incident}"]


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_each_button_can_be_pressed_if_and_only_if_its_address_may_be_used(world, who):
    app, people, lion, _zebra = world
    identity, locked, free = Identity(who, (), tuple(PEOPLE[who])), 0, 0
    for page in pages(lion):
        answer = people[who].get(page)
        assert answer.status_code == 200, page
        for address, disabled, title in Forms(answer.text).buttons:
            endpoint, _ = app.url_map.bind("localhost").match(address.partition("?")[0], method="POST")
            if has(identity, RULES[endpoint]) if endpoint in RULES else True:
                free += not disabled
            else:
                assert disabled, (page, address)
                assert title.startswith(("You may not", "Only those")), (page, address)
                locked += 1
    assert (locked > 2) == (who == "viewer")
    assert free > 2


def test_what_leads_to_a_page_one_may_not_see_is_no_link(world):
    client, lion = world[1]["viewer"], world[2]
    html = client.get(f"/instances/{lion.instance}").text
    locked = [given for tag, given in Read(html).elements if tag == "a" and given.get("aria-disabled")]
    assert locked
    assert all("href" not in given and given["title"].startswith("You may not") for given in locked)


def test_what_opens_a_dialog_that_could_not_be_sent_is_locked_too(world):
    html = world[1]["viewer"].get(f"/instances/{world[2].failed}?tab=incidents").text
    openers = [given for tag, given in Read(html).elements if tag == "button" and "data-dialog" in given]
    assert {given["data-dialog"] for given in openers if "disabled" in given} >= {"retry", "suspend", "cancel"}
    assert all("title" in given for given in openers if "disabled" in given)


def test_a_permission_for_another_process_leaves_buttons_locked_there_only(world):
    client, lion, zebra = world[1]["mixed"], world[2], world[3]
    for herd, expected in ((lion, True), (zebra, False)):
        html = client.get(f"/instances/{herd.instance}").text
        found = {address: disabled for address, disabled, _ in Forms(html).buttons}
        assert found[f"/instances/{herd.instance}/suspension"] is expected
        assert client.post(f"/instances/{herd.instance}/suspension").status_code == (403 if expected else 400)


def test_the_pages_of_who_may_everything_are_as_they_are(world):
    client, lion = world[1]["admin"], world[2]
    assert "You may not" not in client.get(f"/instances/{lion.instance}").text
