"""Reads multi-instance and loop characteristics (BPMN 2.0 §10.3.9)."""

from __future__ import annotations

from bpmn import camunda, zeebe
from bpmn.expressions import Expression
from bpmn.model import Dialect, Loop
from bpmn.reading.fields import LoopFields
from bpmn.reading.nodes import BPMN, Node, attribute, child, flag, text, whole_number
from bpmn.reading.source import Source
from bpmn.wording import quoted


def read_loop(activity: Node, source: Source) -> Loop | None:
    """How often an activity is done; None for once."""
    multi = child(activity, BPMN + "multiInstanceLoopCharacteristics")
    if multi is not None:
        return _multi_instance(multi, source)
    standard = child(activity, BPMN + "standardLoopCharacteristics")
    return None if standard is None else _standard(standard, source)


def _multi_instance(node: Node, source: Source) -> Loop:
    fields = LoopFields()
    if source.reads(Dialect.CAMUNDA_7):
        fields.update(_plain_fields(node, source))
        fields.update(camunda.read_loop(node, source))
    if source.reads(Dialect.CAMUNDA_8):
        fields.update(zeebe.read_loop(node, source))
    return Loop(
        multi_instance=True,
        sequential=flag(node, "isSequential"),
        cardinality=_number(child(node, BPMN + "loopCardinality"), source),
        completion_condition=source.condition(child(node, BPMN + "completionCondition"), "the completion condition"),
        **fields,
    )


def _plain_fields(node: Node, source: Source) -> LoopFields:
    """Collection and element variable as plain BPMN writes them; Camunda 7 reads them too."""
    fields = LoopFields()
    if name := text(child(node, BPMN + "loopDataInputRef")):
        fields["collection"] = source.variable(node, name, "the collection")
    item = child(node, BPMN + "inputDataItem")
    if name := attribute(item, "name") or attribute(item, "id"):
        fields["element_variable"] = name
    return fields


def _number(node: Node | None, source: Source) -> Expression | None:
    cardinality = source.optional(node, text(node), "the number of instances")
    is_constant = cardinality is not None and cardinality.is_static
    if node is not None and cardinality is not None and is_constant and whole_number(cardinality.text) is None:
        source.error(node, f"Expected a whole number of instances, but it is {quoted(cardinality.text)}.")
    return cardinality


def _standard(node: Node, source: Source) -> Loop:
    written = attribute(node, "loopMaximum")
    maximum = None if written is None else whole_number(written)
    if written is not None and maximum is None:
        source.error(node, f"Expected the maximum of the loop to be a whole number, but it is {quoted(written)}.")
    return Loop(
        multi_instance=False,
        # Neither Camunda runs standard loops, so neither has a way to write their condition: FEEL does without "=".
        loop_condition=source.condition(child(node, BPMN + "loopCondition"), "the loop condition", plain_is_feel=True),
        loop_maximum=maximum,
        test_before=flag(node, "testBefore"),
    )
