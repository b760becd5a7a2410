"""Reads the bytes of an uploaded file as XML, and lets nothing in them reach the machine.

A file is decoded once, looked over by a streaming parser that keeps nothing, and only then built into a tree from
the very text that was looked over. So there is no second opinion about encodings, no entity is ever declared
(BPMN needs no DOCTYPE), nothing is fetched, and the limits hold before memory is spent.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from xml.parsers import expat

from lxml import etree

from bpmn.reading.nodes import Node

MAX_BYTES = 5 * 1024 * 1024
MAX_ELEMENTS = 50_000
MAX_DEPTH = 100
"""How deep elements may nest. Sub-processes do not count: they have a limit of their own."""
MAX_NESTED_SUB_PROCESSES = 200
MAX_ATTRIBUTES = 100
"""How many attributes one element may have."""

ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
DECLARED = re.compile(rb"\A\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
SUB_PROCESS_NAMES = frozenset({"subProcess", "transaction", "adHocSubProcess"})


class Unreadable(Exception):
    """The file cannot be read at all. `line` is where, if it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def load(content: bytes) -> Node:
    """The root element of an XML file.

    Raises:
        Unreadable: it is too big, not XML, encoded in a way we do not read, or has a DOCTYPE.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(f"Expected a file of at most {MAX_BYTES:,} bytes, but it has {len(content):,}.")
    if not content.strip():
        raise Unreadable("Expected a BPMN file, but it is empty.")
    utf8 = _decode(content).encode()
    _Inspection().run(utf8)
    # The size is bounded by now, and no entity exists: lxml's own limits would only forbid nested sub-processes.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_pis=True
    )
    try:
        return etree.fromstring(utf8, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"Expected well-formed XML, but {error.msg}.", error.lineno) from error


def _decode(content: bytes) -> str:
    """The text of the file, without the XML declaration, in Unicode."""
    encoding, start = _encoding(content)
    try:
        decoded = content[start:].decode(encoding)
    except UnicodeError as error:
        raise Unreadable(f"Expected text in {encoding}, but the bytes are not: {error}.") from error
    # The lines of the declaration are kept, so that line numbers stay those of the file.
    return DECLARATION.sub(lambda match: "\n" * match.group().count("\n"), decoded)


def _encoding(content: bytes) -> tuple[str, int]:
    """The encoding of the file and where its text begins (XML 1.0, appendix F)."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    if content.startswith(b"<\0"):
        return "utf-16-le", 0
    if content.startswith(b"\0<"):
        return "utf-16-be", 0
    declared = DECLARED.match(content)
    if declared is None:
        return "utf-8", 0
    encoding = declared.group(1).decode("ascii").lower()
    if encoding not in ENCODINGS:
        raise Unreadable(f"Expected the encoding UTF-8, but the file declares {encoding!r}.")
    # A declaration that could be read byte by byte cannot stand in a UTF-16 file.
    return ("utf-8" if encoding == "utf-16" else encoding), 0


@dataclass(slots=True)
class _Inspection:
    """One pass over the text that keeps nothing, to refuse what is dangerous or too much."""

    elements: int = 0
    depth: int = 0
    nested: int = 0

    def run(self, utf8: bytes) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.ordered_attributes = True
        parser.buffer_text = True

        def refuse_doctype(*_: object) -> None:
            raise Unreadable("Expected a file without DOCTYPE, but it has one.", parser.CurrentLineNumber)

        parser.StartDoctypeDeclHandler = refuse_doctype
        parser.StartElementHandler = lambda name, attributes: self._enter(name, attributes, parser.CurrentLineNumber)
        parser.EndElementHandler = self._leave
        try:
            parser.Parse(utf8, True)
        except expat.ExpatError as error:
            raise Unreadable(f"Expected well-formed XML, but {expat.ErrorString(error.code)}.", error.lineno) from error

    def _enter(self, name: str, attributes: list[str], line: int) -> None:
        self.elements += 1
        if name.rpartition(":")[2] in SUB_PROCESS_NAMES:
            self.nested += 1
        else:
            self.depth += 1
        if self.elements > MAX_ELEMENTS:
            raise Unreadable(f"Expected at most {MAX_ELEMENTS:,} XML elements, but there are more.", line)
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"Expected at most {MAX_DEPTH} nested XML elements, but there are more.", line)
        if self.nested > MAX_NESTED_SUB_PROCESSES:
            raise Unreadable(
                f"Expected sub-processes nested at most {MAX_NESTED_SUB_PROCESSES} deep, but they go deeper.", line
            )
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise Unreadable(f"Expected at most {MAX_ATTRIBUTES} attributes per element, but <{name}> has more.", line)

    def _leave(self, name: str) -> None:
        if name.rpartition(":")[2] in SUB_PROCESS_NAMES:
            self.nested -= 1
        else:
            self.depth -= 1
