"""The values of Camunda 7's input and output parameters: texts, expressions, lists, maps and scripts.

Source: Camunda 7 manual, "Delegation Code", section "Input/Output Mapping".
"""

from __future__ import annotations

from bpmn.composites import ListOf, MapOf
from bpmn.expressions import Expression, Literal
from bpmn.model import VariableMapping
from bpmn.reading.nodes import CAMUNDA, Node, attribute, elements, local_name, text
from bpmn.reading.source import NULL, Source


def read_mappings(container: Node | None, tag: str, source: Source) -> tuple[VariableMapping, ...]:
    """The parameters called `tag` of a `camunda:inputOutput`."""
    mappings = []
    for parameter in [] if container is None else container.findall(CAMUNDA + tag):
        name = attribute(parameter, "name")
        if name is None:
            source.error(parameter, "Expected each input and output parameter to have a name, but one has none.")
        else:
            mappings.append(VariableMapping(source=read_value(parameter, name, source), target=name))
    return tuple(mappings)


def read_value(node: Node, name: str, source: Source) -> Expression:
    """The value inside a parameter or map entry; null if it is empty."""
    inside = next(elements(node), None)
    return _value(node if inside is None else inside, name, source)


def _value(node: Node, name: str, source: Source) -> Expression:
    """The value that one element stands for: a list, a map, a script, or its text."""
    kind = local_name(node)
    if kind == "list":
        return ListOf(tuple(_value(item, name, source) for item in elements(node)))
    if kind == "map":
        entries = [item for item in elements(node) if local_name(item) == "entry"]
        keys = [source.expression(item, attribute(item, "key") or "", f"a key of {name!r}") for item in entries]
        return MapOf(tuple(zip(keys, (read_value(item, name, source) for item in entries), strict=True)))
    if kind == "script":
        return read_script(node, node, source)
    written = text(node)
    return NULL if written is None else source.expression(node, written, f"the value of {name!r}")


def read_script(owner: Node, body: Node | None, source: Source) -> Expression:
    """A script in FEEL or JUEL, or in a language that the operator allows. Any other is refused: what is in a model
    is never run as code."""
    language = (attribute(owner, "scriptFormat") or "").lower()
    written = text(body)
    if attribute(owner, CAMUNDA + "resource") or attribute(owner, "resource"):
        source.error(owner, "Expected the script in the diagram, but it is in a file beside it.")
    elif written is None:
        source.error(owner, "Expected a script, but it is empty.")
    elif language == "feel" or written.startswith("="):
        return source.feel(owner, written, "the script")
    elif language == "juel" or written.startswith(("${", "#{")):
        return source.expression(owner, written, "the script")
    elif language in source.languages:
        return source.script(owner, language, written)
    elif language == "python":
        source.error(owner, "Expected a FEEL expression, but it is a Python script, and those are turned off here "
                            "(PARTITUR_PYTHON_SCRIPTS). Write it in FEEL, or let a service task do the work.")
    else:
        named = f"in {language!r}" if language else "without a language"
        source.error(
            owner,
            f"Expected a FEEL expression (scriptFormat feel, or a text behind =), but it is a script {named}. "
            "Write it in FEEL, or let a service task do the work.",
        )
    return NULL if written is None else Literal(written)
