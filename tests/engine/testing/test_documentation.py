"""What the manual says is so."""

from __future__ import annotations

import re
from pathlib import Path

from engine.testing import Instance, Scratch, StubService, StubTask
from tests.bpmn.dmn import tables
from tests.engine.drawing import boundary, end, error, error_of, file, process, service, start, throw

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "TESTING.md").read_text()


def test_its_first_test_passes(tmp_path):
    # given the files that it deploys
    handler = service("ReleaseStock").replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" ')
    undo = ('<bpmn:boundaryEvent id="undo" attachedToRef="ReserveStock"><bpmn:compensateEventDefinition/>'
            f'</bpmn:boundaryEvent>{handler}<bpmn:association id="a" associationDirection="One" sourceRef="undo" '
            'targetRef="ReleaseStock"/>')
    order = file(error_of("e", "PAYMENT_DECLINED"), process(
        "order", start(), service("ReserveStock", "reserve-stock"), undo, service("Charge", "charge-card"),
        service("Ship"), end(), boundary("declined", "Charge", error("e")),
        throw("back", "<bpmn:compensateEventDefinition/>"), end("rejected", reason="PAYMENT_DECLINED"),
        flows="start>ReserveStock ReserveStock>Charge Charge>Ship Ship>end declined>back back>rejected"))
    (tmp_path / "order.bpmn").write_bytes(order.content)
    risk = tables.decision("risk", tables.table(["amount"], ["risk"], ["- | 1"]))
    (tmp_path / "risk.dmn").write_bytes(tables.definitions(risk))
    [code] = re.findall(r"```python\n(def test_.*?)```", MANUAL, re.S)
    names = {}
    exec(compile(code, "TESTING.md", "exec", dont_inherit=True), names)

    # when
    with Scratch([tmp_path]) as scratch:
        scratch.service("ReleaseStock").returns()
        names["test_a_declined_payment_ends_the_order"](scratch)


def test_every_word_that_it_names_exists():
    named = set(re.findall(r"`[^`\n]*?\bpartitur\.([a-z_]+)", MANUAL))
    assert named - {"ini"} <= set(dir(Scratch)) | {"engine"}
    stubs = MANUAL.partition("## Stand-ins")[2].partition("\n## ")[0]
    assert set(re.findall(r"`\.([a-z_]+)\(", stubs)) <= {*dir(StubService), *dir(StubTask)}
    instances = MANUAL.partition("## Instances")[2].partition("An id that")[0]
    words = {word for cell in re.findall(r"^\| (.*?) \|", instances, re.M) for word in re.findall(r"`([a-z_]+)", cell)}
    assert words - {"order"} <= set(dir(Instance))


def test_it_names_every_assertion_and_every_answer():
    wanted = [name for name in dir(Instance) if not name.startswith("_")]
    wanted += [name for kind in (StubService, StubTask) for name in dir(kind)
               if not name.startswith("_") and name not in ("is_ready", "next_answer")]
    missing = {name for name in wanted if name not in MANUAL}
    assert missing <= {"active", "ended_at", "key", "process_id"}   # what the table calls "row" says the same
