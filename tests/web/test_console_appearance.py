"""The console in a real browser: for everybody, on every screen, whatever a model or a variable contains."""

from __future__ import annotations

import pytest

from tests.web import axe
from tests.web.browsing import diagram, every_page, shape, views, visit
from tests.web.conftest import MODELS

pytestmark = pytest.mark.browser



def test_untrusted_text_never_becomes_markup(open_page, engine, story, failed_instance):
    page = open_page("/")
    page.on("dialog", lambda dialog: pytest.fail("A script of somebody else ran."))
    for path in (*views(engine), "/instances?error=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"):
        visit(page, path)
        assert page.locator("img").count() == 0, path
        assert "broken in" not in page.title(), path


def test_names_in_a_diagram_never_become_markup(open_page):
    # given a model whose labels are HTML
    page = open_page("/deployments/new")

    # when
    page.set_input_files("input[type=file]", MODELS / "broken.bpmn")
    page.get_by_role("button", name="Deploy").click()

    # then
    diagram(page)
    assert "Bad FEEL" in shape(page, "guess").text_content()
    assert page.locator("bpmn-diagram img").count() == 0


def test_a_diagram_with_endless_names_is_drawn(open_page):
    # given
    page = open_page("/deployments/new")
    content = (MODELS / "broken.bpmn").read_text().replace('name="Bad FEEL', f'name="Bad FEEL{"x" * 100_000}')

    # when
    page.set_input_files("input[type=file]", {
        "name": "long.bpmn", "mimeType": "application/xml", "buffer": content.encode(),
    })
    page.get_by_role("button", name="Deploy").click()

    # then
    diagram(page)
    assert shape(page, "guess").text_content().startswith("Bad FEEL")


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_mode_follows_the_system_and_the_switch_and_is_remembered(open_page):
    # given
    light = background(open_page("/", color_scheme="light"))
    page = open_page("/", color_scheme="dark")
    dark = background(page)
    assert dark != light

    # when
    page.get_by_role("button", name="Switch between light and dark").click()
    assert background(page) == light
    page.reload()

    # then the server knows it from the first byte
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert background(page) == light


def test_diagram_is_readable_in_dark_mode(open_page, failed_instance):
    page = open_page(f"/instances/{failed_instance}", color_scheme="dark")
    diagram(page)
    stroke = shape(page, "done").locator("circle").first.evaluate("it => getComputedStyle(it).stroke")
    paper = page.locator("bpmn-diagram").evaluate("it => getComputedStyle(it).backgroundColor")
    assert luminance(stroke) - luminance(paper) > 100


def luminance(colour):
    red, green, blue = (int(part) for part in colour[colour.index("(") + 1:-1].split(",")[:3])
    return 0.2 * red + 0.7 * green + 0.1 * blue


def test_pages_fit_a_phone_a_tablet_and_a_small_screen(open_page, engine, failed_instance):
    page = open_page("/")
    for path in every_page(engine, failed_instance):
        visit(page, path)
        for width in (360, 800, 1000):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_no_page_is_cut_off_the_navigation(open_page, locale):
    page = open_page("/audit", locale=locale)
    for width in (800, 1000, 1120, 1280, 1440, 1600, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.locator(".nav").evaluate("nav => nav.scrollWidth <= nav.clientWidth"), width
        assert page.locator(".find").bounding_box()["width"] > 120, width

    # and where it is moved with the thumb, one sees where one is
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    here = page.locator(".nav [aria-current]").bounding_box()
    assert here["x"] + here["width"] <= 360.5


@pytest.mark.parametrize("width", [360, 800, 1280, 1600])
def test_no_number_of_the_home_page_stands_alone_in_its_row(open_page, width):
    page = open_page("/", viewport={"width": width, "height": 740})
    tops = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.offsetTop)")
    assert len({tops.count(top) for top in tops}) == 1


def test_pages_meet_wcag_aa(open_page, engine, failed_instance):
    page = open_page("/")
    for path in views(engine):
        visit(page, path)
        assert axe.troubles(page) == [], path


def test_keyboard_reaches_the_content_the_navigation_and_a_dialog(open_page, failed_instance):
    # given
    page = open_page(f"/instances/{failed_instance}")

    # when
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Suspend").focus()
    page.keyboard.press("Enter")

    # then the field for the reason has the focus, and Escape leads back
    assert page.locator(":focus").get_attribute("name") == "reason"
    page.keyboard.press("Escape")
    assert page.locator(":focus").inner_text() == "Suspend"


def test_key_is_copied(open_page, failed_instance):
    page = open_page(f"/instances/{failed_instance}", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".page-head .copy button").click()
    page.locator(".page-head .copy button[data-done]").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == str(failed_instance)


def test_times_are_relative_and_absolute_in_utc_or_local_time(open_page, failed_instance):
    page = open_page(f"/instances/{failed_instance}", timezone_id="America/New_York")
    moment = page.locator(".facts time").first
    assert moment.inner_text() in {"now"} or moment.inner_text().endswith("ago")
    assert moment.get_attribute("title").endswith("UTC")
    page.get_by_role("button", name="Times in UTC").click()
    assert moment.get_attribute("title").endswith("local time")
