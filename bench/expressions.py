"""FEEL, JUEL and decision tables, beside `bkflow-feel` (the extra `bench`; it is no dependency of ours)."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from rich.markup import escape

from bench.figures import Figure
from bench.timing import cpu_seconds
from bpmn import dmn
from bpmn.expressions import camunda7
from bpmn.feel import compile_feel
from bpmn.feel.library import BUILTIN_NAMES
from bpmn.feel.parser import parse_expression
from bpmn.feel.program import Program

GROUP = "Expressions (CPU time; stock is bkflow-feel, which parses anew each time)"
CONDITION = 'amount > 100 and customer.status = "gold"'
SCOPE: Mapping[str, Any] = {"i": 3, "amount": 120, "customer": {"status": "gold"}, "items": [1, 2, 3, 4]}
CASES = (
    ("loop condition", "i < 10", ""),
    ("counter", "i + 1", ""),
    ("gateway condition", CONDITION, "≤ 1.5"),
    ("price with tax", "amount * 1.19", ""),
    ("call of a function", "sum(items)", ""),
    ("filter of four", "items[item > 2]", ""),
)
HEAD = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="d">'
    '<decision id="d" name="d"><decisionTable><input><inputExpression><text>status</text></inputExpression></input>'
    '<input><inputExpression><text>amount</text></inputExpression></input><output name="r"/>'
)


def measure() -> Iterator[Figure]:
    """All figures of expressions."""
    for name, text, target in CASES:
        program = compile_feel(text)
        yield _figure(name, partial(program.function, SCOPE), target, _stock(text), text)
    yield _figure(
        "parse and compile",
        lambda: Program(CONDITION, parse_expression(CONDITION, (), BUILTIN_NAMES)),
        "≤ 100",
        None,
        CONDITION,
    )
    juel = camunda7("${amount > 100 && customer.status == 'gold'}").function
    yield _figure("JUEL condition", lambda: juel(SCOPE), "", None, "")
    yield from _tables()


def _tables() -> Iterator[Figure]:
    model = dmn.parse(_twenty_rows(), "bench.dmn")
    variables = {"status": "s19", "amount": 195}
    table = model.decisions["d"].table
    assert table is not None
    yield _figure("20 rows, the last one hits", lambda: table.evaluate(variables), "≤ 40", None, "")
    yield _figure("the same, recorded for the history", lambda: model.evaluate("d", variables), "", None, "")


def _twenty_rows() -> bytes:
    rows = "".join(
        f'<rule id="r{row}"><inputEntry><text>"s{row}"</text></inputEntry>'
        f"<inputEntry><text>[{row * 10}..{row * 10 + 9}]</text></inputEntry>"
        f"<outputEntry><text>{row}</text></outputEntry></rule>"
        for row in range(20)
    )
    return f"{HEAD}{rows}</decisionTable></decision></definitions>".encode()


def _figure(name: str, run: Callable[[], Any], target: str, stock: Callable[[], Any] | None, note: str) -> Figure:
    return Figure(
        group=GROUP,
        name=name,
        unit="µs",
        partitur=cpu_seconds(run) * 1e6,
        stock=None if stock is None else cpu_seconds(stock) * 1e6,
        target=target,
        note=escape(note),
    )


def _stock(text: str) -> Callable[[], Any] | None:
    if importlib.util.find_spec("bkflow_feel") is None:
        return None
    evaluate = importlib.import_module("bkflow_feel.api").parse_expression
    # It does not know all of FEEL: then it raises, or writes a log and gives nothing.
    logging.disable(logging.CRITICAL)
    try:
        agrees = evaluate(text, SCOPE) == compile_feel(text).evaluate(SCOPE)
    except Exception:
        return None
    finally:
        logging.disable(logging.NOTSET)
    return (lambda: evaluate(text, SCOPE)) if agrees else None
