"""`partitur feel` and `partitur dmn`: an expression or a decision is evaluated without deploying anything."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests.bpmn.test_python_scripts import file
from web.cli import app

TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing" namespace="t">
  <decision id="discount" name="Discount"><decisionTable id="table" hitPolicy="{policy}">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule id="r1"><inputEntry id="e1"><text>&lt; 100</text></inputEntry>
      <outputEntry id="x1"><text>0</text></outputEntry></rule>
    <rule id="r2"><inputEntry id="e2"><text>&gt; 50</text></inputEntry>
      <outputEntry id="x2"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


@pytest.fixture
def partitur():
    def run(*arguments, code=0):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.output

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pricing.dmn"
    path.write_text(TABLE.format(policy="UNIQUE"))
    return path


def test_an_expression_gives_result_type_and_warnings(partitur):
    found = partitur("feel", "=[amount * 2, customer.agee]", "-c", '{"amount": 4, "customer": {"age": 1}}', "--json")
    assert (found["result"], found["type"], found["text"]) == ([8, None], "list", "[8, null]")
    assert found["warnings"] == ["A context has no `agee`; did you mean `age`?"]


def test_a_context_comes_from_a_file_and_may_have_names_with_spaces(partitur, tmp_path):
    (tmp_path / "order.json").write_text('{"net amount": 5}')
    assert partitur("feel", "net amount + 1", "--context", tmp_path / "order.json").splitlines()[0] == "6"


def test_an_error_is_marked_where_it_begins(partitur):
    lines = partitur("feel", "1 +\n  count(2))", code=1).splitlines()
    assert lines[:2] == ["  count(2))", "          ^"]
    assert partitur("feel", "1 )", "--json", code=1)["details"] == {"position": 2}


@pytest.mark.parametrize(("arguments", "said"), [
    (("for a in 1..9999999 return a",), "steps"), (("1", "-c", "{"), "no JSON"),
    (("1", "-c", "nowhere.json"), "nowhere"), (("1", "-c", '{"a": NaN}'), "NaN"),
])
def test_what_cannot_be_evaluated_is_said(partitur, arguments, said):
    assert said in partitur("feel", *arguments, code=1)


def test_a_value_that_cannot_be_stored_is_shown_all_the_same(partitur):
    found = partitur("feel", "[1..3]", "--json")
    assert (found["text"], found["type"], found["result"]) == ("[1..3]", "range", None)


def test_a_decision_shows_the_rules_that_matched(partitur, table):
    found = partitur("dmn", table, "--decision", "Discount", "--input", '{"amount": 20}', "--json")
    assert found["output"] == 0
    assert [rule["id"] for rule in found["decisions"][0]["rules"]] == ["r1"]
    assert "matched rule" in partitur("dmn", table, "--input", '{"amount": 20}')


def test_a_decision_that_cannot_be_evaluated_says_why(partitur, table, tmp_path):
    assert "UNIQUE" in partitur("dmn", table, "--input", '{"amount": 70}', code=1)
    assert "It has: discount" in partitur("dmn", table, "--decision", "nope", code=1)
    (tmp_path / "bad.dmn").write_text("no xml")
    assert "bad.dmn" in partitur("dmn", tmp_path / "bad.dmn", code=1)
    assert "none was named" in partitur("dmn", code=1)


def test_requests_of_the_compatibility_kit_are_answered_line_by_line(table):
    request = json.dumps({"dmn": str(table), "name": "Discount", "kind": "decision", "inputs": {"amount": 20}})
    result = CliRunner().invoke(app, ["dmn", "--jsonl"], input=f"{request}\n{request}\n")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [{"value": {"$number": "0"}}] * 2


@pytest.mark.parametrize(("switch", "code"), [("on", 0), ("off", 1), (None, 1), ("perhaps", 1)])
def test_the_operator_turns_python_scripts_on(partitur, tmp_path, monkeypatch, switch, code):
    pytest.importorskip("pydantic_monty")
    if switch is not None:
        monkeypatch.setenv("PARTITUR_PYTHON_SCRIPTS", switch)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "p.bpmn").write_bytes(file("6 * 7").content)
    partitur("deploy", tmp_path / "p.bpmn", code=code)
    if code == 0:
        key = partitur("start", "P", "--json")["key"]
        assert "42" in partitur("show", key)
