"""How the XML of a DMN file is looked at: by local names, so that DMN 1.1 to 1.5 read alike."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.reading.nodes import Node, local_name

MODEL_NAMESPACES = frozenset({
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
    "https://www.omg.org/spec/DMN/20240513/MODEL/",
})
"""DMN 1.1, 1.2, 1.3, 1.4, 1.5 and 1.6."""

BOXED = frozenset({"literalExpression", "decisionTable", "context", "invocation", "functionDefinition", "relation",
                   "list", "conditional", "filter", "for", "some", "every"})
"""The elements that are expressions (DMN 1.5 §7.3.1)."""


def children(node: Node, name: str) -> list[Node]:
    """The child elements of that name."""
    return list(node.iterchildren("{*}" + name))


def child(node: Node | None, name: str) -> Node | None:
    """The first child element of that name."""
    return None if node is None else node.find("{*}" + name)


def text_of(node: Node | None) -> str:
    """What stands in the `<text>` of an expression, "" if there is none."""
    found = child(node, "text")
    return (found.text or "").strip() if found is not None else ""


def name_of(node: Node) -> str:
    """The name attribute, with single spaces."""
    return " ".join((node.get("name") or "").split())


def expressions(node: Node) -> Iterator[Node]:
    """The child elements that are expressions."""
    return (found for found in node.iterchildren("{*}*") if local_name(found) in BOXED)


def expression_of(node: Node | None) -> Node | None:
    """The first child element that is an expression."""
    return None if node is None else next(expressions(node), None)
