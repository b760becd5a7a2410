"""Calling functions, whoever wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from bpmn.feel.limits import check_size, current_run, spend, warn
from bpmn.feel.values import Builtin, Function, Value, type_name


def call(function: Value, positional: list[Value], named: dict[str, Value] | None = None) -> Value:
    """The result of a function for these arguments; null if it is none, or they do not fit its parameters."""
    kind = type(function)
    if kind is Builtin:
        return _call_builtin(function, positional, named)
    if kind is not Function:
        warn(f"Expected a function to call, but it is a {type_name(function)}.")
        return None
    arguments = _arrange(function, positional, named)
    if arguments is None:
        return None
    spend(1)
    converted = [argument if kind is None else kind.convert(argument)
                 for argument, kind in zip(arguments, function.types, strict=True)]
    for given, fitted, name in zip(arguments, converted, function.parameters, strict=True):
        if fitted is None and given is not None:
            warn(f"Expected another type of argument for `{name}` than a {type_name(given)}.")
            return None
    result = function.call(converted)
    return result if function.result is None else function.result.convert(result)


def _call_builtin(function: Builtin, positional: list[Value], named: dict[str, Value] | None) -> Value:
    # What it costs to look at every argument once, roughly; the time limit sees to the rest.
    cost = 1
    for value in positional if named is None else named.values():
        if type(value) is list or type(value) is str:
            cost += len(value) >> 5
    run = current_run()
    run.spend(cost)
    result = function.invoke(positional, named)
    if type(result) is list or type(result) is str:
        check_size(len(result))
        run.spend(len(result) >> 5)
    return result


def _arrange(function: Function, positional: list[Value], named: dict[str, Value] | None) -> Sequence[Value] | None:
    wanted = function.parameters
    if named is None:
        if len(positional) == len(wanted):
            return positional
    elif named.keys() == set(wanted):
        return [named[name] for name in wanted]
    given = len(positional) if named is None else ", ".join(named)
    warn(f"Expected the arguments ({', '.join(wanted)}) for {function.name or 'a function'}, but got {given}.")
    return None
