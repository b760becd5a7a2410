"""Before a deployment: what differs, what it means for live instances, and that exactly this is deployed."""

from __future__ import annotations

import html
import io
import json
import re

from engine.queries import definitions as known
from engine.queries import instance as read
from tests.web.conftest import HOSTILE, model
from tests.web.test_changing_pages import deploy, renamed


def send(console, path, *files):
    return console.post(path, {"files": [(io.BytesIO(content), name) for name, content in files]},
                        content_type="multipart/form-data")


def review(console, *files):
    response = send(console, "/deployments/review", *files)
    assert response.status_code == 200, response.text
    return response.text


def carried(page):
    """What the form of the page carries along."""
    form = page[page.index('action="/deployments/reviewed"'):]
    found = {}
    for name, value in re.findall(r'<input type="hidden" name="(name|content|seen)" value="([^"]*)"', form):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def marks(page, id):
    return json.loads(html.unescape(re.search(rf'<bpmn-diagram id="{id}".*?marks="([^"]*)"', page, re.S)[1]))


def test_the_difference_is_coloured_on_both_diagrams_and_told_in_words(console, engine, story):
    # given
    story.deploy()

    # when
    changed = renamed(check="look").replace(b'type="charge-card"', b'type="debit-card"')
    page = review(console, ("review.bpmn", changed))

    # then
    assert "Version 1 → 2" in page
    assert "New: Check the order (user task)" in page
    assert "Gone: Check the order (user task)" in page
    assert "Changed: Charge the card (service task) – the service it calls, or its attempts" in page
    assert marks(page, "old-1")["elements"]["check"]["classes"] == ["removed"]
    assert marks(page, "new-1")["elements"]["look"]["classes"] == ["added"]
    assert marks(page, "new-1")["elements"]["charge"]["classes"] == ["changed"]
    assert len(known.versions(engine, "review")) == 1


def test_live_instances_that_could_not_be_migrated_are_told_with_the_reason(console, engine, story):
    # given two that wait for a person
    story.deploy()
    for _ in range(2):
        story.start()

    # when the new version has nothing for them
    gone = model("review.bpmn").replace(b"userTask", b"manualTask").replace(b"<zeebe:userTask />", b"")
    gone = re.sub(rb"<zeebe:(userTask|assignmentDefinition|manualTask)[^>]*/>", b"", gone)
    page = review(console, ("review.bpmn", gone))

    # then
    assert "2 live instances are in older versions." in page
    assert "0 could be migrated to the new one, 2 could not" in page
    assert "Expected the counterpart of" in page

    # and when it has
    page = review(console, ("review.bpmn", renamed(charge="debit")))
    assert "All of them could be migrated to the new one." in page


def test_exactly_what_was_looked_at_is_deployed(console, engine, story):
    story.deploy()
    content = renamed(check="look")
    response = console.post("/deployments/reviewed", carried(review(console, ("review.bpmn", content))))
    assert response.status_code == 303
    newest = known.versions(engine, "review")[0]
    assert newest.version == 2
    assert known.content(engine, newest.key) == content


def test_it_is_refused_if_another_version_came_in_between(console, engine, story):
    story.deploy()
    form = carried(review(console, ("review.bpmn", renamed(check="look"))))
    deploy(engine, renamed(check="inspect"))
    response = console.post("/deployments/reviewed", form)
    assert response.status_code == 409
    assert "it is version 2 now" in response.text
    assert len(known.versions(engine, "review")) == 2


def test_files_that_were_changed_on_the_way_are_refused(console, engine, story):
    form = carried(review(console, ("review.bpmn", model("review.bpmn"))))
    for broken in ({**form, "content": ["%%%"]}, {**form, "content": []}, {**form, "name": []}):
        response = console.post("/deployments/reviewed", broken)
        assert response.status_code == 422
        assert "Choose them again" in html.unescape(response.text).replace("\n", " ")
    assert known.versions(engine, "review") == ()


def test_a_new_process_has_nothing_to_compare_with(console):
    page = review(console, ("review.bpmn", model("review.bpmn")))
    assert "New process" in page
    assert 'id="old-1"' not in page


def test_files_that_are_deployed_already_cannot_be_deployed_again(console, story):
    story.deploy()
    page = review(console, ("review.bpmn", model("review.bpmn")))
    assert "unchanged: it stays version 1" in page
    assert re.search(r'class="button primary" disabled', page)


def test_a_file_that_cannot_run_is_refused_as_on_deployment(console, engine):
    response = send(console, "/deployments/review", ("broken.bpmn", model("broken.bpmn")))
    assert response.status_code == 422
    assert "Nothing was deployed: 2 problems" in response.text
    assert send(console, "/deployments/review").status_code == 422


def test_decisions_and_forms_are_named(console):
    page = review(console, ("pricing.dmn", model("pricing.dmn")))
    assert "pricing.dmn" in page
    assert not re.search(r'class="button primary" disabled', page)


def test_names_of_a_diagram_stay_text(console, story):
    story.deploy()
    evil = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").encode()
    content = model("review.bpmn").replace(b'name="Check the order"', b'name="%s"' % evil)
    page = review(console, ("review.bpmn", content))
    assert "<img" not in page
    assert "<script>document" not in page


# The page of a process

def test_new_starts_are_paused_and_resumed_with_a_reason(console, engine, story):
    # given
    definition = story.deploy()
    assert console.post(f"/definitions/{definition.key}/pause").status_code == 422

    # when
    assert console.post(f"/definitions/{definition.key}/pause", {"reason": "The bank is down."}).status_code == 303

    # then
    page = console.text("/processes/review")
    assert "New starts are paused." in page
    assert "The bank is down." in page
    assert "New starts are paused" in console.text("/processes")
    refused = console.post(f"/definitions/{definition.key}/instances", {"variables": "{}"})
    assert refused.status_code == 409
    assert "The bank is down." in html.unescape(refused.text)

    # when
    assert console.post(f"/definitions/{definition.key}/resumption", {"reason": "It is back."}).status_code == 303

    # then
    assert "New starts are paused." not in console.text("/processes/review")
    assert read.get(engine, story.start()).version == 1


def test_older_versions_with_live_instances_lead_to_the_migration(console, engine, story):
    first = story.deploy()
    story.start()
    deploy(engine, renamed(check="look"))
    page = console.text("/processes/review")
    assert "1 live instance is still in version 1." in page
    assert f"/migrate?from={first.key}" in page


def test_what_a_process_needs_and_who_calls_it_is_told(console, story):
    story.deploy()
    page = console.text("/processes/review")
    assert "charge-card" in page[page.index("What depends on what"):]
    story.deploy("calls.bpmn")
    assert "Processes that it calls" in console.text("/processes/" + re.search(r"/processes/(?!review)([\w-]+)",
                                                                                 console.text("/processes"))[1])


def test_what_is_deployed_as_next_version_is_looked_at_first(console, engine, story):
    # given a process that is deployed, by a page that showed nothing because there was nothing to compare
    answer = send(console, "/deployments", ("review.bpmn", model("review.bpmn")))
    assert answer.status_code == 303

    # when a changed file is deployed
    page = send(console, "/deployments", ("review.bpmn", renamed(check="look")))

    # then nothing is, until its difference was seen
    assert "Version 1 → 2" in page.text
    assert len(known.versions(engine, "review")) == 1
    assert console.post("/deployments/reviewed", carried(page.text)).status_code == 303
    assert [each.version for each in known.versions(engine, "review")] == [2, 1]
    # and the same file again is no next version
    assert send(console, "/deployments", ("review.bpmn", renamed(check="look"))).status_code == 303
