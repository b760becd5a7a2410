"""Writes the report: HTML pages that need nothing but themselves, and a JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from engine.testing.coverage.figures import (
    ELEMENT,
    FLOW,
    RULE,
    Page,
    Part,
    Subject,
    as_json,
    percent,
    share,
)
from engine.testing.diagram import svg
from engine.testing.diagram.svg import Mark

MOST_TESTS = 50
"""So many tests of an element are named on its page; the JSON file names all."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_WORDS = {ELEMENT: "elements", FLOW: "sequence flows", RULE: "rules"}
_STATES = {"passed": "passed", "begun": "began, but never completed", "never": "never passed"}


def write(pages: Sequence[Page], folder: Path, tests: int) -> None:
    """Write the report on `pages` into a folder, which is made; `tests` is how many tests there were.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = _file_names(pages)
    for page in pages:
        (folder / names[page.checksum + page.name]).write_text(_page(page), encoding="utf-8")
    (folder / "index.html").write_text(_index(pages, names, tests), encoding="utf-8")
    text = json.dumps(as_json(pages), indent=1, ensure_ascii=False)
    (folder / "coverage.json").write_text(text + "\n", encoding="utf-8")


def _file_names(pages: Sequence[Page]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    taken = {"index.html"}
    for page in pages:
        name = f"{_UNSAFE.sub('_', page.name)[:100]}.html"
        if name.casefold() in taken:
            name = f"{name.removesuffix('.html')}-{page.checksum[:12]}.html"
        taken.add(name.casefold())
        found[page.checksum + page.name] = name
    return found


def _document(title: str, body: str) -> str:
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<style>\n{svg.STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n")


def _index(pages: Sequence[Page], names: Mapping[str, str], tests: int) -> str:
    parts = [part for page in pages for part in page.parts]
    passed, total = share(parts)
    rows = "".join(_index_row(page, subject, names[page.checksum + page.name])
                   for page in pages for subject in page.subjects)
    rows += "".join(f'<tr><td><code>{escape(page.name)}</code></td><td colspan="5">cannot be read: '
                    f"{escape(page.problem)}</td></tr>" for page in pages if page.problem and not page.subjects)
    return _document("BPMN coverage", f"""<main>
<h1>BPMN coverage</h1>
<p><span class="figure">{percent(passed, total):g} %</span></p>
<p class="quiet">{passed} of {total} elements, sequence flows and rules were passed by {_counted(tests, "test")}.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Processes and decisions"><table>
<thead><tr><th>Process or decision</th><th>File</th><th class="number">Elements</th>
<th class="number">Sequence flows</th><th class="number">Rules</th><th>Passed</th></tr></thead>
<tbody>{rows or '<tr><td colspan="6">No test deployed anything.</td></tr>'}</tbody></table></div>
</main>""")


def _index_row(page: Page, subject: Subject, link: str) -> str:
    figures = "".join(f'<td class="number">{_of(share(subject.parts, kind))}</td>' for kind in (ELEMENT, FLOW, RULE))
    return (f'<tr><td><a href="{escape(link)}#{_anchor(subject)}">{escape(subject.name)}</a></td>'
            f"<td><code>{escape(page.name)}</code></td>{figures}<td>{_bar(subject)}</td></tr>")


def _bar(subject: Subject) -> str:
    value = percent(*share(subject.parts))
    return (f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect width="{value:g}" height="10"/></svg> {value:g} %')


def _page(page: Page) -> str:
    inside = "".join(_subject(page, subject) for subject in page.subjects)
    problem = f"<p>Expected to draw the file, but: {escape(page.problem)}</p>" if page.problem else ""
    return _document(f"{page.name} · BPMN coverage", f"""<nav><a href="index.html">BPMN coverage</a></nav>
<main>
<h1>{escape(page.name)}</h1>
{problem}{_legend(page)}{"".join(_pictures(page))}{inside}
</main>""")


def _legend(page: Page) -> str:
    states = ("passed", "begun", "never") if page.planes else ("passed", "never")
    items = "".join(f'<li><span class="swatch {state}"></span>{_STATES[state]}</li>' for state in states)
    more = "<li>The number at an element is how many tests passed it.</li>" if page.planes else ""
    return f'<ul class="legend">{items}{more}</ul>'


def _pictures(page: Page) -> Iterator[str]:
    marks = {part.id: _mark(part, f"#{_anchor(subject, part)}")
             for subject in page.subjects for part in subject.parts}
    for plane in page.planes:
        title = f"Diagram of {plane.name}" if plane.name else "Diagram"
        yield (f'<div class="canvas" tabindex="0" role="region" aria-label="{escape(title)}">'
               f"{svg.draw(plane, marks.get)}</div>")


def _mark(part: Part, link: str) -> Mark:
    state = _state(part)
    how = f" by {_counted(len(part.tests), 'test')}" if part.passed else ""
    return Mark(state, title=f"{part.name or part.id}: {_STATES[state]}{how}",
                badge=str(len(part.tests)) if part.kind == ELEMENT else "", link=link)


def _state(part: Part) -> str:
    if part.passed:
        return "passed"
    return "begun" if part.begun else "never"


def _subject(page: Page, subject: Subject) -> str:
    counts = [f"{_of(share(subject.parts, kind))} {_WORDS[kind]}" for kind in (ELEMENT, FLOW, RULE)
              if share(subject.parts, kind)[1]]
    head = (f'<section aria-labelledby="{_anchor(subject)}"><h2 id="{_anchor(subject)}">{escape(subject.name)}</h2>'
            f'<p class="quiet"><code>{escape(subject.id)}</code> · {percent(*share(subject.parts)):g} % passed: '
            f"{', '.join(counts)}</p>")
    if subject.table is not None:
        return f"{head}{_rules(subject)}</section>"
    never = [part for part in subject.parts if not part.passed]
    passed = [part for part in subject.parts if part.passed]
    missing = _table(subject, never, "Never passed") if never else "<p>Everything was passed.</p>"
    return f"{head}{missing}{_table(subject, passed, 'Passed') if passed else ''}</section>"


def _table(subject: Subject, parts: Sequence[Part], title: str) -> str:
    rows = "".join(
        f'<tr id="{_anchor(subject, part)}" class="{_state(part)}"><td>{escape(part.name) or "–"}</td>'
        f"<td><code>{escape(part.id)}</code></td><td>{escape(_type(part))}</td><td>{_who(part)}</td></tr>"
        for part in parts)
    return (f"<h3>{title} ({len(parts)})</h3>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table><thead><tr><th>Name</th>'
            f"<th>Id</th><th>Kind</th><th>Tests</th></tr></thead><tbody>{rows}</tbody></table></div>")


def _rules(subject: Subject) -> str:
    table = subject.table
    assert table is not None
    heads = "".join(f"<th>{escape(name)}</th>" for name in (*table.inputs, *(f"→ {name}" for name in table.outputs)))
    rows = "".join(
        f'<tr id="{_anchor(subject, part)}" class="{_state(part)}"><td class="number">{part.id}</td>'
        f"{''.join(f'<td><code>{escape(cell)}</code></td>' for cell in cells)}<td>{_who(part)}</td></tr>"
        for part, cells in zip(subject.parts, table.rules, strict=True))
    return (f'<p class="quiet">Hit policy: {table.policy}</p><div class="scroll" tabindex="0" role="region" '
            f'aria-label="Rules of {escape(subject.name)}"><table><thead><tr><th class="number">Rule</th>{heads}'
            f"<th>Tests</th></tr></thead><tbody>{rows}</tbody></table></div>")


def _who(part: Part) -> str:
    """The tests that passed a part, else what is known instead."""
    tests = part.tests or part.begun
    state = f'<span class="state">{_STATES[_state(part)]}</span>'
    if not tests:
        return state
    items = "".join(f"<li><code>{escape(test)}</code></li>" for test in tests[:MOST_TESTS])
    more = f"<li>and {len(tests) - MOST_TESTS} more</li>" if len(tests) > MOST_TESTS else ""
    label = f"{state}, in {_counted(len(tests), 'test')}" if not part.passed else _counted(len(tests), "test")
    return f"<details><summary>{label}</summary><ul>{items}{more}</ul></details>"


def _type(part: Part) -> str:
    return part.type.replace("_", " ").lower()


def _anchor(subject: Subject, part: Part | None = None) -> str:
    # A subject's id may be that of an element elsewhere in the file, and a rule's number is in every table.
    ends = f".{part.id}" if part is not None else ""
    return escape(f"{subject.id}{ends}".replace(" ", "_"))


def _of(counts: tuple[int, int]) -> str:
    return f"{counts[0]} of {counts[1]}" if counts[1] else "–"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
