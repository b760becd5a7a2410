"""The drawing of a diagram, without a browser."""

from __future__ import annotations

import pytest
from lxml import etree

from bpmn.reading.document import Unreadable
from engine.testing.diagram import interchange, lettering, svg
from engine.testing.diagram.svg import Mark
from tests.engine.testing.diagrams import CORPUS, ORDER, drawn

SVG = "{http://www.w3.org/2000/svg}"
HARMLESS = {SVG + name for name in ("svg", "g", "path", "rect", "circle", "text", "tspan", "a", "title")}


FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*.bpmn"))


def picture(content, marks=lambda id: Mark("seen", title=id, link=f"#{id}")):
    """The only picture of a file, as XML."""
    [plane] = interchange.planes(content)
    return etree.fromstring(svg.draw(plane, marks))


def seen(root):
    """The ids of what was drawn."""
    return {title.text for title in root.iter(f"{SVG}title")}


def texts(root):
    return [" ".join(span.text for span in text) for text in root.iter(f"{SVG}text")]


def test_every_shape_and_line_of_the_example_is_drawn_with_its_name():
    source = etree.parse(ORDER)
    shown = {node.get("bpmnElement") for node in source.iter("{*}BPMNShape", "{*}BPMNEdge")}
    names = {node.get("name") for node in source.iter("{*}*") if node.get("id") in shown and node.get("name")}

    root = picture(ORDER.read_bytes())

    assert seen(root) == shown
    assert names - set(texts(root)) == set()
    x, y, width, height = (float(number) for number in root.get("viewBox").split())
    for circle in root.iter(f"{SVG}circle"):
        if circle.getparent().get("class") != "sign":
            assert x < float(circle.get("cx")) < x + width
            assert y < float(circle.get("cy")) < y + height


@pytest.mark.parametrize("name", FILES or ["none"])
def test_diagrams_from_elsewhere_are_drawn_completely(name):
    if not CORPUS.is_dir():
        pytest.skip("the diagrams of ../shared/corpus are not here")
    content = (CORPUS / name).read_bytes()
    try:
        planes = interchange.planes(content)
    except Unreadable:
        return
    for plane in planes:
        root = etree.fromstring(svg.draw(plane, lambda id: Mark("seen", title=id)))
        assert seen(root) >= {thing.id for thing in (*plane.shapes, *plane.edges)}
        assert {node.tag for node in root.iter()} <= HARMLESS
    assert planes or b"BPMNShape" not in content


def test_names_are_texts_and_nothing_else():
    name = "&lt;script&gt;alert(1)&lt;/script&gt; &quot;&gt;&lt;img src=x onerror=alert(2)&gt;"
    process = (f'<bpmn:process id="p" name="{name}" isExecutable="true"><bpmn:task id="a" name="{name}"/>'
               f'<bpmn:endEvent id="b" name="{name}"/></bpmn:process>')

    root = picture(drawn(process, "a 0 0 300 80", "b 400 0 36 36"), lambda id: Mark("x", title=f'"><{id}>', link='"<'))

    assert {node.tag for node in root.iter()} <= HARMLESS
    assert any("<script>alert(1)</script>" in text for text in texts(root))
    assert not any(key.startswith("on") for node in root.iter() for key in node.attrib)


@pytest.mark.parametrize("shape", ["b x 0 36 36", "b NaN 0 36 36", "b inf 0 36 36", "b 1e9 0 36 36", "b 0 0 -5 36",
                                   "b 0 0 0 36", "b 0 0", "nobody 0 0 36 36", "f 0 0"])
def test_what_has_no_usable_place_is_left_out(shape):
    process = ('<bpmn:process id="p" isExecutable="true"><bpmn:task id="a"/><bpmn:endEvent id="b"/>'
               '<bpmn:sequenceFlow id="f" sourceRef="a" targetRef="b"/></bpmn:process>')

    assert seen(picture(drawn(process, "a 10 10 100 80", shape))) == {"a"}


def test_a_file_without_places_has_no_picture():
    assert interchange.planes(drawn('<bpmn:process id="p"/>')) == []


def test_signs_tell_kinds_apart():
    kinds = ("serviceTask", "userTask", "scriptTask", "sendTask", "receiveTask", "manualTask", "businessRuleTask",
             "exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway", "task",
             "callActivity", "subProcess", "transaction", "adHocSubProcess")
    events = ("message", "timer", "error", "escalation", "signal", "compensate", "conditional", "link", "cancel",
              "terminate")
    pictures = set()
    for kind in kinds:
        process = f'<bpmn:process id="p"><bpmn:{kind} id="a"/></bpmn:process>'
        content = drawn(process, "a 0 0 100 80")
        marked = content.replace(b"<bpmndi:BPMNShape ", b'<bpmndi:BPMNShape isMarkerVisible="true" ')
        pictures.add(etree.tostring(picture(marked)))
    for event in events:
        for kind in ("intermediateCatchEvent", "endEvent"):
            inside = f"<bpmn:{event}EventDefinition/>"
            process = f'<bpmn:process id="p"><bpmn:{kind} id="a">{inside}</bpmn:{kind}></bpmn:process>'
            pictures.add(etree.tostring(picture(drawn(process, "a 0 0 36 36"))))

    assert len(pictures) == len(kinds) + 2 * len(events)


def test_what_is_inside_is_drawn_over_what_it_is_in():
    process = ('<bpmn:process id="p"><bpmn:boundaryEvent id="edge" attachedToRef="in"/><bpmn:task id="in"/>'
               '<bpmn:subProcess id="around"/><bpmn:subProcess id="outermost"/></bpmn:process>')
    content = drawn(process, "edge 80 80 36 36", "in 20 20 100 80", "around 0 0 300 200", "outermost 0 0 400 300")
    for id in (b"around", b"outermost"):
        content = content.replace(b'bpmnElement="%s"' % id, b'bpmnElement="%s" isExpanded="true"' % id)

    order = [title.text for title in picture(content).iter(f"{SVG}title")]

    assert order == ["outermost", "around", "in", "edge"]


def test_what_shows_nothing_is_left_out():
    content = drawn('<bpmn:process id="p"><bpmn:documentation/><bpmn:task id="a"/></bpmn:process>', "a 0 0 100 80")
    more = b'<bpmndi:BPMNShape id="x" bpmnElement=""><dc:Bounds x="0" y="0" width="9" height="9"/></bpmndi:BPMNShape>'

    [plane] = interchange.planes(content.replace(b"</bpmndi:BPMNPlane>", more + b"</bpmndi:BPMNPlane>"))

    assert [shape.id for shape in plane.shapes] == ["a"]


@pytest.mark.parametrize(("text", "room", "expected"), [
    ("Review order", 100, ["Review order"]),
    ("Review the order of a customer", 80, ["Review the", "order of a", "customer"]),
    ("Donaudampfschifffahrtsgesellschaft", 86, ["Donaudampfsc", "hifffahrtsgesell", "schaft"]),
    ("  \n ", 80, []),
    ("one\ntwo", 80, ["one", "two"]),
    ("订单处理流程", 40, ["订单处", "理流程"]),
])
def test_texts_are_broken_into_lines_that_fit(text, room, expected):
    rows = lettering.lines(text, room)

    assert rows == expected
    assert all(lettering.width(row) <= room for row in rows)


def test_endless_names_are_cut_off():
    rows = lettering.lines("word " * 200, 60)

    assert len(rows) == lettering.MOST_LINES
    assert rows[-1].endswith("…")
