"""Forms and data made by chance, so that form-js and we can be asked about the same ones."""

from __future__ import annotations

from hypothesis import strategies as st

LETTERS = "abcdef"
TEXTS = st.sampled_from(["", " ", "x", "no", "Anna", "a@b.de", "a@b", "+4930664040900", "12", "1.25", "  padded ",
                         "ä€𝒳", "line\nbreak", "2024-02-29", "10:30", "2024-02-29T10:30",
                         "2024-02-29T10:30+01:00", "true"])
# form-js fails when it counts the decimals of 1e21.
NUMBERS = st.sampled_from([0, 1, 2, 3, 5, 7.5, -4, 0.1, 1.25, 100, 1e-7, 12345678.9])
PLAIN = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
CHOICES = ("red", "green", 3, True)
VALUES = {
    "textfield": TEXTS, "textarea": TEXTS, "number": st.one_of(NUMBERS, st.none()),
    "checkbox": st.booleans(), "radio": st.sampled_from([*CHOICES, None]), "select": st.sampled_from([*CHOICES, None]),
    "checklist": st.lists(st.sampled_from(["red", "green", 3]), unique=True, max_size=3),
    "taglist": st.lists(st.sampled_from(["red", "green", 3]), unique=True, max_size=3),
    "datetime": st.none(),
}
"""What somebody may enter."""
CONDITIONS = st.sampled_from([
    '=a = "x"', "=a = 1", "=b > 3", "=c", "=not(c)", "=a = null", '=a != "Anna"', "=b >= 1 and c", "=d = 3 or c = true",
    "=b, c", "=count(e) > 1", "=f < 5", "=string length(a) > 2", "=1", "=null", "=this.a = 1",
])
LIMITS = st.one_of(st.sampled_from([0, 1, 2, 5, -3, 1.5, "2"]), st.sampled_from(["=b", "=1 + 1", "=null"]))


@st.composite
def rules(draw):
    found = {}
    for name, values in (
        ("required", st.booleans()), ("pattern", st.sampled_from([r"^\w+$", r"\d{2}", "[^a]", r"^\s*$", "x$", "a|b"])),
        ("min", LIMITS), ("max", LIMITS), ("minLength", LIMITS), ("maxLength", LIMITS),
        ("validationType", st.sampled_from(["email", "phone"])), ("patternErrorMessage", st.just("Not so.")),
    ):
        if draw(st.integers(0, 3)) == 0:
            found[name] = draw(values)
    return found


@st.composite
def field(draw, key, id):
    kind = draw(st.sampled_from(sorted(VALUES)))
    found = {"type": kind, "key": key, "id": id, "label": f"Field {key}"}
    allowed = draw(rules())
    # form-js fails where it takes the length of a number, and where a pattern meets a list.
    if kind not in ("textfield", "textarea"):
        allowed = {name: rule for name, rule in allowed.items() if name in ("required", "min", "max")}
    if kind not in ("textfield", "textarea", "number"):
        allowed = {name: rule for name, rule in allowed.items() if name == "required"}
    if draw(st.booleans()):
        found["validate"] = allowed
    if kind == "number":
        for name, values in (("decimalDigits", st.sampled_from([0, 1, 2])), ("increment", st.sampled_from([1, 0.5, 3])),
                             ("serializeToString", st.booleans())):
            if draw(st.integers(0, 3)) == 0:
                found[name] = draw(values)
    if kind in ("radio", "select", "checklist", "taglist"):
        source = draw(st.sampled_from(["values", "valuesKey", "valuesExpression"]))
        found[source] = {"values": [{"label": str(each), "value": each} for each in CHOICES], "valuesKey": "options",
                         "valuesExpression": '=["red", 3]'}[source]
        if source == "valuesExpression" and "list" in kind:
            # form-js keeps a text there, or fails: only we make a list of it.
            found["key"] = f"list {key}"
    if kind == "datetime":
        found["subtype"] = draw(st.sampled_from(["date", "time", "datetime"]))
    return found


@st.composite
def components(draw, prefix="", depth=0):
    found = []
    for letter in draw(st.lists(st.sampled_from(LETTERS), unique=True, min_size=1, max_size=4)):
        id = f"{prefix}{letter}"
        kind = draw(st.integers(0, 9)) if depth < 2 else 9
        if kind == 0:
            made = {"type": "group", "id": id, "path": draw(st.sampled_from([f"g{letter}", ""])), "label": "Group"}
            made["components"] = draw(components(f"{id}_", depth + 1)) if made["path"] else [draw(field(id, f"{id}_v"))]
        elif kind == 1:
            made = {"type": "dynamiclist", "id": id, "path": f"l{letter}", "label": "List", "isRepeating": True,
                    "allowAddRemove": draw(st.booleans()), "defaultRepetitions": draw(st.integers(0, 2)),
                    "components": draw(components(f"{id}_", depth + 1))}
        elif kind == 2:
            made = {"type": "expression", "id": id, "key": letter,
                    "computeOn": draw(st.sampled_from(["change", "presubmit"])),
                    "expression": draw(st.sampled_from(['="x"', "=1 + 2", "=nothing", "=[1, 2]"]))}
        else:
            made = draw(field(letter, id))
        if draw(st.integers(0, 3)) == 0:
            made["conditional"] = {"hide": draw(CONDITIONS)}
        if draw(st.integers(0, 7)) == 0:
            made["disabled"] = True
        if draw(st.integers(0, 7)) == 0 and made["type"] != "expression":
            made["readonly"] = draw(st.sampled_from([True, "=c", '=a = "x"']))
        found.append(made)
    return found


@st.composite
def data(draw, inside=0):
    found = {letter: draw(PLAIN) for letter in draw(st.lists(st.sampled_from(LETTERS), unique=True, max_size=5))}
    if inside == 0 and draw(st.booleans()):
        found["options"] = draw(st.sampled_from([["red", 3], [{"value": "green"}], "none", [None, {}]]))
    if inside < 2:
        for letter in draw(st.lists(st.sampled_from(LETTERS), unique=True, max_size=2)):
            found[f"l{letter}"] = draw(st.one_of(st.lists(data(inside=inside + 1), max_size=3), st.just("no list")))
        for letter in draw(st.lists(st.sampled_from(LETTERS), unique=True, max_size=2)):
            found[f"g{letter}"] = draw(data(inside=inside + 1))
    return found


def _fields(items):
    for item in items:
        if "components" in item:
            yield from _fields(item["components"])
        elif item["type"] in VALUES:
            yield item


def _enterable(item):
    """What a person could enter: of a selection only what is offered, in one line no line break."""
    values = VALUES[item["type"]]
    if "valuesKey" in item:
        return None
    if item["type"] == "datetime":
        return st.sampled_from([None, {"date": "2024-02-29", "time": "10:30", "datetime": "2024-02-29T10:30Z"}[
            item["subtype"]]])
    if item.get("serializeToString"):
        return values.map(lambda value: None if value is None else f"{value:g}")
    if "valuesExpression" in item:
        return st.sampled_from([["red"], [3, "red"], []] if "list" in item["type"] else ["red", 3, None])
    return values.filter(lambda value: "\n" not in str(value)) if item["type"] == "textfield" else values


@st.composite
def cases(draw):
    """A form, the data that it is opened with, and what somebody enters: field id → value."""
    written = draw(components())
    entered = {item["id"]: draw(values) for item in _fields(written)
               if draw(st.booleans()) and (values := _enterable(item)) is not None}
    return {"schema": {"type": "default", "id": "made", "schemaVersion": 19, "components": written},
            "data": draw(data()), "entered": entered}
