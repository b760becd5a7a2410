"""The pages about services and their effects: the catalogue, holds, the ledger, calls in doubt."""

from __future__ import annotations

import html
import json
import re

import pytest

from engine import instances
from engine.contracts import JobContract
from engine.queries import effects, instance, lists, overview
from engine.states import EffectState
from engine.work import holds, jobs
from service_tasks import Registry, service_task
from web.app import create_app


@service_task("charge-card", version="2.1", errors={"DECLINED": "The bank says no."}, compensated_by="refund")
def charge(amount: int, note: str = "") -> dict[str, str]:
    """Takes money."""
    return {}


@pytest.fixture
def app(engine):
    registry = Registry()
    registry.add(charge)
    return create_app(engine, secret_key="test", services=registry)


@pytest.fixture
def doubt(engine, story, console):
    """An instance whose charge may have happened, and the key of the incident."""
    engine.contracts["charge-card"] = JobContract(repeatable=False, askable=True)
    story.deploy()
    key = story.start(business_id="order-1", variables={"amount": 10, "note": "", "gift": False})
    console.post(f"/tasks/{lists.user_tasks(engine, instance_key=key).items[0].key}/completion")
    job = story.take_job()
    engine.execute(jobs.fail, job.key, "The reply was lost.", retries=0, effect=EffectState.IN_DOUBT)
    return key, lists.incidents(engine, instance_key=key).items[0].key


def test_a_call_in_doubt_offers_its_three_ways_out_and_no_retry(console, doubt):
    page = console.text(f"/instances/{doubt[0]}?tab=incidents")
    for words in ("Ask the service", "Repeat with the same key", "Record the outcome"):
        assert f"{words}</button>" in page
    assert 'data-dialog="retry" ' not in page


@pytest.mark.parametrize(("address", "form", "operation"), [
    ("question", {}, "ASK_SERVICE"), ("repetition", {}, "REPEAT_CALL"),
    ("outcome", {"happened": "no"}, "RECORD_OUTCOME"),
    ("outcome", {"happened": "yes", "variables": '{"receipt": 7}'}, "RECORD_OUTCOME"),
])
def test_each_way_out_wants_a_reason_and_is_audited(console, engine, doubt, address, form, operation):
    key, incident = doubt
    target = f"/instances/{key}/incidents/{incident}/{address}"
    assert console.post(target, form).status_code == 422
    assert console.post(target, {**form, "reason": "asked the bank"}).status_code == 303
    [entry] = lists.audit(engine, operation=operation).items
    assert entry.reason == "asked the bank"


def test_an_outcome_is_recorded_with_its_results(console, engine, doubt):
    key, incident = doubt
    console.post(f"/instances/{key}/incidents/{incident}/outcome",
                 {"happened": "yes", "reason": "statement of May 2", "variables": '{"receipt": 7}'})
    assert instance.variables(engine, key)["receipt"] == 7
    page = console.text(f"/instances/{key}?tab=effects")
    assert "Evidence: statement of May 2" in page
    assert "confirmed" in page


def test_an_outcome_without_yes_or_no_is_refused(console, doubt):
    key, incident = doubt
    assert console.post(f"/instances/{key}/incidents/{incident}/outcome", {"reason": "x"}).status_code == 422


def test_a_retry_of_the_whole_instance_leaves_the_doubt_alone(console, engine, doubt):
    response = console.post(f"/instances/{doubt[0]}/retry", {"reason": "try"})
    assert response.status_code == 409
    assert "in doubt" in response.text


def test_a_service_is_held_and_released_with_a_reason(console, engine, doubt):
    assert console.post("/services/charge-card/hold").status_code == 422
    console.post("/services/charge-card/hold", {"reason": "the bank is down"})
    [hold] = holds.all_of_them(engine)
    assert (hold.service, hold.reason) == ("charge-card", "the bank is down")
    assert "the bank is down" in console.text("/services/charge-card")
    assert "Held" in console.text("/services")
    console.post("/services/charge-card/release", {"reason": "it is up"})
    assert holds.all_of_them(engine) == ()


def test_instances_that_wait_for_a_held_service_are_counted_and_listed(console, engine, story):
    story.deploy()
    key = story.start(business_id="order-1", variables={"amount": 1, "note": "", "gift": False})
    console.post(f"/tasks/{lists.user_tasks(engine, instance_key=key).items[0].key}/completion")
    engine.execute(holds.hold, "charge-card", "the bank is down")
    assert '<a class="tile" data-state="held" href="/instances?state=held">' in console.text("/")
    assert "order-1" in console.text("/instances?state=held")
    engine.execute(holds.release, "charge-card", "up")
    assert "order-1" not in console.text("/instances?state=held")


def test_the_page_of_a_service_tells_what_it_did_and_where_it_is_used(console, doubt):
    page = console.text("/services/charge-card?effect=IN_DOUBT")
    assert "order-1" in page
    assert "/processes/review" in page
    told = console.text("/services/charge-card")
    assert "1–1 of 1" in told
    assert 'rel="next"' not in told
    assert "No effects" in console.text("/services/charge-card?effect=CONFIRMED")


def test_a_service_is_in_doubt_by_the_rule_of_the_home_page(console, engine, story, doubt):
    # given another call in doubt that is simply made once more, and one of an instance that was cancelled
    engine.contracts["charge-card"] = JobContract(repeatable=True)
    for number in (2, 3):
        engine.contracts["charge-card"] = JobContract(repeatable=number == 2, askable=True)
        other = story.start(business_id=f"order-{number}", variables={"amount": 10, "note": "", "gift": False})
        console.post(f"/tasks/{lists.user_tasks(engine, instance_key=other).items[0].key}/completion")
        job = story.take_job()
        engine.execute(jobs.fail, job.key, "The reply was lost.", retries=0, effect=EffectState.IN_DOUBT)
    engine.execute(instances.cancel, other, "Not wanted.")

    # then
    page = console.text("/services/charge-card")
    assert overview.overview(engine).in_doubt == effects.figures(engine, "charge-card").in_doubt == 1
    link = re.search(r'href="([^"]*effect=UNDECIDED[^"]*)">In doubt <b>1</b>', page)[1]
    told = console.text(html.unescape(link))
    assert "order-1" in told
    assert "order-2" not in told
    assert "order-3" not in told
    assert "order-2" in console.text("/services/charge-card?effect=IN_DOUBT")


def test_a_job_type_without_a_contract_has_a_page_too(console):
    assert "No contract is known" in console.text("/services/legacy/print")


def test_the_contracts_are_there_for_programs(console, doubt):
    [found] = json.loads(console.text("/api/services"))["services"]
    assert found["name"] == "charge-card"
    assert found["inputs"]["properties"]["amount"] == {"title": "Amount", "type": "integer"}
    assert found["figures"]["inDoubt"] == 1


def test_the_contracts_are_an_openapi_document(console):
    document = json.loads(console.text("/api/services/openapi.json"))
    assert document["openapi"] == "3.1.0"
    post = document["webhooks"]["charge-card"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"]["required"] == ["amount"]
    assert "DECLINED" in post["responses"]["422"]["description"]
    assert "$ref" not in json.dumps(document)


@pytest.mark.parametrize(("dialect", "binding"), [("camunda8", "zeebe:taskDefinition"), ("camunda7", "camunda:topic")])
def test_the_element_templates_can_be_downloaded(console, dialect, binding):
    response = console.get(f"/services.templates.json?dialect={dialect}")
    assert "attachment" in response.headers["Content-Disposition"]
    [template] = response.json
    assert binding in json.dumps(template)
