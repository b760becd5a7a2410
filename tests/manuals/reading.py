"""Reads the manuals: their headings, links, pictures and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MANUALS = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), ROOT / "examples" / "order-fulfilment" / "README.md"]
BLOCK = re.compile(r"(?:^<!-- (?P<why>not run: [^>]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code. `line` is where it begins, `why` the reason why it is not run, if it is not."""

    kind: str
    text: str
    line: int
    why: str | None


def blocks(path: Path) -> list[Block]:
    """The blocks of code of a manual, in their order."""
    text = path.read_text()
    return [Block(found["kind"], found["text"], text.count("\n", 0, found.start("text")) + 1, found["why"])
            for found in BLOCK.finditer(text)]


def prose(path: Path) -> str:
    """A manual without its code."""
    return re.sub(r"`[^`\n]+`", "", BLOCK.sub("", path.read_text()))


def links(path: Path) -> list[str]:
    """Where a manual leads to within the project."""
    return [link for link in LINK.findall(prose(path)) if not re.match(r"[a-z]+:", link)]


def anchors(path: Path) -> set[str]:
    """The anchors of the headings of a manual, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def sections(path: Path, above: str) -> dict[str, str]:
    """The parts of the third level below a heading of the second, by their anchors."""
    part = re.split(r"^## ", path.read_text().partition(f"\n## {above}\n")[2], flags=re.M)[0]
    found = re.findall(r"^### (.+)\n((?:(?!### ).*\n?)*)", part, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"): body for title, body in found}
