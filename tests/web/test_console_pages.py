"""Every page of the console, read without a browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from engine import instances
from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from engine.tasks import user_tasks
from web import console as pages
from web.app import CONTENT_SECURITY_POLICY

EMPTY_STATES = {
    "/": "From a drawing to a running process",
    "/processes": "No process is deployed",
    "/instances": "No instances yet",
    "/tasks": "No open tasks",
    "/tasks?view=mine": "You have no tasks",
    "/services": "No service is known",
    "/audit": "No entries",
    "/deployments/new": "Drop BPMN, DMN and form files here",
}


@pytest.mark.parametrize(("path", "sentence"), EMPTY_STATES.items())
def test_empty_page_says_what_would_appear(console, path, sentence):
    assert sentence in console.text(path)


def tile(html, state):
    """The number and the address of a tile of the home page."""
    found = re.search(rf'<a class="tile" data-state="{state}" href="([^"]+)".*?<b>([\d,]+)</b>', html, re.DOTALL)
    return int(found[2]), found[1].replace("&amp;", "&")


def listed(html):
    """The total that a list of instances states."""
    return int(re.search(r"<h2>([\d,]+) instances?</h2>", html)[1])


@pytest.fixture
def every_state(engine, story):
    """Instances that wait, retry, failed, are suspended, completed and cancelled."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}") for number in range(6)]
    tasks = {task.instance_key: task.key for task in lists.user_tasks(engine).items}
    for key in keys[:3]:
        engine.execute(user_tasks.complete, tasks[key], {})
    story.fail_job()
    story.fail_job("The bank did not answer.", retries=2, retry_in=timedelta(minutes=5))
    engine.execute(instances.suspend, keys[4], "The customer asked to wait.")
    engine.execute(instances.cancel, keys[5], "Ordered twice.")
    return keys


@pytest.mark.parametrize("state", ["active", "waiting", "retrying", "stalled", "in_doubt", "held", "incident",
                                   "suspended", "completed"])
def test_tile_of_the_home_page_leads_to_exactly_the_instances_it_counts(console, every_state, state):
    # when
    count, link = tile(console.text("/"), state)

    # then
    assert count == {"active": 5, "waiting": 2, "retrying": 1, "stalled": 0, "in_doubt": 0, "held": 0, "incident": 1,
                     "suspended": 1, "completed": 0}[state]
    assert listed(console.text(link)) == count


def test_home_page_groups_failures_by_reason_and_links_to_their_instances(console, every_state):
    # when
    html = console.text("/")

    # then
    link = re.search(r'<a href="([^"]+)" title="The card was declined by the bank\."', html)[1].replace("&amp;", "&")
    assert listed(console.text(link)) == 1


def test_list_shows_only_what_its_address_asks_for(console, every_state):
    assert listed(console.text("/instances")) == 6
    assert listed(console.text("/instances?business_id=order-3")) == 1
    assert listed(console.text(f"/instances?key={every_state[0]}")) == 1
    assert listed(console.text("/instances?state=suspended&state=terminated")) == 2
    assert listed(console.text("/instances?process=review&version=2")) == 0
    assert listed(console.text("/instances?element=check")) == 2
    assert listed(console.text("/instances?error=did+not+answer")) == 1
    assert listed(console.text("/instances?started_to=2020-01-01T00:00")) == 0


def test_list_finds_instances_by_the_value_of_a_variable(console, story):
    # given
    story.deploy()
    for amount in (1, 2, 2):
        story.start(variables={"amount": amount, "currency": "EUR"})

    # then numbers are numbers, and a text needs no quotes
    assert listed(console.text("/instances?variable=amount&value=2")) == 2
    assert listed(console.text("/instances?variable=currency&value=EUR")) == 3
    assert listed(console.text("/instances?variable=amount")) == 3


def test_list_is_paged_and_sorted_by_its_address(console, story):
    # given
    story.deploy()
    for number in range(60):
        story.start(business_id=f"order-{number:02}")

    # when
    first = console.text("/instances?sort=business_id")
    second = console.text("/instances?sort=business_id&offset=50")

    # then
    assert "1–50 of 60" in first
    assert "51–60 of 60" in second
    assert first.index("order-00") < first.index("order-49")
    assert "order-50" not in first
    assert "order-59" in second


@pytest.mark.parametrize("query", [
    "version=one", "key=9999999999999999999", "parent=-1", "started_from=yesterday", "state=lost", "sort=colour",
])
def test_filter_that_cannot_be_read_is_refused_with_a_sentence(console, query):
    assert "Expected" in console.text(f"/instances?{query}", status=422)


def test_process_page_counts_tokens_at_each_element(console, every_state):
    html = console.text("/processes/review")
    assert '"charge": {"classes": ["failing"], "incidents": 1, "tokens": 3}' in html.replace("&#34;", '"')
    assert '"check": {"classes": ["here"], "incidents": 0, "tokens": 2}' in html.replace("&#34;", '"')


def test_element_of_the_diagram_filters_the_instances_of_the_process(console, every_state):
    html = console.text("/processes/review?element=check")
    assert "Instances at Check the order" in html
    assert "order-3" in html
    assert "order-0" not in html


def test_process_page_shows_any_version(console, story, engine):
    # given
    story.deploy()

    # then
    assert "Version <b>1</b>" in console.text("/processes/review?version=1")
    assert "version 7" in console.text("/processes/review?version=7", status=404)
    assert "to be deployed" in console.text("/processes/unheard-of", status=404)


def test_diagram_file_is_served_as_deployed_but_never_as_a_page(console, story):
    # given
    definition = story.deploy()

    # when
    response = console.get(f"/definitions/{definition.key}/bpmn")

    # then
    assert b'<bpmn:process id="review"' in response.data
    assert response.mimetype == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def sentence_of(html):
    """The first sentence of an instance page."""
    found = re.search(r'<div class="sentence" data-state="(\w+)">.*?<div>(.*?)(?:<time|</div>)', html, re.DOTALL)
    return found[1], found[2].strip()


def test_instance_page_says_first_what_the_instance_waits_for(console, every_state):
    failed, retrying, waiting_for_worker, waiting, suspended, cancelled = (
        sentence_of(console.text(f"/instances/{key}")) for key in every_state
    )
    assert failed == ("incident", "“Charge the card” failed: “The card was declined by the bank.”")
    assert retrying[0] == "retrying"
    assert "has 2 attempts left" in retrying[1]
    assert waiting_for_worker == ("waiting", "“Charge the card” waits for a worker for “charge-card”, since")
    assert waiting == ("waiting", "“Check the order” waits for somebody to claim it, since")
    assert suspended[0] == "suspended"
    assert cancelled == ("terminated", "Ended before its end: “Ordered twice.”")


@pytest.mark.parametrize(("tab", "word"), [
    ("variables", "No variables"), ("incidents", "The card was declined"), ("jobs", "charge-card"),
    ("tasks", "Check the order"), ("events", "Waits for no time"), ("called", "No called instances"),
    ("audit", "start"), ("raw", "idempotency_key"),
])
def test_tab_of_the_instance_page(console, every_state, tab, word):
    assert word in console.text(f"/instances/{every_state[0]}?tab={tab}")


@pytest.fixture
def calling(engine, story):
    """An instance that called another one, and that one, which waits for a message."""
    story.deploy("calls.bpmn")
    caller = story.start("caller", variables={"orderId": "4711"})
    return caller, search(engine, InstanceFilter(parent_key=caller)).items[0].key


def test_caller_and_called_instance_lead_to_each_other(console, calling):
    caller, called = calling
    assert sentence_of(console.text(f"/instances/{caller}"))[1] == \
        f"Waits for the called instance Payment ({called}), since"
    assert f'href="/instances/{called}"' in console.text(f"/instances/{caller}?tab=called")
    crumbs = re.search(r'<nav class="crumbs".*?</nav>', console.text(f"/instances/{called}"), re.DOTALL)[0]
    assert f'<a href="/instances/{caller}">' in crumbs


def test_called_instance_says_why_it_cannot_be_cancelled_alone(console, calling):
    _, called = calling
    html = console.text(f"/instances/{called}")
    assert 'aria-disabled="true" title="Another instance called this one. Cancel that one instead."' in html
    assert 'data-dialog="cancel"' not in html


def test_message_and_timer_that_an_instance_waits_for_are_shown(console, calling):
    # given
    caller, called = calling

    # then what only watches is listed, but not told as what is waited for
    timers = console.text(f"/instances/{caller}?tab=events")
    assert "Two days" in timers
    assert "in 1 day" in timers
    assert "waits for its time" not in timers

    # and
    assert sentence_of(console.text(f"/instances/{called}"))[1] == \
        "“Payment received” waits for the message “PaymentReceived” with orderId=4711, since"
    assert "with key <code>4711</code>" in console.text(f"/instances/{called}?tab=events")


def test_failure_of_a_called_instance_is_told_by_its_caller(console, engine, story):
    # given a called instance that fails at once, because it has no order to wait for
    story.deploy("calls.bpmn")
    caller = story.start("caller")

    # then
    state, sentence = sentence_of(console.text(f"/instances/{caller}"))
    assert state == "incident"
    assert sentence.startswith("The called instance Payment (")


def test_every_scalar_variable_links_to_the_instances_with_its_value(console, story):
    # given
    story.deploy()
    key = story.start(variables={"city": 'Den "Haag"', "count": 3, "lines": [1], "gift": None})

    # when
    html = console.text(f"/instances/{key}?tab=variables")

    # then
    links = re.findall(r'href="(/instances\?variable=[^"]+)"', html)
    assert [listed(console.text(link.replace("&amp;", "&"))) for link in links] == [1, 1, 1]


def test_choosing_an_element_narrows_the_tables_of_the_instance_page(console, every_state):
    path = f"/instances/{every_state[0]}?tab=jobs"
    assert "<strong>charge-card</strong>" in console.text(path + "&element=charge")
    assert "<strong>charge-card</strong>" not in console.text(path + "&element=check")


def test_instance_can_be_found_by_business_id_and_by_key(console, every_state):
    key = every_state[2]
    for text in ("order-2", str(key)):
        assert console.get(f"/find?q={text}").headers["Location"] == f"/instances/{key}"
    assert console.get("/find?q=nobody").headers["Location"] == "/instances?business_id=nobody"


def test_links_of_camunda_modeler_lead_to_our_pages(console):
    for theirs, ours in (
        ("/operate/processes/17", "/instances/17"),
        ("/operate/processes?process=review&version=2&active=true&incidents=true", "/processes/review?version=2"),
        ("/operate/processes?process=review&version=all", "/processes/review"),
        ("/operate/decisions?name=discount&version=2", "/decisions/discount?version=2"),
        ("/operate/decisions", "/decisions"),
        ("/tasklist/17", "/tasks/17"),
        ("/operate", "/"),
        ("/tasklist", "/tasks"),
    ):
        assert console.get(theirs).headers["Location"] == ours


def test_health_is_json(console):
    assert console.get("/health").json == {"status": "UP"}


def test_unknown_address_and_unknown_key_are_explained(console):
    assert "There is no page at this address" in console.text("/nowhere", status=404)
    assert "no" in console.text("/instances/404", status=404)
    assert "no" in console.text("/tasks/404", status=404)
    assert "no" in console.text("/definitions/404/bpmn", status=404)
    assert "There is no page at this address" in console.text(f"/instances/{2**63}", status=404)
    assert console.get(f"/find?q={2**63}").headers["Location"] == f"/instances?business_id={2**63}"
    assert "to be a number" in console.text("/processes/review?version=x", status=422)
    assert "to be a number" in console.text("/audit?instance=x", status=422)


def test_unexpected_error_gets_a_reference_that_the_log_has_too(app, console, caplog):
    # given
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/fault")
    def fault():
        raise RuntimeError("secret detail")

    # when
    html = console.text("/fault", status=500)

    # then
    reference = re.search(r"says more under (\w+)", html)[1]
    assert reference in caplog.text
    assert "secret detail" in caplog.text
    assert "secret detail" not in html


def test_every_answer_forbids_foreign_and_inline_scripts(console, every_state):
    for path in (*EMPTY_STATES, "/processes/review", f"/instances/{every_state[0]}", "/nowhere", "/health"):
        response = console.get(path)
        assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert response.headers["X-Frame-Options"] == "DENY"
        for script in re.findall(r"<script\b[^>]*>", response.text):
            assert 'src="/static/dist/' in script
        assert not re.search(r"<[^>]+\son\w+=", response.text)
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_built_files_are_kept_by_the_browser_and_pages_are_not(console):
    script = re.search(r'src="(/static/dist/assets/[^"]+)"', console.text("/"))[1]
    assert "immutable" in console.get(script).headers["Cache-Control"]
    assert "immutable" not in console.get("/").headers.get("Cache-Control", "")
    assert "immutable" not in console.get("/static/favicon.svg").headers.get("Cache-Control", "")


def test_server_without_built_assets_says_how_to_build_them(console, monkeypatch, tmp_path):
    monkeypatch.setattr("web.bundles.MANIFEST", tmp_path / "manifest.json")
    response = console.get("/")
    assert response.status_code == 503
    assert "make assets" in response.text


def test_every_page_module_has_a_view(app):
    served = {rule.endpoint for rule in app.url_map.iter_rules()}
    for module in (pages.home, pages.processes, pages.instances, pages.instance, pages.tasks, pages.services,
                   pages.audit):
        assert f"console.{module.__name__.rsplit('.', 1)[1]}" in served
