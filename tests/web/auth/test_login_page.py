"""The page on which people log in, in a real browser."""

from __future__ import annotations

import pytest

from tests.web.auth.conftest import PASSWORD
from tests.web.axe import troubles

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_people_come_in_by_keyboard_and_go_on_where_they_were(open_page, scheme, width):
    # given somebody who wanted to go to a page
    page = open_page("/instances?state=active", color_scheme=scheme, viewport={"width": width, "height": 800})
    assert page.locator("#name, [name=name]").first.evaluate("field => field === document.activeElement")
    assert troubles(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    # when the password is wrong
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")

    # then a sentence says so, and nothing that was typed is in the address
    page.get_by_role("alert").wait_for()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    assert "wrong" not in page.url
    assert troubles(page) == []

    # when it is right
    page.locator("[name=name]").fill("ann")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")

    # then the page is there
    page.wait_for_url("**/instances?state=active")
    assert troubles(page) == []
