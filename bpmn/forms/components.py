"""Reads the components of a form, each with a place of its own in the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bpmn.forms import javascript
from bpmn.forms.conditions import Condition, Expression, FeelSyntaxError, is_expression
from bpmn.forms.form import GROUPS, KEYED, NOT_HERE, SILENT, Component, Number, Options, Rules
from bpmn.problems import Problem, Severity
from bpmn.wording import quoted

MAX_COMPONENTS = 2_000
MAX_DEPTH = 30
LIMITS = ("min", "max", "minLength", "maxLength")
SHOWN = ("text", "source", "url", "content", "dataSource", "columnsExpression", "title", "alt", "label", "description")
"""Properties that are shown only; where they begin with `=`, they are FEEL."""
FORBIDDEN = frozenset({"__proto__", "constructor"})
_NAME = re.compile(r"[\w-]{1,60}\Z")
T = TypeVar("T")


@dataclass(slots=True)
class _Place:
    """A node of the tree of all paths that the components of a form have claimed (form-js: `PathRegistry`)."""

    inside: dict[str, _Place] = field(default_factory=dict)
    is_value: bool = False
    list_id: str | None = None


class ComponentReader:
    """Reads components and notes what is wrong with them."""

    def __init__(self, resource_name: str) -> None:
        self.problems: list[Problem] = []
        self._resource_name = resource_name
        self._ids: set[str] = set()
        self._root = _Place()
        self._count = self._depth = 0

    @property
    def has_errors(self) -> bool:
        """Whether anything keeps the form from being deployed."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def error(self, id: str | None, message: str) -> None:
        """Note something that keeps the form from being deployed."""
        self.problems.append(Problem(severity=Severity.ERROR, message=message, resource_name=self._resource_name,
                                     element_id=id))

    def warn(self, id: str | None, message: str) -> None:
        """Note something doubtful."""
        self.problems.append(Problem(severity=Severity.WARNING, message=message, resource_name=self._resource_name,
                                     element_id=id))

    def components(self, written: Sequence[Any], base: tuple[str, ...] = (),
                   lists: tuple[str, ...] = ()) -> tuple[tuple[Component, ...], list[dict[str, Any]]]:
        """The components of a form or group, and their JSON for the browser.

        `base` is the path of the group, `lists` the ids of the dynamic lists around it.
        """
        found, schema = [], []
        self._depth += 1
        for item in written:
            if self._is_too_much():
                break
            if not isinstance(item, dict) or not isinstance(item.get("type"), str):
                self.error(None, "Expected each component to be an object with a type, but one is not.")
                continue
            component, shown = self._component(item, base, lists)
            schema += shown
            if component is not None:
                found.append(component)
        self._depth -= 1
        return tuple(found), schema

    def _is_too_much(self) -> bool:
        self._count += 1
        if self._count <= MAX_COMPONENTS and self._depth <= MAX_DEPTH:
            return False
        message = (f"Expected at most {MAX_COMPONENTS:,} components, nested at most {MAX_DEPTH} deep, "
                   "but there are more.")
        if all(problem.message != message for problem in self.problems):
            self.error(None, message)
        return True

    def _component(self, item: Mapping[str, Any], base: tuple[str, ...],
                   lists: tuple[str, ...]) -> tuple[Component | None, list[dict[str, Any]]]:
        type, id = item["type"], self._id(item)
        if type in NOT_HERE or type not in KEYED | GROUPS | SILENT:
            return None, [self._replaced(type, id, item)]
        if type == "button" and item.get("action", "submit") == "submit":
            # The page has a button of its own.
            return None, []
        path = self._path(item, type, id, base, lists)
        inner: tuple[Component, ...] = ()
        shown = {**item, "id": id}
        if type in GROUPS:
            children = item.get("components", [])
            if not isinstance(children, list):
                self.error(id, "Expected the components of a group to be a list, but they are not.")
                children = []
            repeats = type == "dynamiclist" and bool(item.get("isRepeating", True))
            inner, shown["components"] = self.components(children, (*base, *path), (*lists, id) if repeats else lists)
            if path:
                shown["path"] = ".".join(path)
        elif type in KEYED:
            shown["key"] = ".".join(path)
        self._check_shown(item, id)
        return Component(
            type=type, id=id, label=_text(item.get("label") or item.get("dateLabel") or item.get("timeLabel")),
            path=path, hide=self._hide(item, id), disabled=javascript.truthy(item.get("disabled")),
            readonly=self._readonly(item, id), rules=self._rules(item, id), options=self._options(item, id),
            expression=self._feel(item.get("expression"), id, "expression", Expression),
            default=item.get("defaultValue"), has_default="defaultValue" in item, settings=item, components=inner,
        ), [shown]

    def _id(self, item: Mapping[str, Any]) -> str:
        id = item.get("id")
        if not isinstance(id, str) or not id:
            id = f"Field_{self._count}"
        if id in self._ids:
            self.error(id, f"Expected each component once, but there are two with the id {quoted(id)}.")
        self._ids.add(id)
        return id

    def _replaced(self, type: str, id: str, item: Mapping[str, Any]) -> dict[str, Any]:
        if type in NOT_HERE:
            sentence = NOT_HERE[type]
            self.warn(id, f"{sentence} ({type})")
        else:
            named = type if _NAME.match(type) else "of an unknown type"
            sentence = f"A component belongs here that is not known: {named}."
            self.warn(id, f"Expected a component of form-js, but {quoted(type)} is none that is known. It is left out.")
        kept = {name: item[name] for name in ("conditional", "layout") if name in item}
        return {**kept, "type": "text", "id": id, "text": f"*{sentence}*"}

    def _path(self, item: Mapping[str, Any], type: str, id: str, base: tuple[str, ...],
              lists: tuple[str, ...]) -> tuple[str, ...]:
        if type not in KEYED | GROUPS:
            return ()
        name = "key" if type in KEYED else "path"
        written = item.get(name)
        if not isinstance(written, str) or not written:
            if type == "group":
                return ()
            self.warn(id, f"Expected the {type} to have a {name}, but it has none. Its value is kept as {quoted(id)}.")
            written = id
        path = tuple(written.split("."))
        if not all(path) or not FORBIDDEN.isdisjoint(path):
            self.error(id, f"Expected a {name} such as order.amount, but it is {quoted(written)}.")
        elif type != "group" or path:
            self._claim((*base, *path), type, id, lists)
        return path

    def _claim(self, path: tuple[str, ...], type: str, id: str, lists: tuple[str, ...]) -> None:
        place, is_new, is_free = self._root, False, True
        for part in path:
            is_new = part not in place.inside
            place = place.inside.setdefault(part, _Place())
            is_last_list = place.list_id is not None and place.list_id not in lists
            is_free = is_free and not place.is_value and not is_last_list
        repeats = type == "dynamiclist"
        if not is_free or (not is_new and (type in KEYED or repeats)):
            self.error(id, f"Expected each value to have a place of its own, but {quoted('.'.join(path))} is taken.")
            return
        place.is_value = type in KEYED
        place.list_id = id if repeats else place.list_id

    def _hide(self, item: Mapping[str, Any], id: str) -> Condition | None:
        conditional = item.get("conditional")
        hide = conditional.get("hide") if isinstance(conditional, dict) else None
        return self._feel(hide, id, "hide condition", Condition)

    def _readonly(self, item: Mapping[str, Any], id: str) -> bool | Condition:
        written = item.get("readonly")
        if is_expression(written):
            return self._feel(written, id, "readonly condition", Condition) or False
        return javascript.truthy(written)

    def _options(self, item: Mapping[str, Any], id: str) -> Options | None:
        variable = item.get("valuesKey")
        return Options(
            variable=None if variable is None else _text(variable), values=item.get("values"),
            expression=self._feel(item.get("valuesExpression"), id, "expression of the values", Expression))

    def _rules(self, item: Mapping[str, Any], id: str) -> Rules | None:
        written = item.get("validate")
        if not isinstance(written, dict):
            return None
        pattern = written.get("pattern")
        if pattern:
            try:
                javascript.compile_pattern(_text(pattern))
            except javascript.BadPattern as error:
                self.error(id, str(error))
        return Rules(
            required=javascript.truthy(written.get("required")), pattern=_text(pattern) or None,
            pattern_message=_text(written.get("patternErrorMessage")) or None, kind=written.get("validationType"),
            limits={name: limit for name in LIMITS if (limit := self._limit(written.get(name), id, name)) is not None})

    def _limit(self, written: Any, id: str, name: str) -> Number | None:
        if is_expression(written):
            return self._feel(written, id, name, Expression)
        if written is None or written == "":
            return None
        if javascript.number(written) is None:
            self.error(id, f"Expected {name} to be a number or an expression, but it is {quoted(_text(written))}.")
            return None
        limit: Number = written
        return limit

    def _feel(self, written: Any, id: str, what: str, make: Callable[[str], T]) -> T | None:
        if not is_expression(written) or not written[1:].strip():
            return None
        try:
            return make(written)
        except FeelSyntaxError as error:
            self.error(id, f"Expected the {what} {quoted(written)} to be FEEL, but {error.message}")
            return None

    def _check_shown(self, item: Mapping[str, Any], id: str) -> None:
        for name in SHOWN:
            if item["type"] not in KEYED or name not in ("label", "description"):
                self._feel(item.get(name), id, name, Expression)


def _text(value: Any) -> str:
    return "" if value is None else javascript.text(value)
