"""What is wrong with a file, in words for whoever drew it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error refuses the deployment; a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a file, in the analyst's words."""

    severity: Severity
    message: str
    resource_name: str
    element_id: str | None = None
    element_name: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = f" element {self.element_id!r}" if self.element_id else ""
        name = f" ({self.element_name})" if self.element_name and self.element_name != self.element_id else ""
        line = f" line {self.line}" if self.line else ""
        place = f"{where}{name}{line}"
        return f"{self.resource_name}:{place}{':' if place else ''} {self.message}"
