"""Decisions that need each other, knowledge models, services, imports and boxed expressions."""

from __future__ import annotations

import pytest

from bpmn.dmn import DecisionError, DmnRefused, parse, read
from tests.bpmn.dmn.tables import decision, definitions, literal, table


def test_required_decision_is_known_by_its_name_and_its_id():
    # given
    content = definitions(
        decision("base", literal("amount * 2"), name="Base rate"),
        decision("total", literal("Base rate + base"), requires=("base",)))

    # when
    outcome = parse(content, "test.dmn").evaluate("total", {"amount": 5})

    # then
    assert outcome.output == 20
    assert [record.id for record in outcome.decisions] == ["base", "total"]


def test_variable_with_the_name_of_a_required_decision_does_not_replace_it():
    content = definitions(decision("base", literal("1")), decision("total", literal("base + 1"), requires=("base",)))

    assert parse(content, "test.dmn").evaluate("total", {"base": 100}).output == 2


def test_shared_decision_is_evaluated_once():
    content = definitions(
        decision("a", literal("random number()")),
        decision("b", literal("a"), requires=("a",)),
        decision("c", literal("a"), requires=("a",)),
        decision("d", literal("b = c"), requires=("b", "c")))

    assert parse(content, "test.dmn").evaluate("d", {}).output is True


def test_decisions_that_need_each_other_are_an_error():
    content = definitions(decision("a", literal("1"), requires=("b",)), decision("b", literal("1"), requires=("a",)))

    with pytest.raises(DecisionError, match="needs itself"):
        parse(content, "test.dmn").evaluate("a", {})


def test_camunda_7_knows_the_output_columns_of_a_required_table():
    content = definitions(
        decision("d1", table(["x"], ["season"], ["> 1 | \"Winter\""])),
        decision("d2", table(["season"], ["dish"], ['"Winter" | "Stew"']), requires=("d1",)),
        platform="Camunda Platform")

    assert parse(content, "test.dmn").evaluate("d2", {"x": 5}).output == "Stew"


def test_output_columns_with_spaces_are_known_whatever_the_order_in_the_file():
    content = definitions(
        decision("d2", literal("the season"), requires=("d1",)),
        decision("d1", table(["x"], ["the season"], ["> 1 | \"Winter\""])),
        platform="Camunda Platform")

    assert parse(content, "test.dmn").evaluate("d2", {"x": 5}).output == "Winter"


def test_input_data_converts_to_its_type():
    content = definitions(
        '<itemDefinition name="tDay"><typeRef>date</typeRef></itemDefinition>'
        '<inputData id="in_day" name="day"><variable name="day" typeRef="tDay"/></inputData>',
        decision("d", literal("day.year"), requires=("in_day",)))

    assert parse(content, "test.dmn").evaluate("d", {"day": "2031-05-06"}).output == 2031


def test_value_outside_of_the_allowed_ones_is_null():
    content = definitions(
        '<itemDefinition name="tStatus"><typeRef>string</typeRef>'
        '<allowedValues><text>"gold", "tin"</text></allowedValues></itemDefinition>',
        decision("d", literal("status"), type="tStatus"))

    assert parse(content, "test.dmn").evaluate("d", {"status": "gold"}).output == "gold"
    assert parse(content, "test.dmn").evaluate("d", {"status": "iron"}).output is None


KNOWLEDGE = (
    '<businessKnowledgeModel id="fact" name="fact"><variable name="fact"/><encapsulatedLogic>'
    '<formalParameter name="n" typeRef="number"/>'
    "<literalExpression><text>if n &lt; 2 then 1 else n * fact(n - 1)</text></literalExpression>"
    "</encapsulatedLogic></businessKnowledgeModel>")


def test_knowledge_model_is_a_function_that_may_call_itself():
    need = '<knowledgeRequirement><requiredKnowledge href="#fact"/></knowledgeRequirement>'
    content = definitions(KNOWLEDGE, decision("d", need + literal("fact(n)")))

    assert parse(content, "test.dmn").evaluate("d", {"n": 20}).output == 2432902008176640000


def test_knowledge_models_may_call_each_other():
    # given
    def knowledge(name, other, end):
        return (f'<businessKnowledgeModel id="{name}" name="{name}"><knowledgeRequirement>'
                f'<requiredKnowledge href="#{other}"/></knowledgeRequirement><encapsulatedLogic>'
                f'<formalParameter name="n"/><literalExpression><text>if n = 0 then {end} else {other}(n - 1)</text>'
                "</literalExpression></encapsulatedLogic></businessKnowledgeModel>")

    need = '<knowledgeRequirement><requiredKnowledge href="#even"/></knowledgeRequirement>'
    content = definitions(knowledge("even", "odd", "true"), knowledge("odd", "even", "false"),
                          decision("d", need + literal("even(n)")))

    # when
    model = parse(content, "test.dmn")

    # then
    assert [model.evaluate("d", {"n": n}).output for n in (10, 7)] == [True, False]


def test_knowledge_model_without_end_is_an_error():
    need = '<knowledgeRequirement><requiredKnowledge href="#fact"/></knowledgeRequirement>'
    content = definitions(KNOWLEDGE.replace("n - 1", "n + 1"), decision("d", need + literal("fact(2)")))

    with pytest.raises(DecisionError, match="ran out of room"):
        parse(content, "test.dmn").evaluate("d", {})


def test_service_is_a_function_of_its_inputs():
    content = definitions(
        '<inputData id="in_x" name="x"/>',
        decision("twice", literal("x * 2"), requires=("in_x",)),
        '<decisionService id="s" name="s"><outputDecision href="#twice"/><inputData href="#in_x"/></decisionService>',
        decision("d", '<knowledgeRequirement><requiredKnowledge href="#s"/></knowledgeRequirement>'
                 + literal("s(4) + s(x: 5)")))

    assert parse(content, "test.dmn").evaluate("d", {"x": 100}).output == 18


def test_imported_model_is_known_by_its_alias():
    # given
    library = definitions(decision("rate", literal("0.2"), name="Base rate"), namespace="urn:library")
    content = definitions(
        '<import namespace="urn:library" name="lib" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>',
        decision("d", '<informationRequirement><requiredDecision href="urn:library#rate"/></informationRequirement>'
                 + literal("lib.Base rate * 100")))

    # when
    model = parse(content, "test.dmn", {"library.dmn": library})

    # then
    assert model.evaluate("d", {}).output == 20


def test_missing_import_is_refused():
    content = definitions('<import namespace="urn:x" name="x" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>')

    with pytest.raises(DmnRefused, match="Expected a file with the namespace 'urn:x' to import"):
        parse(content, "test.dmn")


@pytest.mark.parametrize(("logic", "expected"), [
    ("<context><contextEntry><variable name='a'/>{1}</contextEntry>"
     "<contextEntry><variable name='b'/>{a + 1}</contextEntry></context>", {"a": 1, "b": 2}),
    ("<context><contextEntry><variable name='a'/>{1}</contextEntry><contextEntry>{a + 1}</contextEntry></context>", 2),
    ("<list>{1}{2}</list>", [1, 2]),
    ("<relation><column name='a'/><column name='b'/><row>{1}{2}</row></relation>", [{"a": 1, "b": 2}]),
    ("<conditional><if>{x > 1}</if><then>{1}</then><else>{2}</else></conditional>", 1),
    ("<filter><in>{[1, 2, 3]}</in><match>{item > x - 1}</match></filter>", [2, 3]),
    ("<for iteratorVariable='i'><in>{[1, 2]}</in><return>{i * x}</return></for>", [2, 4]),
    ("<some iteratorVariable='i'><in>{[1, 2]}</in><satisfies>{i = x}</satisfies></some>", True),
    ("<every iteratorVariable='i'><in>{[1, 2]}</in><satisfies>{i = x}</satisfies></every>", False),
    ("<invocation>{function(a) a + 1}<binding><parameter name='a'/>{x}</binding></invocation>", 3),
])
def test_boxed_expressions(logic, expected):
    # given a short form in which braces are literal expressions
    filled = logic.replace("{", "<literalExpression><text>").replace("}", "</text></literalExpression>")
    content = definitions(decision("d", filled.replace(" > ", " &gt; ")))

    # when, then
    assert parse(content, "test.dmn").evaluate("d", {"x": 2}).output == expected


def test_every_problem_of_a_file_is_named_with_its_place():
    # given
    content = definitions(
        decision("a", literal("1 +")),
        decision("b", table(["x"], ["r"], ["> 1 | (2", "< | 3"])),
        decision("c", literal("1"), requires=("nowhere",)),
        decision("e", '<literalExpression expressionLanguage="groovy"><text>x</text></literalExpression>'))

    # when
    model, problems = read(content, "test.dmn")

    # then
    assert [(problem.element_id, problem.message) for problem in problems] == [
        ("c", "Expected an element with the id 'nowhere' to be required, but there is none."),
        ("a", "Expected a value, but the expression ends. In: '1 +', character 4."),
        ("rule1", "Expected `)`, but the expression ends. In: '(2', character 3."),
        ("rule2", "Expected a value, but the expression ends. In: '<', character 2."),
        ("e", "Expected an expression in FEEL, but it is in 'groovy'."),
    ]
    assert model is not None
    with pytest.raises(DecisionError, match="Expected a value"):
        model.evaluate("a", {})


def test_external_functions_are_refused_by_name():
    content = definitions(decision("d", '<functionDefinition kind="Java">' + literal('{class: "java.lang.Math"}')
                                   + "</functionDefinition>"))

    with pytest.raises(DmnRefused, match="it is an external Java function, which this engine does not load"):
        parse(content, "test.dmn")


@pytest.mark.parametrize(("content", "message"), [
    (b"", "it is empty"),
    (b"<nonsense/>", "Expected DMN definitions, but the file begins with <nonsense>."),
    (b"<!DOCTYPE x><definitions/>", "DOCTYPE"),
    (b"<definitions", "well-formed XML"),
])
def test_file_that_is_no_dmn_is_refused(content, message):
    with pytest.raises(DmnRefused, match=message):
        parse(content, "test.dmn")


def test_unknown_decision_is_an_error():
    with pytest.raises(DecisionError, match="Expected a decision with the id 'x', but there is none"):
        parse(definitions(), "test.dmn").evaluate("x", {})
