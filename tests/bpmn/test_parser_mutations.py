"""However a file is damaged, reading it ends in a model or in problems; and a model that is given can be compiled."""

from __future__ import annotations

import random
from copy import deepcopy

import pytest
from lxml import etree

from bpmn.interpreter import compile_process
from bpmn.parser import read
from tests.bpmn.diagrams import (
    association,
    boundary,
    catch,
    definition,
    diagram,
    el,
    end,
    event_sub,
    ext,
    flow,
    flows,
    gateway,
    keyed_message,
    service,
    start,
    sub,
    task,
    text,
    throw,
    timer,
)

SHOP = diagram(
    start(), gateway("exclusive", "G", default="G_Wait"), service("Charge"),
    boundary("Failed", "Charge", definition("error")), boundary("OnCharge", "Charge", definition("compensate")),
    task("Refund", isForCompensation="true", tag="manualTask"), association("OnCharge", "Refund"),
    gateway("eventBased", "Wait"), catch("Paid1", definition("message", messageRef="Paid")),
    catch("Late", timer("Duration", "PT1H")), throw("Undo", definition("compensate", activityRef="Charge")),
    sub("Pack", el("multiInstanceLoopCharacteristics", text("loopCardinality", "2")), start("S1"),
        task("Ask", ext(el("zeebe:ioMapping", el("zeebe:input", source="=x", target="y"))), tag="userTask"), end("E1"),
        flows("S1 > Ask > E1"), event_sub("Oops", start("S2", definition("error", errorRef="E")))),
    task("Call", ext(el("zeebe:calledElement", processId="Other")), tag="callActivity"), end(),
    flow("G", "Charge", "=x > 1"),
    flows("Start > G > Wait > Paid1 > Pack > Call > End", "Wait > Late > End", "Charge > Undo > End", "Failed > End"),
    before=keyed_message() + el("error", id="E", errorCode="OOPS"),
)
VALUES = ("", "x", "=", "=1 +", "${", "${a.b(}", "0", "tns:x", ":", "R3/PT1S", "true", "false")


def damage(root: etree._Element, chance: random.Random) -> None:
    """Change one thing somewhere in the document."""
    nodes = list(root.iter())
    node, other = chance.choice(nodes), chance.choice(nodes)
    names = list(node.attrib)
    match chance.randrange(6):
        case 0 if node is not root:
            node.getparent().remove(node)
        case 1 if names:
            del node.attrib[chance.choice(names)]
        case 2 if names:
            node.set(chance.choice(names), chance.choice([*VALUES, other.get("id") or "x"]))
        case 3 if node is not root:
            node.tag = other.tag
        case 4:
            node.text = chance.choice(VALUES)
        case _:
            other.append(deepcopy(node))


def test_the_undamaged_file_deploys():
    model, problems = read(SHOP, "shop.bpmn")
    assert model is not None, problems


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_are_refused_or_run(seed):
    chance = random.Random(seed)
    for _ in range(100):
        # given
        root = etree.fromstring(SHOP)
        for _ in range(chance.randint(1, 3)):
            damage(root, chance)

        # when
        model, problems = read(etree.tostring(root), "shop.bpmn")

        # then
        assert model is not None or problems
        for process in model.processes if model else ():
            compile_process(process)
