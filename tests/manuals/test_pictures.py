"""The pictures of the manuals, taken of the running console in a fixed state at a fixed size.

`make pictures` (PICTURES=docs/pictures) keeps them; every other run only looks whether each page still shows what its
picture shows.
"""

from __future__ import annotations

import base64
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.manuals.reading import DOCS, MANUALS, ROOT, prose
from tests.web.browsing import settle
from tests.web.conftest import served
from web.app import create_app

SIZE = {"width": 1280, "height": 760}
LARGEST = 80_000
SMALLER = """async picture => {
    const drawn = await createImageBitmap(await (await fetch('data:image/png;base64,' + picture)).blob());
    const canvas = new OffscreenCanvas(drawn.width, drawn.height);
    canvas.getContext('2d').drawImage(drawn, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({type: 'image/webp', quality: 0.8})).arrayBuffer());
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}"""
"""Makes a WebP of a PNG, which is half as large."""


@pytest.fixture
def furnished(engine, clock):
    """The holiday of the analyst's first hour: two requests wait, one is booked, one failed. What addresses need."""
    # Pages say how long ago something was by the real time.
    clock.now = datetime.now(UTC) - timedelta(minutes=40)
    content = (ROOT / "examples" / "first-hour" / "holiday.bpmn").read_bytes()
    engine.execute(definitions.deploy, [Resource(name="holiday.bpmn", content=content)])
    keys = {}
    for name, days in (("ada", 5), ("grace", 3), ("mary", 12), ("jean", 40)):
        keys[name] = engine.execute(instances.start, "holiday", business_id=f"{name}-1",
                                    variables={"name": name.title(), "days": days}).key
        clock.advance(minutes=7)
    for name in ("mary", "jean"):
        engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=keys[name]).items[0].key,
                       {"granted": True})
        [job] = engine.execute(activation.activate, ["book-holiday"], worker="calendar")
        if name == "mary":
            engine.execute(jobs.complete, job.key, {"bookingId": "H-12"}, lock_token=job.lock_token)
        else:
            engine.execute(jobs.fail, job.key, "Expected at most 30 days, but they are 40.", retries=0,
                           lock_token=job.lock_token)
    return keys


def shown(keys):
    """Each picture: its address, and what its page says."""
    return {
        "home": ("/", ("In flight", "Failed", "Failures by reason")),
        "diagram": ("/processes/holiday", ("Holiday request", "Decide on the holiday")),
        "instance": (f"/instances/{keys['ada']}", ("ada-1", "Decide on the holiday")),
        "incident": (f"/instances/{keys['jean']}?tab=incidents", ("jean-1", "at most 30 days, but they are 40")),
        "tasks": ("/tasks", ("Decide on the holiday", "managers")),
    }


@pytest.mark.browser
def test_every_picture_is_of_a_page_that_still_shows_it(engine, browser, furnished, tmp_path):
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    with served(create_app(engine, secret_key="test")) as address:
        context = browser.new_context(viewport=SIZE, color_scheme="light", locale="en", reduced_motion="reduce")
        smaller = context.new_page()
        for name, (path, words) in shown(furnished).items():
            page = context.new_page()
            page.goto(address + path)
            settle(page)
            text = page.locator("main").inner_text()
            assert all(word.lower() in text.lower() for word in words), (name, words, text)
            taken = base64.b64encode(page.screenshot()).decode()
            page.close()
            (folder / f"{name}.webp").write_bytes(base64.b64decode(smaller.evaluate(SMALLER, taken)))
        context.close()


def test_every_picture_of_the_manuals_is_there_small_and_of_one_size():
    named = {DOCS / found for path in MANUALS for found in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", prose(path))}
    assert {path.stem for path in named} == set(shown(dict.fromkeys(("ada", "jean"))))
    assert named == set((DOCS / "pictures").iterdir())
    for path in named:
        content = path.read_bytes()
        assert len(content) < LARGEST, path
        assert content[8:16] == b"WEBPVP8X", path
        width, height = (int.from_bytes(content[at:at + 3], "little") + 1 for at in (24, 27))
        assert (width, height) == (SIZE["width"], SIZE["height"]), path
