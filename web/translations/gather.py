"""Finds the sentences that the code below the pages makes: refusals, problems of a diagram, outcomes, incidents.

Nobody marks them. They are raised, put together and stored where no page is known, so they are found by what they look
like: a literal or an f-string with words in it, where it is neither documentation nor a log line nor SQL. What is put
in at run time becomes a numbered place (`web.sentences`), and the comment of a message says what stands there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from pathlib import Path

from bpmn.model import ElementType, EventKind
from bpmn.wording import article, words
from engine import states
from engine.operations.plans import OperationState
from web.sentences import WORD, escaped

ROOT = Path(__file__).parents[2]
PACKAGES = ("bpmn", "engine", "service_tasks", "web")
SILENT_FOLDERS = frozenset({
    "api", "assets", "camunda7", "camunda8", "cli", "migrations", "node_modules", "schema", "static", "telemetry",
    "templates", "testing", "translations"})
"""What speaks to programs, to a terminal or to nobody."""
SILENT_FILES = frozenset({
    "bpmn/wording.py", "engine/cluster/queue_postgres.py", "engine/pooler.py", "engine/upgrade.py",
    "service_tasks/alerts/watcher.py", "service_tasks/breaker.py", "service_tasks/contract.py",
    "service_tasks/openapi.py", "service_tasks/registry.py", "service_tasks/retry.py", "service_tasks/templates.py",
    "web/app.py", "web/auth/oauth.py", "web/auth/rules.py", "web/body.py", "web/bundles.py",
    "web/console/form_pages.py", "web/metrics.py", "web/parking.py", "web/sentences.py"})
"""The same: what speaks when a server starts or a service is declared."""
SILENT_CALLS = re.compile(
    r"""(.*\.)?(_?logger|logging|log|re)\.\w+|_|n?gettext|lazy_n?gettext|text|Index|exec_driver_sql|(.*\.)?exec_driver_sql
    |.*\.(log|startswith|endswith|split|rsplit|partition|removeprefix|removesuffix|strftime|encode|count)|cast|TypeVar
    |getattr|NewType|AssertionError|Thread|.*\.Thread|url_for|Response""", re.VERBOSE)
"""Calls whose texts are shown to nobody, or are marked already."""
WORDS = re.compile(r"(?<![\w.*/:#-])[a-z]{2,}(?![\w(=*/:_-]*[(=*/_])")
CODE = re.compile(r"""
    \b[A-Z]{3,}\ [A-Z]{2,} | \b(SET|SELECT|FROM|WHERE|PRAGMA|NOT|DELETE|AND|BEGIN|SAVEPOINT)\b   # SQL
    | ^\S+\ =\  | ^\w+\??:\ \w+\b(,|$) | ^repetitions\? | ^\?start    # parameters, a grammar
    | =" | charset= | filename= | max-age | ^Bearer\  | ^-c\  | ^\w+:// | <svg | ^<span | ^\{ | \\b | \x00
    | ^(?!Expected)(.|\n)*\n""", re.VERBOSE)
PLACE = "\ufffc"
SHORT = re.compile(r"\ufffc [a-z]{2,} \ufffc|[a-z]{2,} [`(]?\ufffc[`)]?(, )?|(a|an|the|not|no|be) [a-z]+")
NAMES = frozenset({
    "date and time", "days and time duration", "years and months duration", "time offset", "start included",
    "end included", "met by", "finished by", "started by", "overlaps after", "overlaps before",
    "api key", "card number", "credit card", "private key", "social security"})
"""Names in FEEL, and words of names of variables: both are the same in every language."""
CUT = re.compile(r"\.(lower|value)\(\)|^(article\()?words\(")
OTHER_WORDS = ("and", "or", "go on", "pause", "resume", "stop")
"""What joins the parts of a list, and verbs that are put into sentences."""
MOST_FORMS = 8
"""Into how many sentences one with choices in it is unfolded."""


@dataclass
class Found:
    """A sentence: where it is made, and what stands in its places."""

    files: set[str] = field(default_factory=set)
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where something is put in."""

    source: str
    """The expression that gives it."""
    word: bool
    """Whether it is one of our own words, not somebody's."""


Form = tuple["str | Place", ...]
"""One way in which a text can come out."""


def gathered(root: Path = ROOT) -> dict[tuple[str, str | None], Found]:
    """All sentences, by their text and whether it is one of the words that are put in (`WORD`)."""
    found: dict[tuple[str, str | None], Found] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if SILENT_FOLDERS.isdisjoint(path.relative_to(root).parts) and name not in SILENT_FILES:
                for form in _Reader().read(ast.parse(path.read_text())):
                    _note(found, form, name)
    for noun in sorted({words(kind) for kind in [*ElementType, *EventKind]}):
        found[noun, WORD] = found[article(noun), WORD] = Found({"bpmn/wording.py"})
    lifecycles: list[type[StrEnum]] = [*states.MOVES, OperationState]
    for state in sorted({each.value.lower() for lifecycle in lifecycles for each in lifecycle}):
        found[state, WORD] = Found({"engine/states.py"})
    for word in OTHER_WORDS:
        found[word, WORD] = Found()
    return found


def _note(found: dict[tuple[str, str | None], Found], form: Form, name: str) -> None:
    places = tuple(part for part in form if isinstance(part, Place))
    numbers = iter(range(1, len(places) + 1))
    text = "".join(escaped(part) if isinstance(part, str) else
                   f"{{{next(numbers)}{':word' if part.word else ''}}}" for part in form).strip()
    if text.startswith("Expected ") and text.endswith((" but", " found")):
        # It is finished elsewhere.
        text += f" {{{len(places) + 1}}}"
        places += (Place("…", word=False),)
    entry = found.setdefault((text, None), Found(places=tuple(place.source for place in places)))
    entry.files.add(name)


def speaks(form: Form) -> bool:
    """Whether a text is something that people read."""
    bare = "".join(part if isinstance(part, str) else PLACE for part in form)
    if CODE.search(bare) or bare in NAMES:
        return False
    if SHORT.fullmatch(bare):
        return True
    if " " not in bare.strip(f" {PLACE}"):
        return False
    found = WORDS.findall(bare)
    return len(found) > 1 or (bool(found) and (bare.rstrip().endswith((".", ":", "?")) or PLACE in bare))


class _Reader(ast.NodeVisitor):
    """Collects the texts of one file."""

    def __init__(self) -> None:
        self.found: list[Form] = []

    def read(self, tree: ast.AST) -> list[Form]:
        self.visit(tree)
        return self.found

    def _take(self, node: ast.expr) -> None:
        self.found.extend(form for form in _forms(node) if speaks(form))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._take(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._take(node)
        for part in node.values:
            # The alternatives of a choice are in the forms already.
            if isinstance(part, ast.FormattedValue) and not _choices(part.value):
                self.visit(part.value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Add) and _is_text(node):
            self._take(node)
            for part in _summands(node):
                if not isinstance(part, ast.Constant | ast.JoinedStr):
                    self.visit(part)
        else:
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if not SILENT_CALLS.fullmatch(ast.unparse(node.func)):
            self.generic_visit(node)
        elif isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for child in node.body:
            self.visit(child)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for child in node.body:
            self.visit(child)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Dict(self, node: ast.Dict) -> None:
        for value in node.values:
            self.visit(value)

    def visit_Compare(self, node: ast.Compare) -> None:
        for each in (node.left, *node.comparators):
            if not isinstance(each, ast.Constant):
                self.visit(each)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Says something to programmers only."""


def _forms(node: ast.expr) -> Iterator[Form]:
    """The ways in which a text can come out; too many choices stay places."""
    pieces: list[list[Form]] = []
    for part in _parts(node):
        if isinstance(part, str):
            pieces.append([(part,)])
            continue
        alternatives = _choices(part)
        count = len(alternatives)
        for other in pieces:
            count *= len(other)
        source = ast.unparse(part)
        pieces.append(alternatives if alternatives and count <= MOST_FORMS else
                      [(Place(source, CUT.search(source) is not None),)])
    for chosen in product(*pieces):
        yield _merged([part for form in chosen for part in form])


def _parts(node: ast.expr) -> Iterator[str | ast.expr]:
    if isinstance(node, ast.Constant):
        # A text that is filled in later by `format`.
        for number, piece in enumerate(re.split(r"(\{\w*\})", str(node.value))):
            yield ast.Name(piece.strip("{}") or "it") if number % 2 else piece
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield str(part.value) if isinstance(part, ast.Constant) else part.value  # type: ignore[attr-defined]
    elif isinstance(node, ast.BinOp):
        for summand in _summands(node):
            if isinstance(summand, ast.Constant | ast.JoinedStr):
                yield from _parts(summand)
            else:
                yield summand


def _choices(node: ast.expr) -> list[Form]:
    """What `a if … else b` can give, where both are texts; nothing for anything else."""
    if not isinstance(node, ast.IfExp):
        return []
    found: list[Form] = []
    for branch in (node.body, node.orelse):
        if isinstance(branch, ast.IfExp):
            inner = _choices(branch)
            if not inner:
                return []
            found.extend(inner)
        elif _is_text(branch):
            found.extend(_forms(branch))
        else:
            return []
    return found


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and any(isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant)
                                                    and isinstance(part.value, str)) for part in _summands(node))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _summands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _summands(node.left)
        yield from _summands(node.right)
    else:
        yield node


def _merged(parts: list[str | Place]) -> Form:
    found: list[str | Place] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)
