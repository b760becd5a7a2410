"""`partitur dmn`: evaluate a decision of a file, without deploying it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from bpmn import dmn as models
from bpmn.dmn import DecisionError, DecisionModel, DmnRefused, EvaluatedDecision, Outcome
from bpmn.dmn.wire import serve
from bpmn.feel.values import show
from web.cli.feel import read_object, show_warnings
from web.cli.group import Refused, show_problems
from web.cli.opening import read_file
from web.cli.terminal import Json, answer, fail, table

File = Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False, help="A DMN file.")]
Decision = Annotated[
    str | None,
    typer.Option("--decision", "-d", metavar="ID", show_default=False,
                 help="Its id or name; not needed if the file has only one."),
]
Input = Annotated[
    str | None,
    typer.Option("--input", "-i", metavar="JSON|FILE", show_default=False, help="The variables: a JSON object."),
]
Jsonl = Annotated[
    bool,
    typer.Option("--jsonl", help="Answer the requests of the DMN compatibility kit's runner, one line of JSON each."),
]


def dmn(file: File = None, decision: Decision = None, input: Input = None, jsonl: Jsonl = False,
        json: Json = False) -> None:
    """Evaluate a decision of a DMN file: the result, and the rules that matched."""
    if jsonl:
        serve(sys.stdin, sys.stdout)
        return
    if file is None:
        raise Refused("Expected a DMN file to evaluate, but none was named.")
    try:
        model = models.parse(read_file(file), file.name, _imports(file))
    except DmnRefused as refused:
        problems = refused.problems
        fail(f"Expected {file.name} to be DMN that can be evaluated, but it is not.", problems,
             lambda console: show_problems(console, problems))
        raise typer.Exit(1) from refused
    variables = read_object(input, "the input")
    try:
        outcome = model.evaluate(_chosen(model, decision), variables)
    except DecisionError as error:
        raise Refused(error.message) from error
    answer(outcome, lambda console: _show(console, outcome, model))


def _imports(file: Path) -> Mapping[str, bytes]:
    """The other DMN files of the folder, if the file imports any."""
    if not models.namespaces(read_file(file))[1]:
        return {}
    return {other.name: read_file(other) for other in sorted(file.parent.glob("*.dmn")) if other.name != file.name}


def _chosen(model: DecisionModel, wanted: str | None) -> str:
    if wanted is None and len(model.decisions) == 1:
        return next(iter(model.decisions))
    for decision in model.decisions.values():
        if wanted in (decision.id, decision.name):
            return decision.id
    there = ", ".join(model.decisions) or "none"
    asked = "none was named" if wanted is None else f"there is no {wanted!r}"
    raise Refused(f"Expected the id of a decision of {model.resource_name} (--decision), but {asked}. It has: {there}.")


def _show(console: Console, outcome: Outcome, model: DecisionModel) -> None:
    console.print(escape(show(outcome.output, True)), soft_wrap=True)
    for decision in outcome.decisions:
        console.print()
        console.print(f"[bold]{escape(decision.name or decision.id)}[/] = {escape(show(decision.output, True))}",
                      soft_wrap=True)
        _show_table(console, decision)
    show_warnings(console, outcome.warnings)


def _show_table(console: Console, decision: EvaluatedDecision) -> None:
    if decision.inputs:
        console.print(table(["input", "value"], _values(decision.inputs)))
    if decision.kind == "DECISION_TABLE":
        outputs = [output.name or "output" for output in decision.rules[0].outputs] if decision.rules else []
        rows = ([f"{rule.index}", *(show(output.value, True) for output in rule.outputs)] for rule in decision.rules)
        console.print(table(["matched rule", *outputs], rows) if decision.rules else "[dim]no rule matched[/]")


def _values(inputs: Any) -> list[list[str]]:
    return [[each.name, show(each.value, True)] for each in inputs]
