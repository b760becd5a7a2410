"""What counts as passed, and the report on it."""

from __future__ import annotations

import json

import pytest

from engine.definitions import Resource
from engine.testing import Scratch
from engine.testing.coverage import figures, pages
from engine.testing.coverage.measuring import measure
from engine.testing.coverage.models import add_files
from engine.testing.coverage.record import Record
from tests.bpmn.dmn import tables
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    error,
    error_of,
    file,
    inside,
    message,
    message_of,
    process,
    service,
    start,
    throw,
    timer,
    user,
)
from tests.engine.testing.diagrams import ORDER, drawn


@pytest.fixture
def record():
    return Record()


def run(record, *parts, test="test_it", act=lambda scratch, instance: None):
    """Deploy processes, start "p", let a day pass."""
    with Scratch() as scratch:
        scratch.deploy(file(*parts))
        scratch.other_services.returns()
        instance = scratch.start("p")
        act(scratch, instance)
        scratch.advance(days=1)
        measure(scratch.engine, test, record)
        return instance.ended


def missed(record):
    """The ids of what was never passed."""
    return {part.id for page in figures.pages(record) for part in page.parts if not part.passed}


def sub_process(id, *nodes, more="", kind="subProcess", attributes=""):
    return f'<bpmn:{kind} id="{id}" {attributes}>{more}{inside(*nodes)}</bpmn:{kind}>'


def plain(kind, id):
    return f'<bpmn:{kind} id="{id}"/>'


LINK = '<bpmn:linkEventDefinition name="L"/>'
MANY = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
        'inputCollection="=[1, 2]" inputElement="i"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>')
CAUGHT_LATER = sub_process("late", start("late_start", timer("Duration", "PT1H")), service("remind"), end("late_end"),
                           attributes='triggeredByEvent="true"')
HANDLER = service("undo").replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" ')
UNDONE = ('<bpmn:boundaryEvent id="undoes" attachedToRef="work"><bpmn:compensateEventDefinition/></bpmn:boundaryEvent>'
          f'{HANDLER}<bpmn:association id="a" associationDirection="One" sourceRef="undoes" targetRef="undo"/>')


@pytest.mark.parametrize(("parts", "never"), [
    ([process("p", start(), service("a"), end())], set()),
    ([process("p", start(), throw("to", LINK), catch("from", LINK), end(), flows="start>to from>end")], set()),
    ([process("p", start(), plain("parallelGateway", "fork"), service("a"), service("b"),
              plain("parallelGateway", "join"), end(),
              flows="start>fork fork>a fork>b a>join b>join join>end")], set()),
    ([message_of("m", "m", "=1"), process(
        "p", start(), plain("eventBasedGateway", "wait"), catch("time", timer("Duration", "PT1H")),
        catch("mail", message("m")), plain("exclusiveGateway", "on"), end(),
        flows="start>wait wait>time wait>mail time>on mail>on on>end")], {"mail", "wait_mail", "mail_on"}),
    ([process("p", start(), sub_process("s", start("s1"), service("a"), end("s2"), more=MANY), end())], set()),
    ([process("p", start(), call("c", "q"), end()), process("q", start("qs"), service("w"), end("qe"))], set()),
    ([process("p", start(), service("a"), end("stop", "<bpmn:terminateEventDefinition/>"))], set()),
    # An error ends its own event, and the sub-process around it: the flow behind that tells that it never completed.
    ([error_of("e", "E"), process(
        "p", start(), sub_process("s", start("s1"), service("a"), end("fails", error("e"))), end(),
        boundary("caught", "s", error("e")), end("other"), flows="start>s s>end caught>other")], {"end", "s_end"}),
    ([process("p", start(), user("t"), end(), boundary("due", "t", timer("Duration", "PT1H")), end("other"),
              flows="start>t t>end due>other")], {"t", "end", "t_end"}),
    # A compensation boundary event leaves no trace of its own.
    ([process("p", start(), service("work"), UNDONE, throw("back", "<bpmn:compensateEventDefinition/>"), end(),
              flows="start>work work>back back>end")], set()),
    ([process("p", start(), service("work"), UNDONE, end(), flows="start>work work>end")], {"undoes", "undo"}),
    ([process("p", start(), user("t"), end()).replace("</bpmn:process>", f"{CAUGHT_LATER}</bpmn:process>")],
     {"t", "end", "t_end"}),
])
def test_each_kind_of_element_counts_when_it_was_passed(record, parts, never):
    assert run(record, *parts)

    assert missed(record) == never


def test_what_only_began_is_told_apart(record):
    run(record, process("p", start(), user("t"), end()))

    [page] = figures.pages(record)
    states = {part.id: (part.passed, part.begun) for part in page.parts}
    assert states["start"] == (True, ())
    assert states["t"] == (False, ("test_it",))
    assert states["end"] == (False, ())
    assert figures.share(page.parts, figures.ELEMENT) == (1, 3)
    assert figures.share(page.parts, figures.FLOW) == (1, 2)


def test_tests_add_up_and_are_named(record):
    parts = [process("p", start(), user("t"), end())]
    run(record, *parts, test="one")
    run(record, *parts, test="two", act=lambda scratch, instance: instance.complete("t"))
    other = Record()
    run(other, *parts, test="three", act=lambda scratch, instance: instance.complete("t"))

    record.add(Record.load(other.dump()))

    [page] = figures.pages(record)
    tests = {part.id: part.tests for part in page.parts}
    assert tests["start"] == ("one", "three", "two")
    assert tests["t"] == ("three", "two")
    assert missed(record) == set()


def test_another_version_of_a_file_is_another_file(record):
    for id in ("t", "u"):
        with Scratch() as scratch:
            scratch.deploy(file(process("p", start(), user(id), end())))
            scratch.start("p").complete(id)
            measure(scratch.engine, id, record)

    one, two = figures.pages(record)

    assert one.name == two.name
    assert one.checksum != two.checksum
    assert {part.passed for page in (one, two) for part in page.parts} == {True}


@pytest.mark.parametrize("text", ["", "5", "[1]", '[{"name": "a"}]',
                                  '[{"name": "a", "content": "", "traces": [[1]]}]'])
def test_a_broken_record_is_refused(text):
    with pytest.raises(ValueError, match="Expected a record of coverage"):
        Record.load(text)


def test_rules_of_decisions_count_also_imported_and_required_ones(record):
    # given a decision that requires another one, and a table that nobody asks
    low = tables.decision("risk", tables.table(["amount"], ["risk"], ["< 100 | 1", "[100..200) | 2", ">= 200 | 3"]))
    fee = tables.decision("fee", tables.table(["risk"], ["fee"], ["1 | 10", "> 1 | 20"], "FIRST"), requires=("risk",))
    other = tables.decision("other", tables.table(["amount"], ["x"], ["- | 1"]))
    content = tables.definitions(low, fee, other)

    # when
    with Scratch() as scratch:
        scratch.deploy(Resource(name="fees.dmn", content=content))
        assert scratch.decide("fee", amount=5) == 10
        assert scratch.decide("fee", amount=500) == 20
        measure(scratch.engine, "t", record)

    # then
    [page] = figures.pages(record)
    hit = {subject.id: [part.passed for part in subject.parts] for subject in page.subjects}
    assert hit == {"risk": [True, False, True], "fee": [True, True], "other": [False]}
    assert page.subjects[0].table.rules[1] == ("[100..200)", "2")
    assert figures.share(page.parts) == (4, 6)


def test_rules_of_an_imported_file_count_there(record):
    # given a table in a file, and a decision in another one that asks it
    rates = tables.definitions(
        tables.decision("rate", tables.table(["amount"], ["rate"], ["< 100 | 1", ">= 100 | 2"])), namespace="rates")
    fees = tables.definitions(
        '<import name="r" namespace="rates" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>'
        '<decision id="fee" name="fee"><informationRequirement><requiredDecision href="rates#rate"/>'
        f'</informationRequirement>{tables.literal("r.rate * 10")}</decision>', namespace="fees")

    # when
    with Scratch() as scratch:
        rates = rates.replace(b'id="d"', b'id="rates"')
        scratch.deploy(Resource(name="fees.dmn", content=fees), Resource(name="rates.dmn", content=rates))
        assert scratch.decide("fee", amount=500) == 20
        measure(scratch.engine, "t", record)

    # then
    [page] = figures.pages(record)
    assert (page.name, [part.passed for part in page.parts]) == ("rates.dmn", [False, True])


def test_models_that_no_test_deploys_are_never_passed(record, tmp_path):
    (tmp_path / "deep" / ".hidden").mkdir(parents=True)
    (tmp_path / "deep" / "p.bpmn").write_bytes(file(process("p", start(), end())).content)
    (tmp_path / "deep" / ".hidden" / "q.bpmn").write_bytes(file(process("q", start(), end())).content)
    (tmp_path / "broken.bpmn").write_bytes(b"<no")
    (tmp_path / "broken.dmn").write_bytes(b"<no")
    (tmp_path / "notes.txt").write_bytes(b"p")

    add_files(record, [tmp_path])

    found = {page.name: (page.problem, figures.share(page.parts)) for page in figures.pages(record)}
    assert found["p.bpmn"] == (None, (0, 3))
    assert found.keys() == {"p.bpmn", "broken.bpmn", "broken.dmn"}
    assert "Expected well-formed XML" in found["broken.bpmn"][0]
    assert "Expected well-formed XML" in found["broken.dmn"][0]


@pytest.mark.parametrize(("counts", "expected"), [((0, 0), 100), ((1, 3), 33.3), ((999, 1000), 99.9),
                                                  ((9999, 10000), 99.9), ((3, 3), 100), ((0, 5), 0)])
def test_only_everything_is_a_hundred_percent(counts, expected):
    assert figures.percent(*counts) == expected


def test_the_report_says_for_programs_what_it_says_for_people(record, tmp_path):
    run(record, process("p", start(), user("t"), end()))

    pages.write(figures.pages(record), tmp_path / "new" / "report", 1)

    found = json.loads((tmp_path / "new" / "report" / "coverage.json").read_text())
    assert (found["percent"], found["passed"], found["total"]) == (40.0, 2, 5)
    [subject] = found["files"][0]["subjects"]
    assert [part["id"] for part in subject["parts"] if not part["tests"]] == ["t", "end", "t_end"]
    page = (tmp_path / "new" / "report" / "test.bpmn.html").read_text()
    assert "Never passed (3)" in page
    assert "40 %" in (tmp_path / "new" / "report" / "index.html").read_text()


def test_files_of_the_same_name_have_pages_of_their_own_and_none_is_outside(record, tmp_path):
    contents = [file(process(id, start(), end())).content for id in "abc"]
    record.file("../../p.bpmn", contents[0])
    record.file("P.bpmn", contents[1])
    record.file("p.bpmn", contents[2])
    record.file("Index", contents[2])

    pages.write(figures.pages(record), tmp_path / "report", 0)

    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert len({name.casefold() for name in names}) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert ".._.._p.bpmn.html" in names


def test_what_a_model_says_of_itself_is_text_in_the_report(record, tmp_path):
    evil = "&lt;script&gt;alert(1)&lt;/script&gt;"
    nodes = f'<bpmn:task id="t" name="{evil}"/><bpmn:startEvent id="s" name="{evil}"/>'
    flow = f'<bpmn:sequenceFlow id="f" name="{evil}" sourceRef="s" targetRef="t"/>'
    model = f'<bpmn:process id="p" name="{evil}" isExecutable="true">{nodes}{flow}</bpmn:process>'
    record.file("<b>.bpmn", drawn(model, "t 0 0 100 80", "s 200 0 36 36", "f 0 0 10 10"))
    rule = tables.decision("d", tables.table(["a"], ["b"], [f'"{evil}" | 1']), name=evil)
    record.file("d.dmn", tables.definitions(rule.replace("&amp;", "&")))
    found = figures.pages(record)
    record.note(record.files[0], "<script>alert(2)</script>", [("passed", "p", "t")])

    pages.write(figures.pages(record), tmp_path, 1)

    assert len(found) == 2
    for path in tmp_path.glob("*.html"):
        assert "<script" not in path.read_text()
        assert "<b>" not in path.read_text()
    assert "&lt;script&gt;alert(2)" in (tmp_path / "_b_.bpmn.html").read_text()


def test_the_same_record_makes_the_same_report(record, tmp_path):
    record.file("order.bpmn", ORDER.read_bytes())
    for name in ("a", "b"):
        pages.write(figures.pages(Record.load(record.dump())), tmp_path / name, 1)

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
