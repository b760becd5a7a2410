"""The function library of FEEL. Importing it fills `BUILTINS`."""

from bpmn.feel.library import calendar, contexts, conversion, lists, numbers, range_text, ranges, strings
from bpmn.feel.library.registry import BUILTINS
from bpmn.feel.scanner import Names

BUILTIN_NAMES = Names(BUILTINS)
"""Those whose names are no identifiers, for the parser."""

__all__ = ["BUILTINS", "BUILTIN_NAMES", "calendar", "contexts", "conversion", "lists", "numbers", "range_text",
           "ranges", "strings"]
