"""Writes DMN files tersely, as Camunda Modeler writes them."""

from __future__ import annotations

from xml.sax.saxutils import escape

HEAD = ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" '
        'xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="d" name="Test" '
        'namespace="http://camunda.org/schema/1.0/dmn" '
        'modeler:executionPlatform="{platform}">')


def definitions(*parts: str, platform: str = "Camunda Cloud", namespace: str | None = None) -> bytes:
    """A whole file."""
    head = HEAD.format(platform=platform)
    if namespace:
        head = head.replace("http://camunda.org/schema/1.0/dmn", namespace)
    return (head + "".join(parts) + "</definitions>").encode()


def decision(key: str, logic: str, *, requires: tuple[str, ...] = (), name: str | None = None, type: str = "") -> str:
    """A decision; `requires` are ids of decisions, or of inputs if they begin with `in_`."""
    needs = "".join(
        f'<informationRequirement><{"requiredInput" if need.startswith("in_") else "requiredDecision"} href="#{need}"/>'
        "</informationRequirement>" for need in requires)
    variable = f'<variable name="{name or key}" typeRef="{type}"/>' if type else ""
    return f'<decision id="{key}" name="{name or key}">{variable}{needs}{logic}</decision>'


def literal(text: str) -> str:
    """A literal expression."""
    return f"<literalExpression><text>{escape(text)}</text></literalExpression>"


def table(inputs: list[str], outputs: list[str], rules: list[str], policy: str = "UNIQUE", extra: str = "") -> str:
    """A decision table: columns as `expression` or `expression:type`, rules as `cell | cell | output`."""
    columns = "".join(_input(index, *_typed(column)) for index, column in enumerate(inputs, 1))
    results = "".join(_output(index, *_typed(column)) for index, column in enumerate(outputs, 1))
    rows = "".join(_rule(index, len(inputs), rule) for index, rule in enumerate(rules, 1))
    return f'<decisionTable id="t" hitPolicy="{policy}" {extra}>{columns}{results}{rows}</decisionTable>'


def _typed(column: str) -> tuple[str, str]:
    text, _, kind = column.partition(":")
    return text.strip(), kind.strip()


def _input(index: int, text: str, kind: str) -> str:
    reference = f' typeRef="{kind}"' if kind else ""
    return (f'<input id="in{index}" label="{escape(text)}"><inputExpression{reference}>'
            f"<text>{escape(text)}</text></inputExpression></input>")


def _output(index: int, text: str, kind: str) -> str:
    name, _, values = text.partition("=")
    allowed = f"<outputValues><text>{escape(values)}</text></outputValues>" if values else ""
    reference = f' typeRef="{kind}"' if kind else ""
    return f'<output id="out{index}" name="{name.strip()}"{reference}>{allowed}</output>'


def _rule(index: int, inputs: int, rule: str) -> str:
    cells = [cell.strip() for cell in rule.split("|")]
    entries = "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in cells[:inputs])
    outputs = "".join(f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in cells[inputs:])
    return f'<rule id="rule{index}">{entries}{outputs}</rule>'
