"""The words for elements and events in sentences that analysts read."""

from __future__ import annotations

from bpmn.model import Element, ElementType, EventKind

HYPHENATED = {"SUB_PROCESS": "sub-process", "EVENT_SUB_PROCESS": "event sub-process",
              "AD_HOC_SUB_PROCESS": "ad-hoc sub-process", "EVENT_BASED_GATEWAY": "event-based gateway"}

MAX_QUOTED = 80
"""How many characters of a text are shown in a sentence about it."""


def words(kind: ElementType | EventKind) -> str:
    """An element type or event kind in words."""
    return HYPHENATED.get(kind.value) or kind.value.lower().replace("_", " ")


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def quoted(text: str) -> str:
    """A text of the file in a sentence, shortened so that the sentence can be read."""
    return repr(text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…")


def label(element: Element) -> str:
    """How an element is called in a sentence about another one."""
    return f"{quoted(element.name)} ({element.id})" if element.name else repr(element.id)
