"""Loops: an activity that runs several times, at once or one after the other (BPMN 2.0 §13.3.6, §13.3.7).

The body is the activity as the flow sees it: it carries the boundary events and ends when its instances have. Each
instance is a token of the inner node below the body's, with a variable scope of its own.
"""

from __future__ import annotations

from typing import Any

from bpmn.interpreter.failures import ValueFailed
from bpmn.interpreter.nodes.base import Node
from bpmn.interpreter.nodes.compensation import group
from bpmn.interpreter.nodes.tasks import Activity
from bpmn.interpreter.scope import Ledger, Scope
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import evaluate, number_of
from bpmn.interpreter.workflow import Record
from bpmn.model import Dialect, Loop


class LoopBody(Activity):
    """What standard loops and multi-instance activities have in common."""

    waits = True
    inner: Node

    def runs_inline(self) -> bool:
        return False

    def spawn(self, token: Token, index: int) -> Token:
        """Start instance number `index` (from 0)."""
        child = Token(token.workflow, self.inner, token)
        scope = Scope(child.id, token.scope.ledger, token.scope)
        child.data = child.scope = scope
        child.internal_data["index"] = index
        scope.assign_local("loopCounter", index + (1 if self.dialect == Dialect.CAMUNDA_8 else 0))
        return child

    def records(self, token: Token) -> list[Record]:
        records = super().records(token)
        if token.internal_data.get("log"):
            records.append(group(token, token.internal_data["log"], None))
        return records

    def _loop(self) -> Loop:
        loop = self.element.loop
        assert loop is not None
        return loop

    def finish(self, token: Token) -> None:
        """No further instance: cancel those that still run, and let the body complete."""
        inner = [kid for kid in token.children if kid.task_spec is self.inner]
        if inner:
            token.workflow.top_workflow.cancel_tokens(inner)
        token.internal_data["over"] = 1
        token._ready()


class MultiInstance(LoopBody):
    """Runs its activity for each item of a collection, or a given number of times."""

    def run(self, token: Token) -> bool | None:
        data = token.internal_data
        if "over" in data:
            return True
        loop = self._loop()
        items = self._items(token)
        if items is not None:
            total = len(items)
        else:
            assert loop.cardinality is not None
            total = number_of(loop.cardinality, token.scope, "the loop cardinality")
        self.own_scope(token)
        data.update(total=total, next=0, done=0)
        if loop.output_collection:
            data["outputs"] = [None] * total
        if items is not None and loop.sequential:
            data["items"] = items
        self._count(token)
        if total == 0:
            return True
        token._set_state(STARTED)
        for index in range(1 if loop.sequential else total):
            self._next(token, None if items is None else items[index])
        return None

    def _items(self, token: Token) -> list[Any] | None:
        loop = self._loop()
        if loop.collection is None:
            return None
        items = evaluate(loop.collection, token.scope, "the collection")
        if isinstance(items, str) and items in token.scope and not loop.collection.text.strip().startswith("$"):
            items = token.scope[items]      # Camunda 7: the collection may be given as a variable's name
        if not isinstance(items, list):
            raise ValueFailed(f"Expected the collection {loop.collection.text!r} of {self.label} to be a list, "
                              f"but it is {items!r}.")
        return items

    def _next(self, token: Token, item: Any) -> None:
        data = token.internal_data
        index = data["next"]
        data["next"] = index + 1
        child = self.spawn(token, index)
        loop = self._loop()
        if loop.collection is not None and loop.element_variable:
            child.scope.assign_local(loop.element_variable, item)
        self.inner._update(child)

    def _count(self, token: Token) -> None:
        # Camunda 7 keeps them as variables of the body; Camunda 8 only shows them to the completion condition.
        if self.dialect == Dialect.CAMUNDA_7:
            token.scope.assign_all(self._numbers(token, "nrOf"), local=True)

    def _numbers(self, token: Token, prefix: str) -> dict[str, int]:
        data = token.internal_data
        active = min(data["next"], data["total"]) - data["done"]
        if data["next"] == 0:
            active = 0
        return {f"{prefix}Instances": data["total"], f"{prefix}ActiveInstances": active,
                f"{prefix}CompletedInstances": data["done"]}

    def collect(self, token: Token, child: Token) -> None:
        data = token.internal_data
        loop = self.element.loop
        if child.task_spec is not self.inner or loop is None:
            return
        output = None
        if loop.output_collection and loop.output_element is not None:
            output = evaluate(loop.output_element, child.scope, "the output element")
        data["done"] += 1
        try:
            if loop.completion_condition is not None:
                data["stop"] = self._complete(token, child)
        except Exception:
            data["done"] -= 1
            raise
        if loop.output_collection:
            data["outputs"][child.internal_data["index"]] = output

    def _complete(self, token: Token, child: Token) -> bool:
        loop = self._loop()
        condition = loop.completion_condition
        assert condition is not None
        eight = self.dialect == Dialect.CAMUNDA_8
        scope = Scope(0, Ledger(), token.scope if eight else child.scope)
        scope.assign_all(self._numbers(token, "numberOf") | {"numberOfTerminatedInstances": 0} if eight
                         else self._numbers(token, "nrOf"), local=True)
        return evaluate(condition, scope, "the completion condition") is True

    def child_left(self, token: Token, child: Token) -> None:
        data = token.internal_data
        self._count(token)
        if data.get("stop") or data["done"] >= data["total"]:
            self.finish(token)
        elif self._loop().sequential:
            items = data.get("items")
            self._next(token, None if items is None else items[data["next"]])

    def leave(self, token: Token) -> None:
        loop = self._loop()
        if loop.output_collection:
            up = token.scope.up
            assert up is not None
            up.assign(loop.output_collection, token.internal_data.get("outputs", []))


class StandardLoop(LoopBody):
    """Repeats its activity while a condition holds, at most `loop_maximum` times."""

    def run(self, token: Token) -> bool | None:
        data = token.internal_data
        if "over" in data:
            return True
        loop = self._loop()
        self.own_scope(token)
        data.setdefault("done", 0)
        if loop.test_before and not self._again(token):
            return True
        token._set_state(STARTED)
        self.inner._update(self.spawn(token, data["done"]))
        return None

    def collect(self, token: Token, child: Token) -> None:
        if child.task_spec is self.inner:
            token.internal_data["done"] += 1
            try:
                token.internal_data["stop"] = not self._again(token)
            except Exception:
                token.internal_data["done"] -= 1
                raise

    def _again(self, token: Token) -> bool:
        loop = self._loop()
        if loop.loop_maximum is not None and token.internal_data["done"] >= loop.loop_maximum:
            return False
        if loop.loop_condition is None:
            return loop.loop_maximum is not None
        return evaluate(loop.loop_condition, token.scope, "the loop condition") is True

    def child_left(self, token: Token, child: Token) -> None:
        if token.internal_data["stop"]:
            self.finish(token)
        else:
            self.inner._update(self.spawn(token, token.internal_data["done"]))

    def leave(self, token: Token) -> None:
        """The mappings belong to the instances."""
