"""The pages of tasks without a browser: what is refused, where forms lead back to, and what is told."""

from __future__ import annotations

import re

import pytest

from engine import definitions, instances
from engine.queries import lists
from engine.tasks import user_tasks
from tests.engine import drawing


@pytest.fixture
def task(engine, story):
    story.deploy()
    return lists.user_tasks(engine, instance_key=story.start(business_id="A-1", variables={"amount": 3})).items[0].key


def test_list_says_what_is_wrong_with_its_address(console):
    for path, status, sentence in (
        ("/tasks?due=soon", 422, "one of overdue, today, week, none"),
        ("/tasks?sort=colour", 422, "Expected to sort by"),
        ("/tasks?priority_from=high", 422, "whole number"), ("/tasks?filter=99", 404, "yours or shared"),
        ("/tasks?filter=x", 422, "Expected"), ("/tasks?task=x", 422, "Expected"),
    ):
        assert sentence in console.text(path, status=status), path
    assert "There is no such task" in console.text("/tasks?task=99")
    assert "No task matches" in console.text("/tasks?q=nothing")


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org/tasks?", "/tasks@example.org", "javascript:x",
                                  "/tasks/../deployments/new"])
def test_forms_of_a_task_lead_nowhere_else(console, task, back):
    response = console.post(f"/tasks/{task}/claim", {"back": back})
    assert response.headers["Location"] == f"/tasks/{task}"
    response = console.post(f"/tasks/{task}/completion", {"list": back})
    assert response.headers["Location"] == "/tasks"


def test_forms_of_a_task_lead_back_to_its_list(console, task):
    back = f"/tasks?view=mine&task={task}"
    assert console.post(f"/tasks/{task}/claim", {"back": back}).headers["Location"] == back
    response = console.post(f"/tasks/{task}/completion", {"list": "/tasks?view=mine"})
    assert response.headers["Location"] == "/tasks?view=mine"


def test_draft_is_refused_in_words(console, app, task):
    for data, sentence in (({"content": "{"}, "the draft as JSON"), ({"content": "[1]"}, "JSON object"),
                           ({"content": "{}", "seen": '{"a": 1}'}, "fingerprint of &#39;a&#39;")):
        response = console.post(f"/tasks/{task}/draft", data)
        assert response.status_code == 422
        assert sentence in response.text
    assert console.post("/tasks/99/draft", {"content": "{}"}).status_code == 404
    assert console.post(f"/tasks/{task}/draft", {"content": '{"fields": {}}'}).json["kept_at"]
    assert app.test_client().post(f"/tasks/{task}/draft", data={"content": "{}"}).status_code == 400


def test_each_button_that_cannot_be_pressed_says_why(console, engine, task):
    def why(word):
        page = console.text(f"/tasks/{task}")
        found = re.search(rf'data-why="([^"]*)">(?:<svg.*?</svg>)?{word}</button>', page, re.DOTALL)
        return found and found[1]

    assert why("Claim") is None
    assert why("Delegate") == "Nobody has the task yet. Only who has a task can delegate it."
    engine.execute(user_tasks.claim, task, "bob")
    assert why("Claim") == "bob has the task. Assign it to yourself to take it over."
    assert why("Delegate") == "bob has the task. Only who has a task can delegate it."
    engine.execute(instances.suspend, lists.user_task(engine, task).instance_key, "Wait.")
    assert "It cannot be completed now. Its instance is suspended" in console.text(f"/tasks/{task}")


def test_groups_are_those_that_somebody_says_and_no_others(console):
    console.post("/actor", {"actor": "ada", "groups": " sales, ,law,sales," + ",".join(f"g{n}" for n in range(30))})
    page = console.text("/")
    shown = re.search(r'name="groups"[^>]*value="([^"]*)"', page)[1].split(", ")
    assert shown == ["sales", "law", *(f"g{n}" for n in range(18))]


def test_story_of_a_job_based_task_tells_of_the_task_alone(console, engine):
    review = drawing.user("review", 'assignee="ada"').replace("<zeebe:userTask/>", "")
    drawn = drawing.file(drawing.process("old", drawing.start(), review, drawing.end()))
    engine.execute(definitions.deploy, [drawn])
    key = engine.execute(instances.start, "old").key
    page = console.text(f"/instances/{key}")
    assert "waits for ada" in page
    assert "waits for a worker" not in page
