"""A measured figure, and how the figures are shown."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

GOAL = re.compile(r"([≤≥]) ([\d,.]+)( ms| ×| × floor| %)?")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `stock` is None where stock SpiffWorkflow cannot do it or has no such thing.

    `floor` is what the same rows cost when the bare driver writes them. `target` is what is to be reached: a bound of
    the figure itself, of how many times better than stock it is (`≥ 60 ×`), or of how many times the floor it takes
    (`≤ 2 × floor`); other words are for the reader.
    """

    group: str
    name: str
    unit: str
    partitur: float
    stock: float | None = None
    floor: float | None = None
    target: str = ""
    note: str = ""
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than stock."""
        if not self.stock or not self.partitur:
            return None
        return self.partitur / self.stock if self.more_is_better else self.stock / self.partitur

    @property
    def times_floor(self) -> float | None:
        """How many times the floor it takes."""
        return self.partitur / self.floor if self.floor else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None if it is none that can be compared."""
        goal = GOAL.fullmatch(self.target)
        if goal is None:
            return None
        sign, bound, kind = goal.groups()
        found = {" × floor": self.times_floor, " ×": self.ratio}.get(kind or "", self.partitur)
        if found is None:
            return None
        limit = float(bound.replace(",", ""))
        return found <= limit if sign == "≤" else found >= limit


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "spiffworkflow": version("spiffworkflow"),
        "load": os.getloadavg()[0],
    }


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print one table per group; columns that are empty in all of its lines are left out."""
    for group in dict.fromkeys(figure.group for figure in figures):
        lines = [figure for figure in figures if figure.group == group]
        cells = [_cells(figure) for figure in lines]
        heads = ("", "", "Partitur", "floor", "× floor", "stock", "ratio", "to reach", "", "")
        shown = [index for index in range(len(heads)) if index < 3 or any(line[index] for line in cells)]
        table = Table(title=group, title_justify="left")
        for index in shown:
            table.add_column(heads[index], justify="right" if 2 <= index <= 6 else "left")
        for line in cells:
            table.add_row(*(line[index] for index in shown))
        console.print(table)


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name, figure.unit, readable(figure.partitur), _readable(figure.floor), _times(figure.times_floor, 2),
        _readable(figure.stock), _times(figure.ratio, 1), figure.target,
        {None: "", True: "reached", False: "MISSED"}[figure.reached], figure.note,
    )


def _readable(value: float | None) -> str:
    return "" if value is None else readable(value)


def _times(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f} ×"


def readable(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures and what they were taken on as JSON."""
    lines = [
        {**asdict(figure), "ratio": figure.ratio, "times_floor": figure.times_floor, "reached": figure.reached}
        for figure in figures
    ]
    path.write_text(json.dumps({"machine": machine(), "figures": lines}, indent=2, ensure_ascii=False) + "\n")
