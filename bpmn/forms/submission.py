"""What of somebody's answer is taken, and what is wrong with it: form-js' rules, without a browser.

The form is opened with the variables that are there, and the answer is put in where its fields may be changed. Then
it is looked at as form-js does when its form is submitted: what is hidden is neither checked nor taken, values that
cannot be chosen are dropped, expressions are computed anew, and the rest is checked. Fields that are disabled or
readonly keep what was there, whatever the answer says.

Source: form-js, `Form`, `FormField`, `ConditionChecker`, `RepeatRenderManager`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from bpmn.feel.limits import running
from bpmn.forms import paths, rules, values
from bpmn.forms.conditions import Condition, Scope
from bpmn.forms.form import MULTIPLE, SINGLE, Component, Form
from bpmn.forms.paths import MISSING

MAX_PASSES = 20
"""How often values that follow from each other are looked at; form-js stops as well."""
MAX_ITEMS = 1_000
"""How many elements of a dynamic list one answer may have."""
MAX_PLACES = 150_000
"""How many fields one answer may have in all elements of all lists: lists in lists multiply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field. `indexes` says in which elements of the dynamic lists around it, from outside."""

    id: str
    label: str
    path: tuple[str | int, ...]
    messages: tuple[str, ...]
    indexes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.label or '.'.join(map(str, self.path))}: {' '.join(self.messages)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is taken of an answer, as variables, and what is wrong with it."""

    data: Mapping[str, Any]
    errors: tuple[FieldError, ...] = ()

    @property
    def errors_by_field(self) -> dict[str, Any]:
        """The errors as form-js keeps them: id → messages, with the indexes between for dynamic lists."""
        found: dict[str, Any] = {}
        for error in self.errors:
            paths.put(found, (error.id, *error.indexes), list(error.messages))
        return found


@dataclass(slots=True)
class _Context:
    """What expressions see at one place: all data, the element of the list they are in, what is around it."""

    data: Mapping[str, Any]
    this: Any
    parent: Mapping[str, Any] | None = None
    places: tuple[int, ...] = ()

    def scope(self) -> Scope:
        """Its names for FEEL; variables hide the short ones, so there are long ones too."""
        special = {"this": self.this, "parent": self.parent, "i": list(self.places)}
        return {**special, **self.data, **{f"_{name}_": value for name, value in special.items()}}

    def inside(self, item: Any, place: int) -> _Context:
        """The context of one element of a list."""
        around = _Context(self.this if isinstance(self.this, dict) else {}, self.this, self.parent, self.places)
        return _Context(self.data, item, around.scope(), (*self.places, place + 1))


@dataclass(slots=True)
class _Field:
    """A component that is shown, at one place in the data."""

    component: Component
    path: tuple[str | int, ...]
    scope: Scope
    indexes: tuple[int, ...] = ()
    is_fixed: bool = False
    """Nobody may change it: it is disabled or readonly, or a group around it is."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where components stand in the data, and whether what is around them lets them be changed."""

    path: tuple[str | int, ...] = ()
    indexes: tuple[int, ...] = ()
    is_fixed: bool = False

    def at(self, path: tuple[str | int, ...], is_fixed: bool) -> _Place:
        """The place inside a group."""
        return _Place(path, self.indexes, is_fixed)

    def item(self, path: tuple[str | int, ...], place: int, is_fixed: bool) -> _Place:
        """The place inside one element of a dynamic list."""
        return _Place((*path, place), (*self.indexes, place), is_fixed)


class _TooLarge(Exception):
    """The form has more fields, in the elements of its lists, than anybody can look at."""


@dataclass(slots=True)
class _State:
    """A form that is filled in."""

    form: Form
    opened_with: Mapping[str, Any]
    initial: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    places: int = 0

    def visit(self, places: int) -> None:
        """Count fields that are looked at. Raises _TooLarge."""
        self.places += places
        if self.places > MAX_PLACES:
            raise _TooLarge

    def shown(self) -> list[_Field]:
        """Every field and dynamic list that is not hidden."""
        seen = {**self.initial, **_without_hidden(self.form, self.data)}
        return list(_walk(self.form.components, _Place(), _Context(seen, seen), self.data))


def submit(form: Form, variables: Mapping[str, Any], answer: Mapping[str, Any], *, whole: bool = True) -> Submission:
    """Take an answer to a form that was opened with some variables.

    With `whole` it is what form-js submits: a dynamic list that is not in it has no elements. Otherwise what is not
    in it stays as it was.
    """
    state = _State(form, variables)
    try:
        state.initial = _opened(state, form.components, (), deepcopy(dict(variables)))
        state.data = deepcopy(state.initial)
        with running():
            _fill_in(state, form.components, (), answer, whole)
            return _result(state, _settle(state))
    except _TooLarge:
        return Submission(data={}, errors=(FieldError(id=form.id, label=form.id, path=(), messages=(
            f"Expected at most {MAX_PLACES:,} fields in all elements of all lists, but there are more.",)),))


def opened(form: Form, variables: Mapping[str, Any]) -> Submission:
    """What a form says that nobody has changed."""
    return submit(form, variables, {}, whole=False)


def _result(state: _State, shown: list[_Field]) -> Submission:
    data: dict[str, Any] = {}
    errors = []
    for each in shown:
        component = each.component
        value = paths.get(state.data, each.path)
        if component.repeats:
            if value in (MISSING, []):
                # form-js says nothing of a list whose last element was taken away: the old one would stay.
                paths.put(data, each.path, [])
            continue
        if component.disabled:
            continue
        if value is not MISSING:
            paths.put(data, each.path, value)
        messages = rules.broken(component, None if value is MISSING else value, each.scope)
        if messages:
            errors.append(FieldError(id=component.id, label=component.label, path=each.path, messages=tuple(messages),
                                     indexes=each.indexes))
    return Submission(data=data, errors=tuple(errors))


def _opened(state: _State, components: Sequence[Component], base: tuple[str | int, ...],
            data: dict[str, Any]) -> dict[str, Any]:
    """The data of a form that is opened: every field has a value it can hold, every list its elements."""
    state.visit(len(components))
    for component in components:
        path = (*base, *component.path)
        value = paths.get(data, path)
        if component.is_keyed:
            if value is not MISSING:
                value = values.clean(component, value, state.opened_with)
            elif component.has_default:
                value = component.default
            else:
                value = values.empty(component)
            paths.put(data, path, value)
        elif component.repeats:
            items = value if isinstance(value, list) and value else _first_items(component, value)
            items = [item if isinstance(item, dict) else {} for item in items]
            paths.put(data, path, items)
            for place in range(len(items)):
                _opened(state, component.components, (*path, place), data)
        else:
            _opened(state, component.components, path, data)
    return data


def _first_items(component: Component, value: Any) -> list[Any]:
    if isinstance(value, list):
        return []
    count = component.settings.get("defaultRepetitions", 1)
    return [{} for _ in range(min(int(count), MAX_ITEMS) if isinstance(count, int | float) and count > 0 else 0)]


def _fill_in(state: _State, components: Iterable[Component], base: tuple[str | int, ...], answer: Mapping[str, Any],
             whole: bool) -> None:
    """Put an answer where it may be put."""
    for component in components:
        path = (*base, *component.path)
        given = paths.get(answer, path)
        if component.disabled or component.readonly is True:
            continue
        if component.is_keyed:
            if given is not MISSING:
                paths.put(state.data, path, values.clean(component, given, state.opened_with))
        elif component.repeats:
            _fill_in_list(state, component, path, answer, whole)
        else:
            _fill_in(state, component.components, path, answer, whole)


def _fill_in_list(state: _State, component: Component, path: tuple[str | int, ...], answer: Mapping[str, Any],
                  whole: bool) -> None:
    given, items = paths.get(answer, path), paths.get(state.data, path)
    items = items if isinstance(items, list) else []
    if isinstance(given, list) or whole:
        wanted = len(given) if isinstance(given, list) else 0
        if component.settings.get("allowAddRemove", True):
            items = [items[place] if place < len(items) else {} for place in range(min(wanted, MAX_ITEMS))]
    paths.put(state.data, path, items)
    for place in range(len(items)):
        _opened(state, component.components, (*path, place), state.data)
        _fill_in(state, component.components, (*path, place), answer, whole)


def _settle(state: _State) -> list[_Field]:
    """Bring the values that follow from others into line, until nothing changes any more; what is shown then.

    What is computed when the form is submitted changes nothing of that.
    """
    for _ in range(MAX_PASSES):
        shown = state.shown()
        state.visit(len(shown) // 4)
        if sum(_adjust(state, each) for each in shown) == 0:
            break
    late = [each for each in shown
            if each.component.settings.get("computeOn") == "presubmit" and not each.is_fixed]
    for each, value in [(each, _computed(each)) for each in late]:
        paths.put(state.data, each.path, value)
    return shown


def _adjust(state: _State, each: _Field) -> bool:
    component = each.component
    value = paths.get(state.data, each.path)
    wanted = value
    if each.is_fixed:
        wanted = paths.get(state.initial, each.path)
    elif component.expression is not None and component.settings.get("computeOn", "change") == "change":
        wanted = _computed(each)
    elif component.type in SINGLE | MULTIPLE:
        wanted = _chosen(state, each, value)
    if wanted is MISSING or values.same(wanted, value):
        return False
    paths.put(state.data, each.path, deepcopy(wanted))
    return True


def _computed(each: _Field) -> Any:
    return each.component.expression.value(each.scope) if each.component.expression is not None else None


def _chosen(state: _State, each: _Field, value: Any) -> Any:
    """What of a selection may be chosen."""
    allowed = values.choices(each.component, state.initial, each.scope)
    if allowed is None:
        return value
    if each.component.type in MULTIPLE:
        return [item for item in value if values.contains(allowed, item)] if isinstance(value, list) else value
    return value if not value or values.contains(allowed, value) else None


def _walk(components: Iterable[Component], place: _Place, context: _Context,
          data: Mapping[str, Any]) -> Iterator[_Field]:
    if not components:
        return
    scope = context.scope()
    for component in components:
        if component.hide is not None and component.hide.holds(scope):
            continue
        path = (*place.path, *component.path)
        is_fixed = place.is_fixed or component.disabled or (
            component.readonly.holds(scope) if isinstance(component.readonly, Condition) else component.readonly)
        if component.is_keyed or component.repeats:
            yield _Field(component, path, scope, place.indexes, is_fixed)
        if component.repeats:
            items = paths.get(data, path)
            for number, item in enumerate(items if isinstance(items, list) else []):
                yield from _walk(component.components, place.item(path, number, is_fixed),
                                 context.inside(item, number), data)
        elif component.components:
            yield from _walk(component.components, place.at(path, is_fixed), context, data)


def _without_hidden(form: Form, data: dict[str, Any]) -> dict[str, Any]:
    """The data without what is hidden by it."""
    if not any(component.hide is not None for component in form.all()):
        return data
    kept = deepcopy(data)
    for path in list(_hidden(form.components, (), _Context(data, data), False, data)):
        paths.clear(kept, path)
    return kept


def _hidden(components: Iterable[Component], base: tuple[str | int, ...], context: _Context, is_hidden: bool,
            data: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    for component in components:
        path = (*base, *component.path)
        gone = is_hidden or (component.hide is not None and component.hide.holds(context.scope()))
        if gone and (component.is_keyed or component.type == "dynamiclist"):
            yield path
        elif component.repeats:
            items = paths.get(data, path)
            for place, item in enumerate(items if isinstance(items, list) else []):
                yield from _hidden(component.components, (*path, place), context.inside(item, place), gone, data)
        elif component.components:
            yield from _hidden(component.components, path, context, gone, data)
