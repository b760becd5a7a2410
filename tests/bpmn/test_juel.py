"""JUEL as Camunda 7 has it: the coercions of EL 2.2, templates, and a short list of calls."""

from __future__ import annotations

import re

import pytest

from bpmn.juel import JuelError, JuelSyntaxError, compile_juel


def evaluate(source, **variables):
    return compile_juel(source).evaluate(variables)


@pytest.mark.parametrize(("text", "expected"), [
    ("${1 + 2 * 3}", 7),
    ("${7 / 2}", 3.5),
    ("${7 div 2}", 3.5),
    ("${-150 % 7}", -3),
    ("${150 mod -7}", 3),
    ("${7.5 % 2}", 1.5),
    ("${'3' + 4}", 7),
    ("${'3.5' * 2}", 7.0),
    ("${null + null}", 0),
    ("${'' + 1}", 1),
    ("${1e3}", 1000.0),
    ("${-(-3)}", 3),
])
def test_arithmetic_is_javas(text, expected):
    value = evaluate(text)

    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(("text", "expected"), [
    ("${1 == 1.0}", True),
    ("${'1' == 1}", True),
    ("${null == 0}", False),
    ("${null == null}", True),
    ("${true == 'true'}", True),
    ("${1 lt 2 and 2 ge 2}", True),
    ("${'a' lt 'b'}", True),
    ("${null lt 1}", False),
    ("${1 ne 2}", True),
    ("${not false && !false}", True),
    ("${false || 'true'}", True),
    ("${true and null}", False),
    ("${empty null && empty '' && empty x}", True),
    ("${not empty y}", True),
    ("${1 < 2 ? 'yes' : 'no'}", "yes"),
    ("${false ? 1 : true ? 2 : 3}", 2),
    ("${ordered}", 1),
    ("${nothing}", None),
])
def test_logic_and_comparison_convert_as_el_says(text, expected):
    assert evaluate(text, x=[], y=[1], ordered=1, nothing=None) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("${order.items[1].name}", "b"),
    ("${order['items'][0]['name']}", "a"),
    ("${order.missing}", None),
    ("${order.missing.deeper}", None),
    ("${order.items[9]}", None),
    ("${order.items['0'].name}", "a"),
])
def test_properties_and_elements(text, expected):
    assert evaluate(text, order={"items": [{"name": "a"}, {"name": "b"}]}) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("Dear ${name}, you owe #{amount}.", "Dear Jo, you owe 12.5."),
    ("${name}", "Jo"),
    ("${amount}", 12.5),
    (" ${amount}", " 12.5"),
    ("${ok}/${nothing}/${items}", 'true//["a",1]'),
    (r"\${name}", "${name}"),
    ("${'}'}", "}"),
    ("$ {x} 5$", "$ {x} 5$"),
])
def test_template_joins_texts_and_a_single_expression_keeps_its_type(text, expected):
    assert evaluate(text, name="Jo", amount=12.5, ok=True, nothing=None, items=["a", 1]) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("${execution.getVariable('a')}", 1),
    ("${execution.getVariable('zzz')}", None),
    ("${execution.hasVariable('a')}", True),
    ("${execution.hasVariable('zzz')}", False),
    ("${execution.processBusinessKey}", "B-1"),
    ("${execution.getProcessBusinessKey()}", "B-1"),
    ("${s.contains('ell')}", True),
    ("${s.substring(1, 3).toUpperCase()}", "EL"),
    ("${s.equals('hello') && s.length() == 5}", True),
    ("${l.contains(2) and l.size() == 2 and not l.isEmpty()}", True),
    ("${l.get(0)}", 1),
    ("${m.containsKey('k')}", True),
    ("${S(j).prop('a').prop('b').numberValue()}", 5),
    ("${JSON(m).hasProp('k')}", True),
])
def test_calls_that_are_allowed(text, expected):
    scope = {"a": 1, "s": "hello", "l": [1, 2], "m": {"k": 1}, "j": '{"a": {"b": 5}}',
             "execution": {"processBusinessKey": "B-1"}}

    assert compile_juel(text).evaluate(scope) == expected


def test_moments_leave_as_iso_8601():
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")

    assert moment.fullmatch(evaluate("${now()}"))
    assert moment.fullmatch(evaluate("${dateTime().plusDays(2).minusMonths(1).toDate()}"))
    assert evaluate("${dateTime().plusHours(1).getTime() > now().getTime()}") is True


def test_names_are_the_variables_that_it_reads():
    assert compile_juel("${a.b + c[d]} ${execution.getVariable('e')}").names == {"a", "c", "d", "e"}


@pytest.mark.parametrize(("text", "position"), [
    ("${", 0),
    ("${}", 2),
    ("a ${1 +} b", 7),
    ("${a b}", 4),
    ("${a.save()}", 4),
    ("${bean.call(x)}", 7),
    ("${execution.setVariable('x', 1)}", 12),
    ("${exec('rm')}", 2),
    ("${fn:length(x)}", 2),
    ("${a.getClass()}", 4),
    ("${''.getClass().forName('x')}", 5),
    ("${a instanceof b}", 4),
    ("${99999999999999999999}", 2),
    ("${a = 1}", 4),
    ("${+1}", 2),
    ("${'abc}", 0),
])
def test_anything_else_is_refused_with_its_place(text, position):
    with pytest.raises(JuelSyntaxError) as refusal:
        compile_juel(text)

    assert refusal.value.position == position
    assert refusal.value.message.startswith("Expected")


@pytest.mark.parametrize(("text", "message"), [
    ("${amuont}", "Expected the variable `amuont`, but there is none; did you mean `amount`?"),
    ("${'a' + 'b'}", "to join texts, write ${one}${two}"),
    ("${1 / 0}", "Expected a divisor, but it is zero."),
    ("${amount.size()}", "Expected to call `size()`, but a number has no such method."),
    ("${amount.prop}", "Expected an object or a list to read `prop` of, but there is a number."),
    ("${text.substring(9)}", "Expected positions within the text"),
    ("${text.contains()}", "Expected `contains()` with 1 argument, but there are 0."),
    ("${9223372036854775807 + 1}", "Expected a whole number of 64 bits"),
    ("${list && true}", "Expected true or false, but there is a list."),
    ("${S(text)}", "Expected a text in JSON"),
])
def test_failures_say_what_was_expected(text, message):
    with pytest.raises(JuelError) as failure:
        evaluate(text, amount=1, text="abc", list=[1])

    assert message in str(failure.value)


@pytest.mark.parametrize("text", [
    "${a.__class__}", "${a['__class__']}", "${l.__class__}", "${a.keys}", "${execution.__class__}",
])
def test_no_property_leads_to_python(text):
    try:
        value = evaluate(text, a={}, l=[1], execution={})
    except JuelError:
        value = None
    assert value is None


@pytest.mark.parametrize("text", [
    "${" + "(" * 3000 + "1" + ")" * 3000 + "}", "${" + "!" * 5000 + "true}", "${" + "1+" * 4000 + "1}",
    "${" + "a." * 3000 + "a}",
    "${a" + "[0]" * 3000 + "}", "x" * 20_000, "${" * 4000,
], ids=["brackets", "nots", "sum", "dots", "indexes", "long", "opened"])
def test_monstrous_text_is_refused(text):
    try:
        assert compile_juel(text).evaluate({"a": None}) == 1
    except JuelSyntaxError:
        return
    assert text.startswith("${(")  # brackets alone cost nothing


def test_replacement_cannot_fill_the_memory():
    with pytest.raises(JuelError, match="too long"):
        evaluate("${t.replace('a', t)}", t="a" * 2000)
