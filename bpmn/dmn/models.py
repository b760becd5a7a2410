"""A DMN file: read once, compiled, shared and never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bpmn.dmn.boxed import BadExpression, Boxes
from bpmn.dmn.evaluation import Evaluation
from bpmn.dmn.graph import Decision, Element, InputData, Knowledge, Required, Service
from bpmn.dmn.outcome import DecisionError, Outcome
from bpmn.dmn.types import Types
from bpmn.dmn.xml import children, name_of
from bpmn.feel.errors import FeelError, FeelSyntaxError
from bpmn.feel.limits import running
from bpmn.feel.values import Value, to_json
from bpmn.problems import Problem, Severity
from bpmn.reading.nodes import MODELER_NS, Node, line, local_name

_KINDS: Mapping[str, Callable[[Node, DecisionModel], Element]]
_MEMBER_TAGS = ("itemComponent", "variable", "column", "output", "formalParameter", "inputData", "decision",
                "businessKnowledgeModel", "decisionService")


class DecisionModel:
    """The decisions of one file.

    Make one with `bpmn.dmn.parse`; `problems` says what is wrong with it, so that one broken decision does not hide
    what is wrong with the next.
    """

    def __init__(self, root: Node, resource_name: str) -> None:
        self.resource_name = resource_name
        self.id = root.get("id") or ""
        self.name = name_of(root)
        self.namespace = root.get("namespace") or ""
        self.is_camunda7 = root.get(f"{{{MODELER_NS}}}executionPlatform") == "Camunda Platform"
        self.problems: list[Problem] = []
        self.imports: dict[str, DecisionModel] = {}
        self._root = root
        self._elements: dict[str, Element] = {}
        self.members: set[str] = {name for node in root.iter("{*}*") if local_name(node) in _MEMBER_TAGS
                                  and (name := name_of(node))}
        definitions = {name_of(node): node for node in children(root, "itemDefinition")}
        self.types = Types(definitions, self.members, self._refuse_tests)
        self.boxes = Boxes(self.types, self.members)
        for node in root.iterchildren("{*}*"):
            kind = _KINDS.get(local_name(node))
            if kind is not None:
                element = kind(node, self)
                self._elements[element.id] = element
        self.decisions: Mapping[str, Decision] = {
            key: element for key, element in self._elements.items() if isinstance(element, Decision)}
        """The decisions by id, in XML order."""

    @property
    def elements(self) -> Mapping[str, Element]:
        """All elements of the graph by id."""
        return self._elements

    def named(self, name: str, kind: type[Element]) -> Element | None:
        """The element of a kind with that name, here or in an imported model."""
        for model in (self, *self.imports.values()):
            for element in model.elements.values():
                if element.name == name and isinstance(element, kind):
                    return element
        return None

    def link(self, others: Sequence[DecisionModel]) -> None:
        """Find imported models and required elements; before `compile`."""
        by_namespace = {model.namespace: model for model in others}
        for node in children(self._root, "import"):
            found = by_namespace.get(node.get("namespace") or "")
            if found is not None:
                alias = name_of(node)
                self.imports[alias] = found
                self.types.imported[alias] = found.types
                self.members |= found.members
            elif "DMN" in (node.get("importType") or ""):
                self._refuse(node, f"Expected a file with the namespace {node.get('namespace')!r} to import, "
                                   "but there is none among those deployed.")
        for element in self._elements.values():
            element.requires = tuple(self._requirements(element))
            if isinstance(element, Service):
                self._try(element, element.link)

    def compile(self) -> None:
        """Compile every expression; what fails goes into `problems`."""
        self.types.named()
        compiled: set[str] = set()
        for element in self._elements.values():
            self._compile(element, compiled)

    def _compile(self, element: Element, compiled: set[str]) -> None:
        """Compile an element after what it requires: in Camunda 7 it may use the output columns of those."""
        if element.id in compiled:
            return
        compiled.add(element.id)
        for required in element.requires:
            if required.element.model is self:
                self._compile(required.element, compiled)
        self._try(element, element.compile)

    def _try(self, element: Element, step: Callable[[], None]) -> None:
        failures = self.boxes.failures
        try:
            step()
        except BadExpression as error:
            failures.append(error)
        for failure in failures:
            element.problem = element.problem or failure.message
            self._refuse(failure.node, failure.message, element)
        failures.clear()

    def _requirements(self, element: Element) -> Iterator[Required]:
        for requirement in element.node.iterchildren("{*}informationRequirement", "{*}knowledgeRequirement"):
            for reference in requirement.iterchildren("{*}*"):
                if reference.get("href"):
                    try:
                        yield self.resolve(reference)
                    except BadExpression as error:
                        self._refuse(error.node, error.message, element)

    def resolve(self, reference: Node) -> Required:
        """The element that an `href` names. Raises BadExpression if there is none."""
        namespace, _, key = (reference.get("href") or "").rpartition("#")
        if namespace in ("", self.namespace) and key in self._elements:
            return Required(self._elements[key], None)
        for alias, model in self.imports.items():
            if (not namespace or model.namespace == namespace) and key in model.elements:
                return Required(model.elements[key], alias or None)
        raise BadExpression(f"Expected an element with the id {key!r} to be required, but there is none.", reference)

    def _refuse_tests(self, node: Node, error: FeelSyntaxError) -> None:
        self._refuse(node, error.message)

    def _refuse(self, node: Node, message: str, element: Element | None = None) -> None:
        self.problems.append(Problem(
            severity=Severity.ERROR, message=message, resource_name=self.resource_name,
            element_id=_nearest_id(node) or (element.id if element else None),
            element_name=element.name if element else None, line=line(node)))

    def evaluate(self, decision_id: str, variables: Mapping[str, Any], warnings: list[str] | None = None) -> Outcome:
        """Evaluate a decision and all it requires for JSON-native variables.

        Raises DecisionError if there is no such decision, a rule of DMN is broken (two rules match under UNIQUE),
        a budget runs out, or the result cannot be stored.
        """
        decision = self.decisions.get(decision_id)
        if decision is None:
            raise DecisionError(f"Expected a decision with the id {decision_id!r}, but there is none.", decision_id)
        run = Evaluation(variables)
        collected: list[str] = [] if warnings is None else warnings
        value = self.compute(decision, run, collected)
        try:
            output = to_json(value)
        except FeelError as error:
            raise DecisionError(str(error), decision_id) from error
        return Outcome(output=output, decisions=tuple(run.decisions), warnings=collected)

    def compute(self, element: Element, run: Evaluation, warnings: list[str] | None = None) -> Value:
        """The FEEL value of an element in an evaluation, within the budget of one. Raises DecisionError."""
        try:
            with running(warnings):
                return run.value_of(element)
        except FeelError as error:
            raise DecisionError(str(error), element.id) from error


def _nearest_id(node: Node | None) -> str | None:
    while node is not None:
        if node.get("id"):
            return node.get("id")
        node = node.getparent()
    return None


_KINDS = {
    "inputData": InputData,
    "decision": Decision,
    "businessKnowledgeModel": Knowledge,
    "decisionService": Service,
}
