"""What is known about a file while it is read: its dialect, its ids, and what was found wrong so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bpmn import expressions
from bpmn.expressions import Expression, ExpressionError, Literal
from bpmn.model import Dialect
from bpmn.problems import Problem, Severity
from bpmn.reading.nodes import (
    BPMN,
    CAMUNDA_NS,
    MODELER,
    ZEEBE_NS,
    Node,
    attribute,
    descendants,
    identifier,
    line,
    local_name,
    namespace,
    text,
)
from bpmn.wording import quoted

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
RESERVED = frozenset({
    "null", "true", "false", "if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "and", "or",
    "not", "between", "instance", "of", "function", "external",
})
"""Words of FEEL that cannot stand for a variable."""
SCRIPT_LANGUAGES = frozenset({"javascript", "ecmascript", "js", "groovy", "python", "jython", "ruby", "jruby"})

ScriptLanguages = Mapping[str, Callable[[str], Expression]]
"""What compiles the scripts of a language, beside FEEL and JUEL; raises ExpressionError."""
NO_LANGUAGES: ScriptLanguages = {}

PARTS = frozenset({
    "definitions", "extensionElements", "conditionExpression", "condition", "timeDate", "timeDuration", "timeCycle",
    "multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "loopCardinality", "loopCondition",
    "completionCondition", "script",
})
"""Elements that belong to another one, where their problems are shown."""


class Source:
    """One file while it is read.

    `dialect` is the platform the file was drawn for; `stated` says whether the file says so itself
    (`modeler:executionPlatform`). When it does not, each expression shows its own language: FEEL behind `=`, JUEL
    inside `${…}`, and the extension elements of both dialects are read.
    """

    def __init__(self, root: Node, resource_name: str, languages: ScriptLanguages = NO_LANGUAGES) -> None:
        self.root = root
        self.resource_name = resource_name
        self.languages = languages
        self.problems: dict[Problem, None] = {}
        """In the order in which they were found, each once."""
        self.nodes: dict[str, Node] = {}
        for node in descendants(root):
            self.nodes.setdefault(identifier(node), node)
        self.nodes.pop("", None)
        platform = attribute(root, MODELER + "executionPlatform")
        self.stated = platform in (Dialect.CAMUNDA_7, Dialect.CAMUNDA_8)
        self.dialect = Dialect(platform) if self.stated and platform else _guess(root)

    def reads(self, dialect: Dialect) -> bool:
        """Whether extension elements of this dialect mean something in the file."""
        return self.dialect == dialect or not self.stated

    def error(self, node: Node | None, message: str) -> None:
        """Note something that keeps the file from being deployed."""
        self._note(Severity.ERROR, node, message)

    def warn(self, node: Node | None, message: str) -> None:
        """Note something doubtful."""
        self._note(Severity.WARNING, node, message)

    def _note(self, severity: Severity, node: Node | None, message: str) -> None:
        owner = node
        # What has no id of its own (a condition, an event definition) is shown on the element around it.
        while owner is not None and not _is_shown(owner):
            owner = owner.getparent()
        self.problems[Problem(
            severity=severity,
            message=message,
            resource_name=self.resource_name,
            element_id=identifier(owner) or None,
            element_name=attribute(owner, "name"),
            line=line(node),
        )] = None

    def expression(self, node: Node, written: str, what: str) -> Expression:
        """Compile an expression; a syntax error is noted on the element. `what` names it, with its article."""
        try:
            return self._compile(written)
        except ExpressionError as error:
            self._note_syntax(node, what, written, error)
            return Literal(written)

    def optional(self, node: Node | None, written: str | None, what: str) -> Expression | None:
        """Compile an expression that may be missing."""
        return None if node is None or written is None else self.expression(node, written, what)

    def feel(self, node: Node, written: str, what: str) -> Expression:
        """Compile a text that is FEEL with or without its leading `=`."""
        try:
            return expressions.feel(written)
        except ExpressionError as error:
            self._note_syntax(node, what, written, error)
            return Literal(written)

    def script(self, node: Node, language: str, written: str) -> Expression:
        """Compile a script in one of `languages`."""
        try:
            return self.languages[language](written)
        except ExpressionError as error:
            self._note_syntax(node, "the script", written, error)
            return Literal(written)

    def condition(self, node: Node | None, what: str, plain_is_feel: bool = False) -> Expression | None:
        """Compile the text of a condition, which must be an expression: a plain text is never true or false.

        With `plain_is_feel` a text without any mark is read as FEEL.
        """
        written = text(node)
        if node is None or written is None:
            return None
        language = (attribute(node, "language") or "").lower()
        if language == "feel" or (plain_is_feel and "${" not in written and "#{" not in written):
            return self.feel(node, written, what)
        if language in SCRIPT_LANGUAGES:
            self.error(node, f"Expected {what} in FEEL (= …) or as ${{…}}, but it is a script in {language}.")
            return Literal(written)
        known = len(self.problems)
        compiled = self.expression(node, written, what)
        if isinstance(compiled, Literal) and len(self.problems) == known:
            wanted = "= …" if self.dialect is Dialect.CAMUNDA_8 else "${…}"
            self.error(node, f"Expected {what} to be an expression ({wanted}), but it is the text {quoted(written)}.")
        return compiled

    def variable(self, node: Node, name: str, what: str) -> Expression:
        """The value of the variable `name`, null if there is none."""
        if NAME.match(name) and name not in RESERVED:
            return self.feel(node, name, what)
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        return self.expression(node, f"${{execution.getVariable('{quoted}')}}", what)

    def _compile(self, written: str) -> Expression:
        is_feel = self.dialect is Dialect.CAMUNDA_8 if self.stated else written.lstrip().startswith("=")
        return expressions.camunda8(written) if is_feel else expressions.camunda7(written)

    def _note_syntax(self, node: Node, what: str, written: str, error: ExpressionError) -> None:
        self.error(node, f"Expected {what} to be a valid expression, but {quoted(written)} is not: {error.message}")

    def referred(self, node: Node, reference: str, tag: str) -> Node | None:
        """The element of kind `tag` that the attribute `reference` names; None if it is absent or names nothing."""
        found = self.nodes.get(attribute(node, reference) or "")
        return found if found is not None and found.tag == BPMN + tag else None



NULL = expressions.feel("null")
"""The value of what is written as nothing."""


def _is_shown(node: Node) -> bool:
    """Whether a problem can be marked on this element in the diagram."""
    name = local_name(node)
    is_part = name in PARTS or name.endswith("EventDefinition") or namespace(node) in (ZEEBE_NS, CAMUNDA_NS)
    return bool(identifier(node)) and not is_part


def _guess(root: Node) -> Dialect:
    """The dialect of a file that does not state it."""
    used = {namespace(node) for node in descendants(root)}
    used.update(str(name)[1:].partition("}")[0] for node in descendants(root) for name in node.attrib)
    if ZEEBE_NS in used:
        return Dialect.CAMUNDA_8
    if CAMUNDA_NS in used:
        return Dialect.CAMUNDA_7
    conditions = root.iter(BPMN + "conditionExpression", BPMN + "condition")
    feel = any((text(condition) or "").startswith("=") for condition in conditions)
    return Dialect.CAMUNDA_8 if feel else Dialect.CAMUNDA_7
