"""The list of instances as a file."""

from __future__ import annotations

import csv
import io
import json
import os
import re

import pytest

from tests.web.axe import ALL, AXE
from tests.web.browsing import settle


def test_file_has_exactly_what_the_list_has(console, story):
    # given
    story.deploy()
    for number in range(60):
        story.start(business_id=f"order-{number:02}", variables={"even": number % 2 == 0})

    # when the list's own links are followed, from its second page
    html = console.text("/instances?variable=even&value=true&sort=business_id&offset=50")
    links = dict(re.findall(r'href="([^"]+)" download>(CSV|JSON)', html)[i][::-1] for i in (0, 1))
    table = list(csv.DictReader(io.StringIO(console.text(links["CSV"].replace("&amp;", "&")))))
    objects = json.loads(console.text(links["JSON"].replace("&amp;", "&")))

    # then
    wanted = [f"order-{number:02}" for number in range(0, 60, 2)]
    assert [row["business_id"] for row in table] == [each["business_id"] for each in objects] == wanted
    assert table[0]["states"] == "waiting"
    assert objects[0]["states"] == ["waiting"]
    assert objects[0]["started_at"].endswith("Z")


def test_a_spreadsheet_runs_nothing_of_what_somebody_wrote(console, story):
    story.deploy()
    for text in ("=1+1", "@SUM(A1)", 'a,"b"\n<script>'):
        story.start(business_id=text)
    response = console.get("/instances.csv?sort=key")
    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    found = [row["business_id"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]
    assert found == ["'=1+1", "'@SUM(A1)", 'a,"b"\n<script>']


def test_other_forms_and_filters_are_refused_with_a_sentence(console):
    assert "Expected csv or json" in console.text("/instances.xml", status=422)
    assert "Expected" in console.text("/instances.csv?state=lost", status=422)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_list_in_a_browser(open_page, failed_instance, width, scheme):
    page = open_page("/instances?state=incident", viewport={"width": width, "height": 900}, color_scheme=scheme,
                     bypass_csp=True)
    settle(page)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(ALL)
    assert [violation["id"] for violation in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "instances.csv"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/list-{width}-{scheme}.png", full_page=True)
