"""Decisions in the console: the list, a table, evaluations with the rules that matched, and the playground."""

from __future__ import annotations

import io
import re

import pytest

from engine import decisions as commands
from engine import definitions, instances
from engine.definitions import Resource
from engine.queries import decisions
from tests.web import axe
from tests.web.browsing import visit
from tests.web.conftest import HOSTILE, model

GOLD = {"amount": 1200, "customer": {"status": "gold"}}


@pytest.fixture
def quote(engine):
    """An instance whose business rule task computed a price."""
    files = [Resource(name=name, content=model(name)) for name in ("pricing.dmn", "quote.bpmn")]
    engine.execute(definitions.deploy, files)
    return engine.execute(instances.start, "quote", variables=GOLD).key


@pytest.fixture
def evaluation(engine, quote):
    [row] = decisions.evaluations(engine, instance_key=quote).items
    return row.key


def test_deployed_decisions_are_listed_with_their_versions(console, quote):
    assert "Discount" in console.text("/decisions")
    page = console.text("/decisions/discount")
    assert 'decision="discount"' in page
    assert "Version 1" in page
    assert "Only evaluated for others" in page


def test_an_empty_list_says_what_to_do(console):
    assert "Deploy a DMN file" in console.text("/decisions")


def test_an_unknown_decision_version_or_evaluation_is_not_found(console, quote):
    for path in ("/decisions/nope", "/decisions/price?version=7", "/evaluations/1", "/requirements/1/dmn"):
        console.text(path, status=404)


def test_the_file_is_given_as_it_was_deployed_and_as_no_page(console, engine, quote):
    key = decisions.newest(engine)[0].requirements_key
    response = console.get(f"/requirements/{key}/dmn")
    assert response.data == model("pricing.dmn")
    assert response.mimetype == "text/plain"


def test_an_evaluation_tells_inputs_result_and_matched_rules(console, evaluation, quote):
    page = console.text(f"/evaluations/{evaluation}?decision=discount")
    assert "gold_large" in page
    assert "Customer status" in page
    assert f"/instances/{quote}?tab=decisions" in page


def test_an_instance_lists_its_evaluations(console, evaluation, quote):
    assert f"/evaluations/{evaluation}" in console.text(f"/instances/{quote}?tab=decisions")
    assert f"/evaluations/{evaluation}" in console.text(f"/instances/{quote}?tab=decisions&element=compute")
    assert f"/evaluations/{evaluation}" not in console.text(f"/instances/{quote}?tab=decisions&element=begin")


def hits_of(html):
    table = re.search(r'aria-labelledby="rule-hits">(.*?)</section>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", table[1]).split()) if table else None


def test_a_table_tells_how_often_each_rule_was_hit_and_which_never_was(console, engine):
    engine.execute(definitions.deploy, [Resource(name="pricing.dmn", content=model("pricing.dmn"))])
    assert "No rule was hit yet" in hits_of(console.text("/decisions/discount"))
    for amount in (1200, 1300, 20):
        engine.execute(commands.evaluate, "price", {"amount": amount, "customer": {"status": "gold"}})
    told = hits_of(console.text("/decisions/discount"))
    assert "In all 3 evaluations, since" in told
    assert "Only evaluated for others" in console.text("/decisions/discount")
    assert "1 rule was never hit" in told
    assert "1 Customer status &#34;gold&#34; Amount &gt;= 1000 2 66.7 %" in told
    assert "2 Customer status &#34;gold&#34; Amount &lt; 1000 1 33.3 %" in told
    assert "3 always 0 never hit" in told
    # What is no table has no rules.
    assert hits_of(console.text("/decisions/price")) is None


def test_hits_that_come_from_a_file_that_imports_the_table_are_told(console, engine):
    pricing = model("pricing.dmn")
    kind = re.search(rb'xmlns="([^"]+)"', pricing)[1].decode()
    namespace = re.search(rb'namespace="([^"]+)"', pricing)[1].decode()
    drawn = (f'<definitions xmlns="{kind}" id="shop" name="Shop" namespace="shop">'
             f'<import name="base" namespace="{namespace}" importType="{kind}"/><decision id="total" name="Total">'
             f'<informationRequirement><requiredDecision href="{namespace}#discount"/></informationRequirement>'
             f'<literalExpression><text>1</text></literalExpression></decision></definitions>')
    engine.execute(definitions.deploy, [
        Resource(name="shop.dmn", content=drawn.encode()), Resource(name="pricing.dmn", content=pricing)])
    engine.execute(commands.evaluate, "total", {"amount": 1200, "customer": {"status": "gold"}})
    told = hits_of(console.text("/decisions/discount"))
    assert "In 1 evaluation, on" in told
    assert "also from files that import it" in told
    assert "Amount &gt;= 1000 1 100 %" in told


def test_what_a_table_says_does_not_become_markup(console, engine):
    cell = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").encode()
    drawn = DOUBTFUL.replace(b'label="Amount"', b'label="' + cell + b'"')
    engine.execute(definitions.deploy, [Resource(name="size.dmn", content=drawn)])
    engine.execute(commands.evaluate, "size", {"amount": 5})
    html = console.text("/decisions/size")
    assert hits_of(html)
    assert HOSTILE not in html


def test_a_decision_is_evaluated_by_hand(console, engine, quote):
    key = decisions.versions(engine, "discount")[0].key
    answer = console.post(f"/decision-versions/{key}/evaluations", {"variables": '{"customer": {"status": "tin"}}'})
    page = console.text(answer.location)
    assert "&#34;rest&#34;" in page or '"rest"' in page
    assert console.post(f"/decision-versions/{key}/evaluations", {"variables": "[1]"}).status_code == 422


def test_an_expression_is_tried_out(console):
    answer = console.post("/feel", {"expression": "=a.b * 2", "context": '{"a": {"b": 21}}'})
    assert "42" in answer.text
    assert "number" in answer.text


@pytest.mark.parametrize(("expression", "context", "said"), [
    ("1 + )", "{}", "1 + )\n    ^"), ("a.agee", '{"a": {"age": 1}}', "did you mean `age`"),
    ("for a in 1..9999999 return a", "{}", "steps"), ("[1..2]", "{}", "can be stored"), ("", "", "appears here"),
])
def test_the_playground_says_what_is_wrong(console, expression, context, said):
    assert said in console.post("/feel", {"expression": expression, "context": context}).text


def test_a_context_that_is_no_json_is_refused(console):
    for context in ("{", "[]", "[" * 100_000):
        answer = console.post("/feel", {"expression": "1", "context": context}, headers={"HX-Request": "true"})
        assert answer.status_code == 422
        assert "Expected the context as" in answer.text


def test_the_playground_needs_a_form_of_its_session(app):
    assert app.test_client().post("/feel", data={"expression": "1"}).status_code == 400


def test_nothing_that_is_tried_or_evaluated_becomes_markup(console):
    answer = console.post("/feel", {"expression": "x", "context": f'{{"x": {HOSTILE.replace(chr(34), chr(39))!r}}}'})
    assert "<img" not in answer.text


@pytest.mark.browser
def test_the_matched_rule_is_highlighted_in_the_table(open_page, evaluation):
    page = open_page(f"/evaluations/{evaluation}?decision=discount")
    page.wait_for_selector("dmn-decision[data-ready]")
    assert page.locator("tr.matched").count() == 1
    assert ">= 1000" in page.locator("tr.matched").inner_text()

    # when the graph is looked at and the table again
    page.get_by_role("button", name="Requirements").click()
    page.wait_for_selector('dmn-decision .djs-element[data-element-id="price"]')
    page.get_by_role("button", name="Logic").click()

    # then it is highlighted again
    page.locator("tr.matched").wait_for()


@pytest.mark.browser
def test_a_decision_is_looked_at_and_evaluated(open_page, quote):
    page = open_page("/decisions")
    page.get_by_role("link", name="Price").click()
    page.wait_for_selector("dmn-decision[data-ready]")
    assert "amount * (1 - discount)" in page.locator("dmn-decision").inner_text()
    page.get_by_role("button", name="Evaluate").first.click()
    page.get_by_label("Variables").fill('{"amount": 10, "customer": {"status": "gold"}}')
    page.locator("#evaluate .primary").click()
    page.wait_for_url("**/evaluations/*")
    assert page.locator("[aria-labelledby=result] .value").inner_text() == "9"


@pytest.mark.browser
def test_the_playground_answers_while_one_writes(open_page):
    page = open_page("/feel")
    page.locator("[data-result]", has_text="0.1").wait_for()
    page.get_by_label("Expression", exact=True).fill("customer.nam")
    page.locator("#trial", has_text="did you mean").wait_for()
    page.get_by_label("Expression", exact=True).fill("upper case(customer.name")
    page.locator("#trial pre.caret").wait_for()
    page.get_by_label("Context", exact=True).fill('{"customer": {"name": "Bob"}}')
    page.get_by_label("Expression", exact=True).fill("upper case(customer.name)")
    page.locator("[data-result]", has_text="BOB").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/decisions", "/decisions/discount", "/decisions/price", "/feel"])
def test_pages_fit_a_phone(open_page, quote, path):
    page = open_page(path, viewport={"width": 360, "height": 740})
    page.wait_for_selector("dmn-decision[data-ready], main:not(:has(dmn-decision))", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


DOUBTFUL = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="g" name="G" namespace="n">
  <decision id="size" name="Size"><decisionTable id="t" hitPolicy="UNIQUE">
    <input id="i" label="Amount"><inputExpression id="e" typeRef="number"><text>amount</text></inputExpression></input>
    <output id="o" name="size"/>
    <rule id="small"><inputEntry id="c1"><text>&lt; 10</text></inputEntry><outputEntry id="c2"><text>1</text>
    </outputEntry></rule>
    <rule id="large"><inputEntry id="c3"><text>&gt; 20</text></inputEntry><outputEntry id="c4"><text>2</text>
    </outputEntry></rule></decisionTable></decision></definitions>"""


def upload(console, content, name="size.dmn"):
    return console.post("/deployments", {"files": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def test_a_gap_in_a_table_is_told_when_it_is_uploaded(console):
    answer = upload(console, DOUBTFUL)
    assert answer.status_code == 200
    assert "size.dmn" in answer.text
    assert "[10..20]" in answer.text


def test_a_table_without_doubt_leads_to_its_page(console):
    answer = upload(console, DOUBTFUL.replace(b"&gt; 20", b"&gt;= 10"))
    assert answer.location.endswith("/decisions/size?version=1")
    assert "Deployed Size version 1." in console.text(answer.location)


def test_a_broken_expression_in_a_table_refuses_the_upload(console):
    answer = upload(console, DOUBTFUL.replace(b"&gt; 20", b"&gt; &gt;"))
    assert answer.status_code == 422
    assert "c3" in answer.text


@pytest.mark.browser
def test_pages_of_decisions_meet_wcag_aa(open_page, evaluation):
    page = open_page("/decisions")
    for path in ("/decisions/discount", "/decisions/price", f"/evaluations/{evaluation}?decision=discount"):
        visit(page, path)
        page.wait_for_selector("dmn-decision[data-ready]")
        assert axe.troubles(page) == [], path


def test_the_page_of_an_instance_says_why_an_expression_gave_null(console, engine):
    drawn = model("quote.bpmn").replace(b"<bpmn:businessRuleTask", b"<bpmn:scriptTask").replace(
        b"</bpmn:businessRuleTask", b"</bpmn:scriptTask").replace(
        b'<zeebe:calledDecision decisionId="price" resultVariable="price" />',
        b'<zeebe:script expression="=custmer" resultVariable="price" />')
    engine.execute(definitions.deploy, [Resource(name="quote.bpmn", content=drawn)])
    key = engine.execute(instances.start, "quote", variables=GOLD).key
    page = console.text(f"/instances/{key}?tab=variables")
    assert "`custmer` is not there; did you mean `customer`?" in page
    assert "the script of Compute the price" in page
    assert "custmer" not in console.text(f"/instances/{key}?tab=variables&element=begin")
