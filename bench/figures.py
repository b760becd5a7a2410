"""A measured figure, and how the figures are shown."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `stock` is None where stock SpiffWorkflow cannot do it or has no such thing."""

    group: str
    name: str
    unit: str
    partitur: float
    stock: float | None = None
    target: str = ""
    note: str = ""
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than stock."""
        if not self.stock or not self.partitur:
            return None
        return self.partitur / self.stock if self.more_is_better else self.stock / self.partitur


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
    """Print one table per group."""
    for group in dict.fromkeys(figure.group for figure in figures):
        table = Table("", "", "Partitur", "stock", "ratio", "to reach", "", title=group, title_justify="left")
        for column in (2, 3, 4):
            table.columns[column].justify = "right"
        for figure in figures:
            if figure.group == group:
                table.add_row(
                    figure.name,
                    figure.unit,
                    readable(figure.partitur),
                    "" if figure.stock is None else readable(figure.stock),
                    "" if figure.ratio is None else f"{figure.ratio:,.1f} ×",
                    figure.target,
                    figure.note,
                )
        console.print(table)


def readable(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures and what they were taken on as JSON."""
    document = {"machine": machine(), "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
