"""References to secrets in the fields of a connector: `{{secrets.NAME}}`, and the older `secrets.NAME`.

Source: Camunda 8 docs, "Using connectors", section "Using secrets". A reference counts only where the diagram itself
says it: what comes from a variable may be written by anybody, and must not make the connector send a secret away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bpmn.model import Element
from service_tasks.errors import GiveUp

BRACES = re.compile(r"\{\{\s*secrets\.(?P<name>[A-Za-z0-9_./-]+?)\s*\}\}")
BARE = re.compile(r"(?<![\w./@-])secrets\.(?P<name>(?:[A-Za-z0-9_]+[/._-])*[A-Za-z0-9_]+)")


class SecretMissing(GiveUp):
    """A secret that a call needs is not stored."""


def referenced(value: Any) -> frozenset[str]:
    """The names of the secrets that a JSON value refers to."""
    if isinstance(value, str):
        rest = BRACES.sub(" ", value)
        return frozenset(match["name"] for match in BRACES.finditer(value)) | frozenset(
            match["name"] for match in BARE.finditer(rest))
    if isinstance(value, Mapping):
        return referenced_in([*value.keys(), *value.values()])
    return referenced_in(value) if isinstance(value, list) else frozenset()


def referenced_in(values: Iterable[Any]) -> frozenset[str]:
    """The names of the secrets that any of some JSON values refers to."""
    return frozenset().union(*map(referenced, values))


def drawn(element: Element) -> frozenset[str]:
    """The names of the secrets that the input mappings of an element name in the diagram."""
    return referenced_in(mapping.source.text for mapping in element.inputs)


Path = tuple[str, ...]


def drawn_at(element: Element) -> dict[Path, frozenset[str]]:
    """The names of the secrets that each input mapping of an element names in the diagram, by its target."""
    return {tuple(mapping.target.split(".")): referenced(mapping.source.text) for mapping in element.inputs}


def resolve(value: Any, named: Mapping[Path, frozenset[str]], secrets: Mapping[str, str], at: Path = ()) -> Any:
    """A JSON value with the secrets in place of the references to those that the diagram itself names for this part
    of it (`named`, by path); what looks like another reference stays as it is: a variable may have brought it, and
    would have a secret of one field sent in another one. Raises SecretMissing if a named one is not among `secrets`.
    """
    if isinstance(value, str):
        here = frozenset().union(*(names for path, names in named.items() if at[: len(path)] == path))
        # In one go, so that nothing inside a secret's value is taken for a reference.
        return EITHER.sub(lambda found: _value(found, here, secrets), value)
    if isinstance(value, Mapping):
        return {resolve(key, named, secrets, at): resolve(item, named, secrets, (*at, str(key)))
                for key, item in value.items()}
    return [resolve(item, named, secrets, at) for item in value] if isinstance(value, list) else value


def _value(found: re.Match[str], named: frozenset[str], secrets: Mapping[str, str]) -> str:
    name = found["braces"] or found["bare"]
    if name not in named:
        return found[0]
    if name not in secrets:
        raise SecretMissing(
            f"Expected a secret named {name!r}, but none is stored. `partitur secrets set {name}` stores it."
        )
    return secrets[name]


EITHER = re.compile(
    BRACES.pattern.replace("?P<name>", "?P<braces>") + "|" + BARE.pattern.replace("?P<name>", "?P<bare>")
)
