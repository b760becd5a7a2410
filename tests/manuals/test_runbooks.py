"""The handbook has a runbook for everything that can ring, and the rules for Prometheus ask for what there is."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest
import yaml

from engine.alerts import selectors
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
        document, _, anchor = rule["annotations"]["runbook_url"].partition("?section=")
        assert document == "http://localhost:8080/manual/HANDBOOK"
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


PANELS = [target["expr"] for panel in json.loads((DOCS / "deploy" / "grafana.json").read_text())["panels"]
          for target in panel.get("targets", ())]


def parts(expression):
    """An expression of PromQL with all that it is made of."""
    yield expression
    within = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for part in [part for part in (*within, *getattr(expression, "args", ())) if part is not None]:
        yield from parts(part)


@pytest.mark.parametrize("text", [*(rule["expr"] for rule in RULES), *PANELS])
def test_promql_of_rules_and_panels_is_understood_and_asks_for_labels_that_exist(engine, text):
    # given the labels of each metric, beside those that Prometheus adds
    labels = {}
    for name, (kind, _own, known) in selectors.METRICS.items():
        ends = ("_bucket", "_sum", "_count") if kind is selectors.Kind.HISTOGRAM else ("",)
        labels |= {name + end: {*known, *(["le"] if end == "_bucket" else [])} for end in ends}
    labels["up"] = set()

    # when it is parsed, as Prometheus would
    found = list(parts(promql_parser.parse(text.replace("$__rate_interval", "5m"))))

    # then
    asked = [part for part in found if isinstance(part, promql_parser.VectorSelector)]
    assert asked
    for selector in asked:
        assert {each.name for each in selector.matchers.matchers} <= {*labels[selector.name], "job", "instance"}
    for part in found:
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None:
            below = [labels[each.name] for each in parts(part.expr)
                     if isinstance(each, promql_parser.VectorSelector)]
            assert all(set(part.modifier.labels) <= known for known in below), text


def test_panels_are_all_read():
    assert len(PANELS) == (DOCS / "deploy" / "grafana.json").read_text().count('"expr"') > 20


def test_every_metric_is_in_a_runbook():
    text = "".join(RUNBOOKS.values())
    documented = set(re.findall(r"^\| `(partitur_\w+)`", (DOCS / "METRICS.md").read_text(), re.M))
    assert documented <= set(re.findall(r"`(partitur_\w+)`", text))
