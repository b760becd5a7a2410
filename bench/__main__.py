"""`python -m bench`: prints the figures, and writes them with `--json FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from bench import core, expressions, http, nodes, order_example, pages, persisted, persisted_cases, scale, services
from bench.figures import show, write
from engine import garbage

PARTS = {
    "core": core.measure,
    "expressions": expressions.measure,
    "persisted": persisted.measure,
    "order-example": order_example.measure,
    "services": services.measure,
    "http": http.measure,
    "cases": persisted_cases.measure,
    "scale": scale.measure,
    "pages": pages.measure,
    "nodes": nodes.measure,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description="What Partitur costs, beside stock SpiffWorkflow.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one or more of {', '.join(PARTS)}; all by default")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="the same; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    chosen = arguments.parts + arguments.only
    unknown = set(chosen) - PARTS.keys()
    if unknown:
        parser.error(f"Expected parts among {', '.join(PARTS)}, but found {', '.join(sorted(unknown))}.")
    console = Console() if sys.stdout.isatty() else Console(width=200)
    garbage.collect_rarely()      # as a serving process does
    figures = []
    for name in chosen or PARTS:
        with console.status(f"Measuring {name} ..."):
            made = list(PARTS[name]())
        show(made, console)
        figures += made
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
