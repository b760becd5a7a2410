"""The pages that change where instances are: what they say, what they refuse, and the plan that comes of them."""

from __future__ import annotations

import html
import json
import re

import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.operations import carrying, plans
from engine.queries import instance as read
from engine.queries import lists, operations
from tests.engine import drawing
from tests.web.conftest import HOSTILE, model


def renamed(**names):
    """The next version of the model of these tests, with other ids."""
    text = model("review.bpmn").decode()
    for old, new in names.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text.encode()


def deploy(engine, content):
    return engine.execute(definitions.deploy, [Resource(name="review.bpmn", content=content)]).definitions[0]


def step(kind, element, source="", variables="", scope="", token=""):
    return {"kind": kind, "element": element, "source": source, "token": token, "variables": variables, "scope": scope}


def fields(*steps, **more):
    names = ("kind", "element", "source", "token", "variables", "scope")
    return {**{name: [each[name] for each in steps] for name in names},
            **more}


def planned(engine, response):
    """The plan that a page ended in."""
    assert response.status_code == 303, response.text
    return operations.operation(engine, int(response.location.rsplit("/", 1)[1]))


def carry_out(engine, key):
    """Let it be done; what comes of it later is not waited for."""
    while operations.operation(engine, key).state == "PLANNING":
        carrying.work(engine)
    engine.execute(plans.apply, key, "Because the test says so.", consent=True)
    while operations.operation(engine, key).planned:
        carrying.work(engine)


def places(engine, key):
    return sorted(count.element_id for count in read.detail(engine, key).tokens)


# Modify

def test_steps_are_collected_tried_and_become_a_plan_that_moves_the_token(console, engine, story):
    # given
    story.deploy()
    key = story.start()

    # when
    page = console.post(f"/instances/{key}/modify", {"chosen": "charge", "do": "move:check"}).text

    # then nothing has happened, but it is told what would
    assert "Move the tokens of Check the order to Charge the card" in page
    assert "Goes from Check the order to Charge the card." in page
    assert places(engine, key) == ["check"]

    # when
    response = console.post(f"/instances/{key}/modify", fields(
        step("move", "charge", "check", '{"paid": 1}'), do="plan"))

    # then
    operation = planned(engine, response)
    assert (operation.kind, operation.total, operation.state) == ("MODIFY", 1, "PLANNED")
    assert places(engine, key) == ["check"]
    carry_out(engine, operation.key)
    assert places(engine, key) == ["charge"]
    assert read.variables(engine, key)["paid"] == 1


def test_one_of_several_tokens_at_an_element_is_moved_or_cancelled(console, engine):
    # given two tokens at one element, each in a sub-process of its own
    loop = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>'
            '<zeebe:loopCharacteristics inputCollection="=items" inputElement="x"/>'
            '</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>')
    each = (f'<bpmn:subProcess id="each" name="Each">{loop}'
            + drawing.inside(drawing.start("in"), drawing.user("look"), drawing.user("after"), drawing.end("out"))
            + "</bpmn:subProcess>")
    engine.execute(definitions.deploy, [drawing.file(drawing.process("p", drawing.start(), each, drawing.end()))])
    key = engine.execute(instances.start, "p", variables={"items": ["blue", "red", "grey"]}).key
    page = console.post(f"/instances/{key}/modify", {"chosen": "after", "do": "move:look"}).text
    tokens = re.findall(r'<option value="(\d+)">\d+, loopCounter = \d, x = (\w+)</option>', page)
    assert [colour for _token, colour in tokens] == ["blue", "red", "grey"]

    # when the second one is moved, and the third one cancelled
    [_blue, (red, _), (grey, _)] = tokens
    steps = (step("move", "after", "look", token=red), step("take", "look", token=grey))
    page = console.post(f"/instances/{key}/modify", fields(*steps)).text
    assert f"Moves one token of look to after: {red}." in page
    assert f"Takes one token of look: {grey}." in page
    operation = planned(engine, console.post(f"/instances/{key}/modify", fields(*steps, do="plan")))
    carry_out(engine, operation.key)

    # then the first one is where it was
    assert [at for at in places(engine, key) if at != "each"] == ["after", "look"]
    [left] = [row for row in lists.user_tasks(engine, instance_key=key).items
              if row.element_id == "look" and row.ended_at is None]
    assert str(left.element_instance_key) == tokens[0][0]


def test_a_step_is_removed_again(console, story):
    story.deploy()
    key = story.start()
    two = fields(step("put", "charge"), step("take", "check"))
    page = console.post(f"/instances/{key}/modify", {**two, "do": "drop:0"}).text
    assert "Add a token at" not in page
    assert "Cancel the tokens at Check the order" in page


def test_what_the_engine_refuses_is_said_and_cannot_be_planned(console, engine, story):
    story.deploy()
    key = story.start()
    page = console.post(f"/instances/{key}/modify", fields(step("put", "nowhere"))).text
    assert "nowhere" in page
    assert re.search(r'value="plan" disabled', page)

    # when it is sent all the same, it is a plan that says that it cannot be done
    operation = planned(engine, console.post(f"/instances/{key}/modify", fields(step("put", "nowhere"), do="plan")))
    carrying.work(engine)
    assert [item.state for item in operations.items(engine, operation.key).items] == ["BLOCKED"]


@pytest.mark.parametrize("text", ["{", "[1]", "7", '{"a": NaN'])
def test_variables_that_are_no_object_are_refused_with_a_sentence(console, engine, story, text):
    story.deploy()
    key = story.start()
    page = console.post(f"/instances/{key}/modify", fields(step("put", "charge", variables=text), do="plan"))
    assert page.status_code == 422
    assert "Expected the variables" in page.text
    assert operations.operations(engine).total == 0


def test_a_form_with_half_a_step_is_refused(console, story):
    story.deploy()
    key = story.start()
    response = console.post(f"/instances/{key}/modify", {"kind": "put", "do": "plan"})
    assert response.status_code == 422
    assert "some are missing" in response.text


def test_an_instance_that_has_ended_is_not_modified_but_restarted(console, engine, story):
    story.deploy()
    key = story.start()
    engine.execute(instances.cancel, key, "Not wanted.")
    page = console.text(f"/instances/{key}/modify")
    assert "This instance has ended" in page
    assert f"/instances/{key}/restart" in page


def test_effects_that_would_repeat_are_told_before(console, engine, story):
    # given an instance whose service may have done its work
    story.deploy()
    key = story.start()
    console.post(f"/instances/{key}/modify", {"chosen": "charge", "do": "move:check"})
    operation = planned(engine, console.post(f"/instances/{key}/modify", fields(
        step("move", "charge", "check"), do="plan")))
    carry_out(engine, operation.key)
    story.take_job()

    # when
    page = console.post(f"/instances/{key}/modify", {"chosen": "charge", "do": "put"}).text

    # then
    assert "What services did may happen once more" in page
    assert "charge-card, called by Charge the card" in page


# Restart

def test_an_ended_instance_starts_anew_from_an_element(console, engine, story):
    # given
    story.deploy()
    key = story.start(variables={"amount": 7}, business_id="order-1")
    engine.execute(instances.cancel, key, "A mistake.")
    assert "A new instance starts at" in console.text(f"/instances/{key}/restart")

    # when
    operation = planned(engine, console.post(f"/instances/{key}/restart", {
        "chosen": "charge", "variables": '{"note": "again"}', "do": "plan"}))
    carry_out(engine, operation.key)

    # then
    made = int(operations.items(engine, operation.key).items[0].result["made"])
    assert places(engine, made) == ["charge"]
    assert read.variables(engine, made) == {"amount": 7, "note": "again"}


def test_a_running_instance_needs_an_element_to_go_on_from(console, story):
    story.deploy()
    key = story.start()
    page = console.text(f"/instances/{key}/restart")
    assert "Choose the element from which it is to go on." in page
    assert re.search(r'value="plan" disabled', page)
    page = console.text(f"/instances/{key}/restart?element=charge")
    assert "Goes on from Charge the card" in page


def test_an_instance_starts_anew_in_another_version(console, engine, story):
    first = story.deploy()
    key = story.start()
    engine.execute(instances.cancel, key, "A mistake.")
    second = deploy(engine, renamed(charge="debit"))
    page = console.post(f"/instances/{key}/restart", {"chosen": "debit", "definition": str(second.key)}).text
    assert "starts at debit" in page
    operation = planned(engine, console.post(f"/instances/{key}/restart", {
        "chosen": "debit", "definition": str(second.key), "do": "plan"}))
    carry_out(engine, operation.key)
    made = int(operations.items(engine, operation.key).items[0].result["made"])
    assert read.get(engine, made).version == second.version == first.version + 1


def test_a_version_of_another_process_is_no_choice(console, engine, story):
    story.deploy()
    key = story.start()
    engine.execute(instances.cancel, key, "A mistake.")
    other = story.deploy("calls.bpmn")
    response = console.post(f"/instances/{key}/restart", {"definition": str(other.key)})
    assert response.status_code == 404


# Migrate

def test_a_rename_is_suggested_and_the_instances_go_on_in_the_new_version(console, engine, story):
    # given
    first = story.deploy()
    keys = [story.start() for _ in range(3)]
    second = deploy(engine, renamed(check="look"))

    # when
    page = console.text(f"/migrate?from={first.key}&to={second.key}")

    # then
    assert "3 live instances" in page
    assert "3 can be migrated with this mapping" in page
    assert "Probably renamed" in page
    assert "Gone: Check the order (user task)" in page

    # when
    operation = planned(engine, console.post("/migrate", {
        "from": first.key, "to": second.key, "mapped_to": second.key, "which": "all", "do": "plan",
        "variables": '{"moved": true}'}))
    assert operation.total == 3
    # both are called the same by people, so that their ids tell them apart
    assert "Goes from check to look." in operations.items(engine, operation.key).items[0].changes
    carry_out(engine, operation.key)
    assert operations.items(engine, operation.key).items[0].sentence in (None, "It is at Check the order.")

    # then
    assert [places(engine, key) for key in keys] == [["look"]] * 3
    assert {read.get(engine, key).version for key in keys} == {second.version}
    assert read.variables(engine, keys[0]) == {"moved": True}


def test_what_has_no_counterpart_is_red_until_somebody_maps_it(console, engine, story):
    # given a version in which nothing is like the task at which the instance waits
    first = story.deploy()
    key = story.start()
    content = renamed(check="look").replace(b'name="Check the order"', b'name="Look"').replace(
        b'<bpmn:userTask id="look"', b'<bpmn:userTask id="look"').replace(b"received", b"came")
    content = content.replace(b'id="charge"', b'id="debit"').replace(b'"charge"', b'"debit"')
    second = deploy(engine, content)
    address = {"from": first.key, "to": second.key, "mapped_to": second.key}

    # when
    page = console.text(f"/migrate?from={first.key}&to={second.key}")

    # then
    assert "1 cannot" in page
    assert "Expected a counterpart of" in page
    row = re.search(r'<tr data-state="incident">\s*<td data-label="Element">Check the order', page)
    assert row

    # when
    page = console.post("/migrate", {**address, "map-check": "look", "map-received": "came"}).text

    # then
    assert "1 can be migrated with this mapping" in page
    assert "Chosen here" in page
    operation = planned(engine, console.post("/migrate", {
        **address, "map-check": "look", "map-received": "came", "do": "plan"}))
    carry_out(engine, operation.key)
    assert places(engine, key) == ["look"]


def test_a_mapping_to_the_version_chosen_before_is_forgotten(console, engine, story):
    first = story.deploy()
    story.start()
    second = deploy(engine, renamed(check="look"))
    third = deploy(engine, renamed(check="inspect"))
    page = console.post("/migrate", {"from": first.key, "to": third.key, "mapped_to": second.key,
                                     "map-check": "look"}).text
    assert "1 can be migrated with this mapping" in page


def test_only_the_selected_instances_are_planned(console, engine, story):
    first = story.deploy()
    keys = [story.start() for _ in range(3)]
    second = deploy(engine, renamed(check="look"))
    form = {"from": first.key, "to": second.key, "mapped_to": second.key, "which": "selected"}
    nobody = console.post("/migrate", {**form, "do": "plan"})
    assert nobody.status_code == 422
    assert "Select at least one instance" in nobody.text
    operation = planned(engine, console.post("/migrate", {**form, "key": [str(keys[1])], "do": "plan"}))
    assert [item.instance_key for item in operations.items(engine, operation.key).items] == [keys[1]]


def test_a_filter_means_the_instances_that_the_list_shows(app, console, engine, story):
    first = story.deploy()
    story.start(business_id="a")
    story.start(business_id="b")
    second = deploy(engine, renamed(check="look"))
    story.start(business_id="a")    # in the new version
    form = {"from": first.key, "to": second.key, "mapped_to": second.key, "which": "filter", "query": "business_id=a"}
    told = re.search(r'<pre class="value"[^>]*>(.*?)</pre>', console.post("/migrate", form).text, re.DOTALL)[1]
    operation = planned(engine, console.post("/migrate", {**form, "do": "plan"}))
    assert operation.total == 1
    # and the request that a program is shown means the same ones
    request = json.loads(html.unescape(told))
    assert (request["filter"], "keys" in request) == (operation.filter, False)
    made = app.test_client().post("/api/operations", json=request)
    assert made.json["total"] == 1, made.text
    listed = console.text(f"/instances?{operation.filter}")
    assert len(set(re.findall(r'href="/instances/(\d+)"', listed))) == 1


def test_older_versions_with_live_instances_are_offered(console, engine, story):
    first = story.deploy()
    assert "Nothing to migrate" in console.text("/migrate")
    story.start()
    deploy(engine, renamed(check="look"))
    assert f"/migrate?from={first.key}" in console.text("/migrate")


def test_one_version_alone_has_nothing_to_migrate_to(console, story):
    only = story.deploy()
    assert "There is no other version yet" in console.text(f"/migrate?from={only.key}")
    assert console.get("/migrate?from=99").status_code == 404


def test_names_of_a_diagram_stay_text_on_all_of_these_pages(console, engine, story):
    evil = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    first = deploy(engine, model("review.bpmn").replace(b'name="Check the order"', f'name="{evil}"'.encode()))
    key = story.start()
    second = deploy(engine, renamed(check="look").replace(b'name="Check the order"', f'name="{evil}"'.encode()))
    for page in (console.post(f"/instances/{key}/modify", {"chosen": "check", "do": "put"}).text,
                 console.text(f"/instances/{key}/restart?element=check"),
                 console.text(f"/migrate?from={first.key}&to={second.key}")):
        assert "<img" not in page
        assert "broken in" in page


# Many instances

def many(console, path, **data):
    return console.post(path, data)


def test_tokens_of_many_instances_are_moved_on_the_diagram(console, engine, story):
    # given three instances in the newest version, and one in an older one
    story.deploy()
    old = story.start()
    deploy(engine, model("review.bpmn") + b"\n")
    keys = [story.start(business_id=f"order-{number}") for number in range(3)]

    # when the page of the list leads to the diagram, with all of the list
    form = console.text("/operations/new?kind=MODIFY&of=all&query=state%3Dactive")
    assert 'action="/modify"' in form
    page = console.post("/modify", {"query": "state=active", "chosen": "charge", "do": "move:check"}).text

    # then it is about one version, and tells what becomes of some of them
    assert "Modify 3 instances of" in page
    assert "1 other of the list is in another version" in page
    assert page.count("Goes from Check the order to Charge the card.") == 3
    assert "Cancel the 3 tokens here" in console.text("/modify?query=state%3Dactive&element=check")
    assert "&#34;filter&#34;" in page

    # when it is planned
    response = console.post("/modify", {"query": "state=active", **fields(step("move", "charge", "check"), do="plan")})
    operation = planned(engine, response)
    assert (operation.kind, operation.total) == ("MODIFY", 3)
    carry_out(engine, operation.key)
    assert [places(engine, key) for key in keys] == [["charge"]] * 3
    assert places(engine, old) == ["check"]


def test_chosen_instances_restart_on_the_diagram(console, engine, story):
    story.deploy()
    running, ended = story.start(), story.start()
    engine.execute(instances.cancel, ended, "Over.")
    keys = f"{running} {ended}"
    page = console.post("/restart", {"keys": keys, "chosen": "charge", "variables": '{"paid": 1}'}).text
    assert "Restart 2 instances of" in page
    assert "Goes on from Charge the card" in page
    assert "A new instance starts at Charge the card." in page
    refused = console.post("/restart", {"keys": keys, "chosen": "charge", "variables": "[]", "do": "plan"})
    assert refused.status_code == 422
    operation = planned(engine, console.post("/restart", {"keys": keys, "chosen": "charge", "do": "plan"}))
    assert (operation.kind, operation.total) == ("RESTART", 2)


def test_many_that_ended_start_anew_in_another_version(console, engine, story):
    # given two instances of the first version that ended, and one that runs
    first = story.deploy()
    ended = [story.start(business_id=f"order-{number}") for number in range(2)]
    running = story.start()
    for key in ended:
        engine.execute(instances.cancel, key, "A mistake.")
    second = deploy(engine, renamed(check="look"))
    keys = " ".join(map(str, [*ended, running]))

    # when
    page = console.post("/restart", {"keys": keys, "definition": second.key}).text
    assert f'src="/definitions/{second.key}' in page
    assert '<option value="look"' in page
    assert console.post("/restart", {"keys": keys, "definition": "7"}).status_code == 404
    operation = planned(engine, console.post("/restart", {
        "keys": keys, "definition": second.key, "chosen": "look", "do": "plan"}))
    assert operation.parameters["definitionKey"] == second.key
    carry_out(engine, operation.key)

    # then the ended ones go on there, and the running one is left alone and says why
    items = {item.instance_key: item for item in operations.items(engine, operation.key).items}
    for key in ended:
        made = read.get(engine, int(items[key].result["made"]))
        assert (made.version, places(engine, made.key)) == (second.version, ["look"])
    assert "migrate it instead" in items[running].sentence
    assert read.get(engine, running).definition_key == first.key


def test_pages_of_many_instances_without_any_are_refused(console, story):
    story.deploy()
    for path in ("/modify", "/restart", "/modify?keys=7", "/modify?keys=x"):
        assert console.get(path).status_code == 422, path
    story.start()
    assert console.get("/modify?from=7").status_code == 404
