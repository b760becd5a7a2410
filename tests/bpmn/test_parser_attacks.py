"""A file is data: whatever is in it, reading it reaches nothing, takes little, and ends in a sentence."""

from __future__ import annotations

import codecs
import time

import pytest

from bpmn.parser import MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, read
from tests.bpmn.diagrams import diagram, el, file, model_of, start, sub

DOCTYPE = "Expected a file without DOCTYPE, but it has one."


def refusal(content: bytes) -> str:
    """The only problem of a file that cannot be read."""
    model, problems = read(content, "evil.bpmn")
    assert model is None
    (problem,) = problems
    return problem.message


@pytest.mark.parametrize("declaration", [
    "<!DOCTYPE definitions>",
    '<!DOCTYPE d [<!ENTITY a "x">]>',
    '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE d [<!ENTITY % a SYSTEM "http://127.0.0.1:9/evil.dtd"> %a;]>',
    '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/evil.dtd">',
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>',
    '<!-- a comment first --><!DOCTYPE d [<!ATTLIST process isExecutable CDATA "true">]>',
])
def test_doctype_is_refused(declaration):
    assert refusal(declaration.encode() + diagram(start())) == DOCTYPE


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_doctype_is_seen_in_utf_16(encoding):
    assert refusal(('<!DOCTYPE d [<!ENTITY a "x">]>' + diagram(start()).decode()).encode(encoding)) == DOCTYPE


def test_doctype_hidden_in_utf_7_is_not_even_decoded():
    content = b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE d+AD4-' + diagram(start())
    assert refusal(content) == "Expected the encoding UTF-8, but the file declares 'utf-7'."


def test_doctype_after_a_byte_order_mark_is_seen():
    assert refusal(codecs.BOM_UTF8 + b"<!DOCTYPE d>" + diagram(start())) == DOCTYPE


def test_encodings_that_disagree_are_read_by_the_bytes():
    # given a file that says UTF-16, but is written in UTF-8
    content = b'<?xml version="1.0" encoding="UTF-16"?>' + diagram(start(name="Größe"))

    # then
    assert model_of(content).processes[0].elements["Start"].name == "Größe"


@pytest.mark.parametrize(("declared", "encoding"), [
    ("UTF-8", "utf-8"), ("utf-8", "utf-8-sig"), ("UTF-16", "utf-16"), ("ISO-8859-1", "iso-8859-1"),
    ("windows-1252", "cp1252"),
])
def test_usual_encodings_are_read(declared, encoding):
    written = f'<?xml version="1.0" encoding="{declared}"?>' + diagram(start(name="Größe")).decode()
    assert model_of(written.encode(encoding)).processes[0].elements["Start"].name == "Größe"


def test_bytes_that_are_no_text_are_refused():
    assert refusal(b"<a>\xff\xfe\x00</a>").startswith("Expected text in utf-8, but the bytes are not: ")


@pytest.mark.parametrize("content", [b"", b"   \n"])
def test_empty_file_is_refused(content):
    assert refusal(content) == "Expected a BPMN file, but it is empty."


@pytest.mark.parametrize("content", [b"PK\x03\x04rest of a zip", b"{}", b"<a", b"<a></b>", b"<a/><b/>", b"<a>&x;</a>"])
def test_what_is_not_xml_is_refused(content):
    assert refusal(content).startswith("Expected well-formed XML, but ")


def test_undeclared_prefix_is_refused():
    assert refusal(b"<x:definitions/>").startswith("Expected well-formed XML, but ")


def test_other_xml_is_refused():
    assert refusal(b"<html/>") == "Expected BPMN 2.0 definitions, but the file begins with <html>."


def test_line_of_the_trouble_is_named_even_after_a_declaration_of_several_lines():
    _, (problem,) = read(b'<?xml\nversion="1.0"\n?>\n<a>\n</b>', "evil.bpmn")
    assert problem.line == 5


def test_size_is_limited():
    assert refusal(b" " * (MAX_BYTES + 1)) == "Expected a file of at most 5,242,880 bytes, but it has 5,242,881."


def test_number_of_elements_is_limited():
    content = b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>"
    assert refusal(content) == "Expected at most 50,000 XML elements, but there are more."


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_depth_is_limited(depth):
    content = b"<a>" * depth + b"</a>" * depth
    assert refusal(content) == "Expected at most 100 nested XML elements, but there are more."


def test_depth_of_sub_processes_has_its_own_limit():
    inside = ""
    for number in range(201):
        inside = sub(f"S{number}", inside)
    assert refusal(diagram(inside)) == "Expected sub-processes nested at most 200 deep, but they go deeper."


def test_number_of_attributes_is_limited():
    attributes = {f"a{number}": "x" for number in range(MAX_ATTRIBUTES + 1)}
    assert refusal(el("a", **attributes).encode()) == "Expected at most 100 attributes per element, but <a> has more."


def test_four_megabytes_of_empty_elements_take_no_time():
    # given
    content = diagram(start(), "<task/>" * 550_000)
    began = time.process_time()

    # when
    refusal(content)

    # then
    assert time.process_time() - began < 2


def test_40_000_problems_are_said_in_reasonable_time():
    # given
    content = diagram(start(), '<sequenceFlow sourceRef="x" targetRef="y"/>' * 20_000)
    began = time.process_time()

    # when
    _, problems = read(content, "evil.bpmn")

    # then
    assert len(problems) == 40_000
    assert time.process_time() - began < 20


@pytest.mark.parametrize("content", [
    file('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
    b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>' + file(),
    file(el("import", importType="x", location="http://127.0.0.1:9/x.xsd", namespace="x")),
])
def test_nothing_is_fetched(content):
    assert refusal(content) == "Expected an executable process (isExecutable), but there is none."


@pytest.mark.parametrize("written", ["9" * 5000, "²", "-1", "1e3"])
def test_odd_numbers_are_refused(written):
    loop = el("standardLoopCharacteristics", loopMaximum=written)
    model, problems = read(diagram(start(), el("task", loop, id="A")), "evil.bpmn")
    assert model is None
    assert any(problem.message.startswith("Expected the maximum of the loop to be a whole") for problem in problems)


def test_ids_that_could_be_markup_are_refused():
    _, problems = read(diagram(start(), el("task", id='"><img src=x>')), "evil.bpmn")
    assert [problem.message for problem in problems if problem.severity == "error"] == [
        "Expected an id of letters, digits, '_', '-' and '.', but it is '\"><img src=x>'."
    ]
