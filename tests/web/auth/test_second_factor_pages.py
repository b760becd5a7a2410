"""The pages of the second factor in a real browser: set up, log in, run low, in both themes and widths."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine import second_factors
from engine.keyring import Keyring
from tests.engine.factors import Phone
from tests.web.auth.conftest import PASSWORD
from tests.web.axe import troubles
from web.auth import recovery, secrets

pytestmark = pytest.mark.browser


@pytest.fixture
def engine(engine, tmp_path, monkeypatch):
    engine.keyring = Keyring(path=tmp_path / "keys")
    monkeypatch.setattr(secrets, "_MEMORY", 64)
    return engine


@pytest.mark.parametrize(("width", "scheme", "locale"), [(1280, "light", "en-GB"), (360, "dark", "de-DE")])
def test_people_set_up_a_phone_and_come_in_with_its_codes(open_page, engine, clock, width, scheme, locale):
    page = open_page("/second-factor", color_scheme=scheme, viewport={"width": width, "height": 800}, locale=locale)

    def arrive(path):
        page.wait_for_url(re.compile(r"https?://[^/]+" + re.escape(path)))

    def look(name):
        assert troubles(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if shots := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(shots) / f"{name}.{scheme}.{width}.png", full_page=True)

    def log_in():
        page.locator("[name=name]").fill("ann")
        page.locator("[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")

    # given somebody with a password
    log_in()
    arrive("/second-factor")
    look("none")
    page.locator("[data-dialog=set-up]").first.click()
    look("set-up-dialog")
    page.locator("#set-up-current").fill(PASSWORD)
    page.keyboard.press("Enter")

    # when the phone reads the picture, and its code is typed
    picture = page.locator("svg.qr")
    picture.wait_for()
    assert picture.bounding_box()["width"] >= 150
    look("picture")
    phone = Phone(engine, page.locator(".secret-text").inner_text().replace(" ", ""))
    page.locator("#code").fill(phone.code())
    page.keyboard.press("Enter")

    # then there are recovery codes, once
    page.locator(".recovery-codes").wait_for()
    codes = page.locator(".recovery-codes li").all_inner_texts()
    assert len(codes) == 10
    assert all(re.fullmatch(r"\w{5}-\w{5}", code) for code in codes)
    look("recovery-codes")
    page.locator("a.primary").click()
    arrive("/second-factor")
    look("active")

    # when the person comes in again, by keyboard only
    page.context.clear_cookies()
    page.goto(page.url.replace("/second-factor", "/instances?state=active"))
    log_in()
    arrive("/login/second-factor")
    assert page.evaluate("document.activeElement.id") == "code"
    look("code")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    look("wrong-code")
    clock.advance(seconds=30)
    page.keyboard.type(phone.code())
    page.keyboard.press("Enter")
    arrive("/instances?state=active")

    # and without the phone, when few codes are left
    salt = second_factors.salt(engine, "ann")
    for code in codes[:7]:
        assert engine.execute(second_factors.recover, "ann", recovery.digest(code, salt))
    page.context.clear_cookies()
    page.goto(page.url.split("/instances")[0] + "/instances")
    log_in()
    page.locator("summary").click()
    look("without-phone")
    page.locator("#recovery").fill(codes[7])
    page.keyboard.press("Enter")
    arrive("/instances")
    assert "2" in page.locator("#toasts").inner_text()
    page.goto(page.url.replace("/instances", "/second-factor"))
    page.locator("[data-dialog=remove-factor]").click()
    look("removal")
    # and after a while it is asked who it is
    page.goto(page.url.replace("/second-factor", "/sessions/confirmation"))
    look("confirmation")
