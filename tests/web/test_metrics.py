"""What Prometheus reads: counted by commits only, told by every node, documented."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from engine import definitions, incidents, instances, tenants
from engine.errors import TooMany, Unavailable
from engine.queries import lists
from engine.tasks import user_tasks
from engine.telemetry import standing
from engine.telemetry.metrics import COUNTERS, HISTOGRAMS, MOST, OTHER, Metrics
from engine.work import activation, jobs
from tests.engine import drawing
from web.app import create_app
from web.health import without_pages
from web.metrics import registry_of

DOCS = Path(__file__).parents[2] / "docs"


def read(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    return {(sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text) for sample in family.samples}


def test_an_instance_and_its_answers_are_counted(app, engine, story):
    story.deploy()
    story.start(variables={"amount": 10, "gift": False})
    engine.execute(user_tasks.complete, lists.user_tasks(engine).items[0].key, {})
    story.fail_job(retries=1, retry_in=timedelta())
    story.fail_job()
    incident = lists.incidents(engine).items[0]
    engine.execute(incidents.resolve, incident.key, retries=1)
    job = story.take_job()
    engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    found = read(app.test_client())
    assert found["partitur_instances_started_total", "review"] == 1
    assert found["partitur_incidents_total", "JOB_NO_RETRIES", "review"] == 1
    assert found["partitur_elements_total", "failed", "review"] == 1
    assert found["partitur_jobs_handed_out_total", "charge-card"] == 3
    # An operator's resolving is no answer.
    assert {key[1:]: value for key, value in found.items() if key[0] == "partitur_jobs_answered_total"} == {
        ("charge-card", "retried"): 1, ("charge-card", "failed"): 1, ("charge-card", "completed"): 1,
    }
    assert found["partitur_job_duration_seconds_count", "charge-card"] == 1
    assert found["partitur_job_latency_seconds_count", "charge-card"] == 3


def test_what_is_rolled_back_never_was(app, engine, story):
    story.deploy()
    before = read(app.test_client())

    def start_and_fail(tx):
        instances.start(tx, "review")
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        engine.execute(start_and_fail)
    after = read(app.test_client())
    name = ("partitur_instances_started_total", "review")
    assert after.get(name, 0) == before.get(name, 0)
    rolled_back = ("partitur_transactions_total", "rolled_back")
    assert after[rolled_back] == before.get(rolled_back, 0) + 1


def test_states_are_those_of_the_home_page(app, engine, story, monkeypatch):
    monkeypatch.setattr(standing, "KEPT", 0.0)
    story.deploy()
    story.start()
    client = app.test_client()
    assert read(client)["partitur_instances", "active"] == 1
    assert read(client)["partitur_instances_live", "review"] == 1
    story.start()
    assert read(client)["partitur_instances", "active"] == 2


def test_away_database_is_told_and_breaks_nothing(app, monkeypatch):
    def away(engine):
        raise Unavailable("Expected the database to answer, but it does not.")

    monkeypatch.setattr(standing, "overview", away)
    found = read(app.test_client())
    assert found["partitur_database_up",] == 0
    assert ("partitur_instances", "active") not in found


def test_job_types_that_expressions_make_cannot_grow_without_end():
    metrics = Metrics()
    for number in range(MOST + 50):
        metrics.count("jobs_handed_out", f"order-{number}")
    labels = {sample.labels["type"] for family in metrics.registry.collect() for sample in family.samples
              if sample.name == "partitur_jobs_handed_out_total"}
    assert len(labels) == MOST + 1
    total = metrics.registry.get_sample_value("partitur_jobs_handed_out_total", {"type": OTHER})
    assert total == 50


def test_tenants_have_numbers_of_their_own_where_there_are_several(app, engine, story):
    story.deploy()
    story.start(variables={"amount": 10, "gift": False})
    assert not [key for key in read(app.test_client()) if key[0].startswith("partitur_tenant_")]
    engine.execute(tenants.add, "eu", starts_per_second=1)
    engine.execute(definitions.deploy, [drawing.file(drawing.process(
        "p", drawing.start(), drawing.service("do"), drawing.end()))], tenant_id="eu")
    engine.execute(instances.start, "p", tenant_id="eu")
    with pytest.raises(TooMany):
        engine.execute(instances.start, "p", tenant_id="eu")
    app = create_app(engine)    # another one: what is told is kept for some seconds
    found = read(app.test_client())
    assert found["partitur_tenant_instances_started_total", "eu"] == 1
    assert found["partitur_tenant_starts_refused_total", "eu"] == 1
    assert found["partitur_tenant_jobs_due", "eu"] == 1
    assert found["partitur_tenant_jobs_due", "<default>"] == 0
    assert found["partitur_tenant_instances_live", "<default>"] == 1
    [job] = engine.execute(activation.activate, ["do"], "w")
    engine.execute(jobs.complete, job.key)
    found = read(create_app(engine).test_client())
    assert found["partitur_tenant_jobs_handed_out_total", "eu"] == 1
    assert found["partitur_tenant_job_latency_seconds_count", "eu"] == 1
    assert found["partitur_tenant_instances_ended_total", "completed", "eu"] == 1
    assert found["partitur_tenant_instances_live", "eu"] == 0


def test_every_metric_is_documented_and_nothing_else(engine):
    told = {family.name + ("_total" if family.type == "counter" else "") for family in registry_of(engine).collect()}
    documented = set(re.findall(r"^\| `(partitur_\w+)`", (DOCS / "METRICS.md").read_text(), re.M))
    assert documented == told
    assert {f"partitur_{name}_total" for name in COUNTERS} | {f"partitur_{name}" for name in HISTOGRAMS} <= told


def test_dashboard_asks_for_metrics_that_exist(engine):
    dashboard = json.loads((DOCS / "deploy" / "grafana.json").read_text())
    asked = {name for panel in dashboard["panels"] for target in panel["targets"]
             for name in re.findall(r"partitur_\w+", target["expr"])}
    told = set()
    for family in registry_of(engine).collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        told |= {family.name + end for end in ends}
    assert asked
    assert asked <= told


def test_node_without_a_web_server_answers_too(engine, story):
    assert "partitur_database_up 1.0" in Client(without_pages(engine)).get("/metrics").text
