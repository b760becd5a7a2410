"""The handbook has a runbook for everything that can ring, and the rules for Prometheus ask for what there is."""

from __future__ import annotations

import re

import pytest
import yaml

from engine.alerts.measures import MEASURES
from tests.manuals.reading import DOCS, sections
from web.metrics import registry_of

RUNBOOKS = sections(DOCS / "HANDBOOK.md", "Runbooks")
GROUPS = yaml.safe_load((DOCS / "deploy" / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]


def named(body, line):
    found = re.search(rf"\*\*{line}:\*\* (.+)", body)
    return re.findall(r"`([A-Za-z_]+)`", found[1].partition("**Metrics")[0]) if found else []


def test_everything_that_rings_has_one_runbook():
    # given
    rings = [name for body in RUNBOOKS.values() for name in named(body, "Rings")]

    # then each is named once, and nothing that does not ring
    assert sorted(rings) == sorted({*MEASURES, *(rule["alert"] for rule in RULES)})


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_says_what_it_means_where_to_look_what_to_do_and_when_to_call_somebody(name):
    found = re.findall(r"^\*\*(Rings|Means|Look|Do|Escalate):\*\* *(.*)", RUNBOOKS[name], re.M)
    assert [part for part, _ in found] == ["Rings", "Means", "Look", "Do", "Escalate"]
    assert all(said for part, said in found if part != "Do")


def test_every_rule_of_prometheus_leads_to_its_own_runbook():
    for rule in RULES:
        document, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert document == "HANDBOOK.md"
        assert rule["alert"] in named(RUNBOOKS[anchor], "Rings"), rule["alert"]
        assert rule["for"]
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_rules_of_prometheus_ask_for_metrics_and_labels_that_exist(engine):
    # given
    told = set()
    for family in registry_of(engine).collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        told |= {family.name + end for end in ends}

    # then
    for rule in RULES:
        asked = set(re.findall(r"partitur_\w+", rule["expr"]))
        assert asked <= told, rule["alert"]
        assert asked or "up{" in rule["expr"]
        assert set(re.findall(r"role=\"(\w+)\"", rule["expr"])) <= {"web", "worker", "scheduler"}


def test_every_metric_is_in_a_runbook():
    text = "".join(RUNBOOKS.values())
    documented = set(re.findall(r"^\| `(partitur_\w+)`", (DOCS / "METRICS.md").read_text(), re.M))
    assert documented <= set(re.findall(r"`(partitur_\w+)`", text))
