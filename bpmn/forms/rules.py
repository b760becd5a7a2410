"""Whether a value keeps the rules of its component. The sentences are those of form-js, so that browser and server
say the same of the same value.

Source: form-js, `Validator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

import regex

from bpmn.forms import javascript
from bpmn.forms.conditions import Expression, Scope
from bpmn.forms.form import Component, Rules

EXACT = Context(prec=2_000)
"""Digits enough for any two numbers of `javascript.big`."""

_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL = regex.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
COUNTRIES = (
    "297|93|244|1264|358|355|376|971|54|374|1684|1268|61|43|994|257|32|229|226|880|359|973|1242|387|590|375|501|1441|"
    "591|55|1246|673|975|267|236|1|41|56|86|225|237|243|242|682|57|269|238|506|53|5999|1345|357|420|49|253|1767|45|"
    "1809|1829|1849|213|593|20|291|212|34|372|251|679|500|33|298|691|241|44|995|233|350|224|220|245|240|30|1473|299|"
    "502|594|1671|592|852|504|385|509|36|62|91|246|353|98|964|354|972|39|1876|962|81|76|77|254|996|855|686|1869|82|"
    "383|965|856|961|231|218|1758|423|94|266|370|352|371|853|377|373|261|960|52|692|389|223|356|95|382|976|1670|258|"
    "222|1664|596|230|265|60|262|264|687|227|672|234|505|683|31|47|977|674|64|968|92|507|51|63|680|675|48|1787|1939|"
    "850|351|595|970|689|974|40|7|250|966|249|221|65|4779|677|232|503|378|508|381|211|239|597|421|386|46|268|1721|248|"
    "963|1649|235|228|66|992|690|993|670|676|1868|216|90|688|886|255|256|380|598|998|3906698|379|1784|58|1284|1340|84|"
    "678|681|685|967|27|260|263"
)
AREAS = (
    r"9[976]\d|8[987530]\d|6[987]\d|5[90]\d|42\d|3[875]\d|2[98654321]\d|9[8543210]|8[6421]|6[6543210]|5[87654321]|"
    r"4[987654310]|3[9643210]|2[70]|7|1"
)
PHONE = regex.compile(rf"(?:\+|00)(?:{COUNTRIES})(?:{AREAS})\d{{4,20}}\Z", regex.ASCII)
"""Calling codes of countries, then the number; as form-js knows them."""


def broken(component: Component, value: Any, scope: Scope) -> list[str]:
    """What is wrong with a value, in form-js' order; nothing if it keeps all rules."""
    errors = _number(component, value) if component.type == "number" else []
    rules = component.rules
    if rules is None:
        return errors
    limits = {name: found for name, limit in rules.limits.items()
              if (found := limit.value(scope) if isinstance(limit, Expression) else limit) is not None}
    return [*errors, *_pattern(rules, value), *_required(component, rules, value), *_bounds(limits, value),
            *_lengths(limits, value), *_kind(rules, value)]


def _number(component: Component, value: Any) -> list[str]:
    exact = javascript.big(value) if javascript.truthy(value) else None
    if exact is None:
        return []
    errors = []
    digits, increment = component.settings.get("decimalDigits"), component.settings.get("increment")
    if isinstance(digits, int | float) and 0 <= digits < _decimals(exact):
        errors.append("Value is expected to be an integer." if digits == 0 else
                      "Value is expected to have at most 1 decimal digit." if digits == 1 else
                      f"Value is expected to have at most {javascript.text(digits)} decimal digits.")
    step = javascript.big(increment) if javascript.truthy(increment) else None
    if step:
        offset = EXACT.remainder(exact, abs(step))
        if offset:
            before = EXACT.subtract(exact, offset)
            errors.append("Please select a valid value, the two nearest valid values are "
                          f"{_written(before)} and {_written(EXACT.add(before, step))}.")
    return errors


def _decimals(value: Decimal) -> int:
    exponent = value.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _written(value: Decimal) -> str:
    return format(EXACT.plus(value).normalize(EXACT), "f") if value else "0"


def _pattern(rules: Rules, value: Any) -> list[str]:
    if not rules.pattern or not javascript.truthy(value):
        return []
    found = javascript.matches(rules.pattern, value if isinstance(value, str) else javascript.text(value))
    if found is None:
        return [f"Expected a pattern that is quickly checked, but {rules.pattern[:60]!r} takes too long."]
    return [] if found else [rules.pattern_message or f"Field must match pattern {rules.pattern}."]


def _required(component: Component, rules: Rules, value: Any) -> list[str]:
    is_unchecked = component.type == "checkbox" and value is False
    is_unset = value is None or value in ("", [])
    return ["Field is required."] if rules.required and (is_unchecked or is_unset) else []


def _bounds(limits: Mapping[str, Any], value: Any) -> list[str]:
    if not javascript.truthy(value) and not (javascript.is_number(value) and value == 0):
        return []
    errors = []
    tests: tuple[tuple[str, str, Callable[[Decimal, Decimal], bool]], ...] = (
        ("min", "minimum", lambda number, limit: number < limit),
        ("max", "maximum", lambda number, limit: number > limit))
    for name, word, is_beyond in tests:
        if name not in limits:
            continue
        number, limit = javascript.big(value), javascript.big(limits[name])
        if number is None or limit is None:
            errors.append(f"{name.capitalize()} validation value is not a valid number.")
        elif is_beyond(number, limit):
            errors.append(f"Field must have {word} value of {javascript.text(limits[name])}.")
    return errors


def _lengths(limits: Mapping[str, Any], value: Any) -> list[str]:
    if not isinstance(value, str) or not value:
        return []
    errors = []
    length = javascript.trimmed_length(value)
    least, most = (javascript.number(limits.get(name)) for name in ("minLength", "maxLength"))
    if least is not None and length < least:
        errors.append(f"Field must have minimum length of {javascript.text(limits['minLength'])}.")
    if most is not None and length > most:
        errors.append(f"Field must have maximum length of {javascript.text(limits['maxLength'])}.")
    return errors


def _kind(rules: Rules, value: Any) -> list[str]:
    if not javascript.truthy(value):
        return []
    written = value if isinstance(value, str) else javascript.text(value)
    if rules.kind == "phone" and not PHONE.search(written):
        return ["Field must be a valid international phone number. (e.g. +4930664040900)"]
    if rules.kind == "email" and not EMAIL.fullmatch(written):
        return ["Field must be a valid email."]
    return []
