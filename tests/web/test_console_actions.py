"""What people do in the console, sent as a browser sends it."""

from __future__ import annotations

import io
import re

import pytest

from engine import variables
from engine.queries import instance as read
from engine.queries import instances as search
from engine.queries import lists
from engine.queries.instances import InstanceFilter
from tests.web.conftest import model


@pytest.fixture
def waiting(engine, story):
    """An instance that waits at its user task, and the key of the task."""
    story.deploy()
    key = story.start(business_id="order-1", variables={"amount": 10, "note": "fragile", "gift": False})
    return key, lists.user_tasks(engine, instance_key=key).items[0].key


@pytest.fixture
def failed(engine, story, console, waiting):
    """An instance whose job failed for good, and the key of the incident."""
    key, task = waiting
    console.post(f"/tasks/{task}/completion")
    story.fail_job()
    return key, lists.incidents(engine, instance_key=key).items[0].key


def upload(console, *files):
    return console.post("/deployments", {"files": [(io.BytesIO(content), name) for name, content in files]},
                        content_type="multipart/form-data")


def last_act(engine, key):
    return lists.audit(engine, instance_key=key, limit=1).items[0]


def test_uploaded_file_is_deployed_and_its_process_shown(console):
    response = upload(console, ("review.bpmn", model("review.bpmn")))
    assert response.headers["Location"] == "/processes/review?version=1"
    assert "Deployed Order review version 1." in console.text("/processes/review")


def test_same_file_again_makes_no_new_version(console):
    upload(console, ("review.bpmn", model("review.bpmn")))
    upload(console, ("review.bpmn", model("review.bpmn")))
    assert "Unchanged: Order review version 1." in console.text("/processes/review")


def test_refused_upload_names_every_problem_of_every_file_and_deploys_nothing(console):
    # when
    response = upload(console, ("review.bpmn", model("review.bpmn")), ("broken.bpmn", model("broken.bpmn")),
                      ("text.bpmn", b"no XML at all"))

    # then
    assert response.status_code == 422
    assert "Nothing was deployed: 3 problems" in response.text
    assert "No job type · nameless" in response.text
    assert "Bad FEEL &lt;img src=x onerror=alert(1)&gt; · guess" in response.text
    assert "text.bpmn" in response.text
    assert '"nameless": {"classes": ["failing"]}' in response.text.replace("&#34;", '"')
    assert "No process is deployed" in console.text("/processes")


def test_upload_with_warnings_is_deployed_and_shows_them(console):
    # given a task that no flow leads to
    lonely = b'<bpmn:task id="lonely" name="Nobody comes" /></bpmn:process>'

    # when
    response = upload(console, ("review.bpmn", model("review.bpmn").replace(b"</bpmn:process>", lonely)))

    # then
    assert response.status_code == 200
    assert "Deployed, with 1 warning." in response.text
    assert 'href="/processes/review?version=1"' in response.text
    assert "Nobody comes · lonely" in response.text
    assert '"lonely": {"classes": ["doubtful"]}' in response.text.replace("&#34;", '"')


def test_upload_with_warnings_is_refused_where_the_server_is_strict(console, engine):
    engine.strict = True
    lonely = b'<bpmn:task id="lonely" name="Nobody comes" /></bpmn:process>'
    response = upload(console, ("review.bpmn", model("review.bpmn").replace(b"</bpmn:process>", lonely)))
    assert response.status_code == 422
    assert "Nothing was deployed: 1 warning." in response.text
    assert "Warnings refuse a deployment here, too" in response.text
    assert "Nobody comes · lonely" in response.text


def test_upload_without_a_file_is_refused(console):
    response = upload(console)
    assert response.status_code == 422
    assert "at least one file" in response.text


def test_instance_is_started_with_variables_and_business_id(console, engine, story):
    # given
    definition = story.deploy()

    # when
    response = console.post(f"/definitions/{definition.key}/instances",
                            {"business_id": "order-7", "variables": '{"amount": 12.5, "lines": [1, null]}'})

    # then
    key = int(response.headers["Location"].rsplit("/", 1)[1])
    assert read.get(engine, key).business_id == "order-7"
    assert read.variables(engine, key) == {"amount": 12.5, "lines": [1, None]}


@pytest.mark.parametrize("text", ["{amount: 1}", "[1]", "12"])
def test_instance_is_not_started_with_variables_that_are_no_json_object(console, engine, story, text):
    # given
    definition = story.deploy()

    # when
    response = console.post(f"/definitions/{definition.key}/instances", {"variables": text})

    # then
    assert response.status_code == 422
    assert "Expected the variables as" in response.text
    assert search.search(engine, InstanceFilter()).total == 0


@pytest.mark.parametrize(("action", "operation"), [
    ("suspension", "SUSPEND"), ("cancellation", "CANCEL"),
])
def test_action_needs_a_reason_and_is_audited_with_it(console, engine, waiting, action, operation):
    # given
    key, _ = waiting
    console.post("/actor", {"actor": "grace"})

    # when no reason is given
    refused = console.post(f"/instances/{key}/{action}", {"reason": "  "})

    # then nothing happens
    assert refused.status_code == 422
    assert "Expected a reason" in refused.text
    assert read.get(engine, key).status == "waiting"

    # when
    console.post(f"/instances/{key}/{action}", {"reason": "The customer called."})

    # then
    act = last_act(engine, key)
    assert (act.actor, act.operation, act.reason) == ("grace", operation, "The customer called.")
    assert "The customer called." in console.text(f"/instances/{key}?tab=audit")


def test_suspended_instance_is_resumed(console, engine, waiting):
    key, _ = waiting
    console.post(f"/instances/{key}/suspension", {"reason": "Wait."})
    console.post(f"/instances/{key}/resumption", {"reason": "Go on."})
    assert read.get(engine, key).status == "waiting"
    assert last_act(engine, key).reason == "Go on."


def test_retry_and_change_of_a_variable_need_a_reason_too(console, engine, failed):
    key, incident = failed
    for path, data in (
        (f"/instances/{key}/incidents/{incident}/resolution", {}),
        (f"/instances/{key}/retry", {}),
        (f"/instances/{key}/variables", {"name": "amount", "value": "3"}),
    ):
        assert console.post(path, data).status_code == 422
    assert lists.incidents(engine, instance_key=key).total == 1
    assert read.variables(engine, key)["amount"] == 10


def test_impossible_action_is_refused_with_the_sentence_of_the_engine(console, waiting):
    # given
    key, _ = waiting
    console.post(f"/instances/{key}/cancellation", {"reason": "Over."})

    # when
    response = console.post(f"/instances/{key}/suspension", {"reason": "Late."}, headers={"HX-Request": "true"})

    # then htmx gets the sentence alone
    assert response.status_code == 409
    assert "Expected" in response.text
    assert "<html" not in response.text


def test_retry_resolves_the_incident_and_puts_the_job_back(console, engine, story, failed):
    # given
    key, incident = failed

    # when
    console.post(f"/instances/{key}/incidents/{incident}/resolution", {"reason": "The bank is back.", "retries": "2"})

    # then
    assert lists.incidents(engine, instance_key=key).total == 0
    assert last_act(engine, key).reason == "The bank is back."
    assert story.take_job().instance_key == key


def test_retry_of_the_whole_instance_resolves_all_its_incidents(console, engine, failed):
    # given
    key, _ = failed

    # when
    console.post(f"/instances/{key}/retry", {"reason": "The bank is back."})
    again = console.post(f"/instances/{key}/retry", {"reason": "Once more."})

    # then
    assert lists.incidents(engine, instance_key=key).total == 0
    assert again.status_code == 409


def test_variable_is_set_with_a_reason(console, engine, waiting):
    # given
    key, _ = waiting

    # when
    console.post(f"/instances/{key}/variables", {"name": "amount", "value": '{"net": 8}', "scope": str(key),
                                                 "reason": "Typing error."})

    # then
    assert read.variables(engine, key)["amount"] == {"net": 8}
    assert last_act(engine, key).reason == "Typing error."


def test_task_is_claimed_given_back_and_refused_to_others(console, engine, waiting):
    _, task = waiting
    console.post("/actor", {"actor": "grace"})
    console.post(f"/tasks/{task}/claim")
    assert lists.user_task(engine, task).assignee == "grace"

    console.post("/actor", {"actor": "ada"})
    assert console.post(f"/tasks/{task}/claim").status_code == 409

    console.post(f"/tasks/{task}/return")
    assert lists.user_task(engine, task).assignee is None


def test_form_of_a_task_sends_only_what_was_changed(console, engine, waiting):
    # given
    key, task = waiting
    fields = {"type-amount": "number", "field-amount": "10", "type-note": "string", "field-note": "fragile\r\nheavy",
              "type-gift": "boolean", "field-gift": "true", "variables": '{"approved": true}'}

    # when
    console.post(f"/tasks/{task}/completion", fields)

    # then
    assert lists.user_task(engine, task).state == "COMPLETED"
    assert read.variables(engine, key) == {"amount": 10, "note": "fragile\nheavy", "gift": True, "approved": True}
    assert last_act(engine, key).details == {"variables": ["approved", "gift", "note"]}


def test_form_of_a_task_leaves_alone_what_changed_while_it_was_open(console, engine, waiting):
    # given a form that somebody opened
    key, task = waiting
    page = console.get(f"/tasks/{task}").text
    seen = dict(re.findall(r'name="(seen-\w+)" value="(\w+)"', page))
    fields = {"type-amount": "number", "field-amount": "10", "type-note": "string", "field-note": "heavy"}

    # when the amount changes, and then the form is sent with another note
    engine.execute(variables.set, key, {"amount": 99}, reason="It was miscounted.")
    console.post(f"/tasks/{task}/completion", {**seen, **fields})

    # then
    assert read.variables(engine, key) == {"amount": 99, "note": "heavy", "gift": False}


def test_task_is_not_completed_with_a_number_that_is_none(console, engine, waiting):
    _, task = waiting
    response = console.post(f"/tasks/{task}/completion", {"type-amount": "number", "field-amount": "ten"})
    assert response.status_code == 422
    assert "amount" in response.text
    assert lists.user_task(engine, task).state == "CREATED"


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_form_without_the_token_of_the_session_changes_nothing(app, engine, waiting, token):
    # given
    key, _ = waiting
    client = app.test_client()
    client.get("/deployments/new")

    # when
    data = {"reason": "From another site."} | ({} if token is None else {"csrf_token": token})
    response = client.post(f"/instances/{key}/cancellation", data=data)

    # then
    assert response.status_code == 400
    assert read.get(engine, key).status == "waiting"


def test_every_form_of_the_console_carries_the_token(console, failed):
    key, _ = failed
    for path in ("/", "/deployments/new", "/processes/review", f"/instances/{key}", "/tasks"):
        html = console.text(path)
        for form in html.split("<form")[1:]:
            inside = form.split("</form>")[0]
            assert 'method="post"' not in inside.split(">")[0] or 'name="csrf_token"' in inside


def test_every_changing_address_of_the_console_checks_the_token(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and rule.endpoint.startswith("console."):
            # One of the words that a part of the address may be, else a number.
            words = {name: next(iter(converter.items), 1) for name, converter in rule._converters.items()
                     if hasattr(converter, "items")}
            path = rule.build(dict.fromkeys(rule.arguments, 1) | words)[1]
            assert client.post(path).status_code == 400, path
