"""`python -m bench`: prints the figures, and writes them with `--json FILE`."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from rich.console import Console

from bench import core, expressions, http, order_example, persisted, services
from bench.figures import show, write

PARTS = {
    "core": core.measure,
    "expressions": expressions.measure,
    "persisted": persisted.measure,
    "order-example": order_example.measure,
    "services": services.measure,
    "http": http.measure,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description="What Partitur costs, beside stock SpiffWorkflow.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one or more of {', '.join(PARTS)}; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"Expected parts among {', '.join(PARTS)}, but found {', '.join(sorted(unknown))}.")
    console = Console() if sys.stdout.isatty() else Console(width=160)
    # As a serving process does: what was imported is no garbage.
    gc.collect()
    gc.freeze()
    figures = []
    for name in arguments.parts or PARTS:
        with console.status(f"Measuring {name} ..."):
            made = list(PARTS[name]())
        show(made, console)
        figures += made
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
