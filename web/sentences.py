"""Sentences that were made where no page is known, said in the language of a page.

What `engine`, `bpmn` and `service_tasks` say is raised and stored in English, with its values already in it. A
catalogue of their sentences, gathered from the code (`web.translations.gather`), has a numbered place for each value:
`Expected to find a job with key {1}, but there is none.` A sentence is recognised by what stands around the places, and
said anew in another language with the same values; a value that is itself a sentence, or a part of one, is said anew as
well. What is not recognised stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask_babel import get_locale
from markupsafe import Markup

from web.translations import FOLDER, SOURCE

FILE = "sentences.po"
WORD = "word"
"""The context of the words that are put into sentences, such as those for states and elements."""
LONGEST = 4_000
"""A longer text is not looked at."""
DEEPEST = 5
"""How deep sentences are looked for in the values of others."""
MOST_SPLITS = 12
"""Into how many sentences a text is taken apart."""
MOST_WAYS = 24
"""In how many ways a text is read as the same sentence."""
PATIENCE = 2_000
"""How often a text and its parts are compared with sentences, long ones counting more."""
LONG = 4
COMMON = frozenset({
    "Expected", "a", "an", "as", "be", "but", "for", "found", "has", "in", "is", "it", "its", "none", "not", "of",
    "one", "or", "that", "the", "there", "to"})
"""Words that many sentences have. One that has no other is recognised only if nothing in it is left in English."""
_PLACE = re.compile(r"\{(\d+)(:word)?\}")
_TOKEN = re.compile(r"\w+")
_PROSE = re.compile(r"(?<![\w'`\"])[a-z]{2,} +[a-z]{2,}(?![\w'`\"])")
_END = re.compile(r"(?<=[.!?:]) | (?=Expected )")
_LIST = re.compile(r"(, | and | or |; )")


def escaped(text: str) -> str:
    """A text as part of a message: its braces are none of ours."""
    return text.replace("{", "{{").replace("}", "}}")


def places(message: str) -> list[tuple[int, bool]]:
    """The places of a message, in order: their numbers, and whether one of our own words stands there."""
    return [part for part in parts(message) if not isinstance(part, str)]


def parts(message: str) -> Iterator[str | tuple[int, bool]]:
    """What a message consists of: texts and places."""
    text = ""
    position = 0
    while position < len(message):
        if message[position:position + 2] in {"{{", "}}"}:
            text += message[position]
            position += 2
        elif found := _PLACE.match(message, position):
            yield text
            yield int(found[1]), found[2] is not None
            text = ""
            position = found.end()
        else:
            text += message[position]
            position += 1
    yield text


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One sentence of the catalogue: what stands around its places, and how it is said."""

    around: tuple[str, ...]
    numbers: tuple[int, ...]
    are_words: tuple[bool, ...]
    answer: tuple[str | tuple[int, bool], ...]

    @property
    def weight(self) -> int:
        """How many characters of a sentence it knows."""
        return sum(map(len, self.around))

    @property
    def is_short(self) -> bool:
        """Whether it has hardly a word of its own, so that it means something only within another sentence."""
        return sum(len(_TOKEN.findall(text)) for text in self.around) < 2

    @property
    def is_common(self) -> bool:
        """Whether it has no word that tells what it is about."""
        return all(token in COMMON for text in self.around for token in _TOKEN.findall(text))

    def tokens(self) -> set[str]:
        """Words that every sentence of this kind contains."""
        found: set[str] = set()
        for index, text in enumerate(self.around):
            for token in _TOKEN.finditer(text):
                touches = (token.start() == 0 and index > 0) or (
                    token.end() == len(text) and index < len(self.around) - 1)
                if not touches:
                    found.add(token[0])
        return found

    def values(self, text: str) -> Iterator[list[str]]:
        """The ways in which `text` can be this sentence: what stands in the places."""
        first, last = self.around[0], self.around[-1]
        end = len(text) - len(last)
        if text.startswith(first) and text.endswith(last) and end >= len(first):
            yield from islice(_between(text, len(first), end, self.around[1:-1]), MOST_WAYS)


def _between(text: str, start: int, end: int, middles: tuple[str, ...]) -> Iterator[list[str]]:
    """The values in a stretch of a text, between texts that are known."""
    if not middles:
        yield [text[start:end]]
        return
    at = text.find(middles[0], start, end)
    while at >= 0:
        for rest in _between(text, at + len(middles[0]), end, middles[1:]):
            yield [text[start:at], *rest]
        # What is as long as this is hardly part of a value, too.
        at = text.find(middles[0], at + 1, end) if len(middles[0]) < LONG else -1


class Sentences:
    """All sentences in one language."""

    def __init__(self, catalogue: Catalog) -> None:
        self.words: dict[str, str] = {}
        self.whole: dict[str, str] = {}
        self.templates: list[Template] = []
        for message in catalogue:
            if not message.id or not message.string:
                continue
            original, answer = str(message.id), str(message.string)
            if message.context == WORD:
                self.words[original] = answer
            elif places(original):
                self.templates.append(_template(original, answer))
            else:
                self.whole["".join(map(str, parts(original)))] = "".join(map(str, parts(answer)))
        self.by_token = _index(self.templates)
        self.say = lru_cache(maxsize=8192)(self._say)

    def candidates(self, text: str) -> Iterable[Template]:
        """The templates that a text may be one of."""
        seen = {""} | set(_TOKEN.findall(text))
        for token in seen & self.by_token.keys():
            yield from self.by_token[token]

    def _say(self, text: str) -> str:
        return _Attempt(self).said(text, 0)[0] if len(text) <= LONGEST else text


class _Attempt:
    """Looks for the sentences in one text. Whoever makes up a text on purpose gets no more than `PATIENCE` for it."""

    def __init__(self, known: Sentences) -> None:
        self._known = known
        self._patience = PATIENCE

    def said(self, text: str, depth: int) -> tuple[str, int]:
        """A text in this language, and how many of its characters were recognised."""
        bare = text.strip()
        if not bare or depth > DEEPEST or not self._goes_on(bare):
            return text, 0
        said, score = self._recognised(bare, depth)
        if "\n" in bare:
            lines = [self.said(line, depth + 1) for line in bare.split("\n")]
            if (points := sum(points for _, points in lines)) > score:
                said, score = "\n".join(line for line, _ in lines), points
        if not score:
            said, score = self._in_pieces(bare, depth)
        if not score:
            return text, 0
        start = text.index(bare)
        return text[:start] + said + text[start + len(bare):], score

    def _goes_on(self, text: str) -> bool:
        self._patience -= 1 + len(text) // 200
        return self._patience > 0

    def _recognised(self, text: str, depth: int) -> tuple[str, int]:
        if text in self._known.whole:
            return self._known.whole[text], len(text)
        best, score = text, (0, False, 0)
        for template in self._known.candidates(text):
            if template.is_short and depth == 0:
                continue
            for values in template.values(text):
                if not self._goes_on(text):
                    return text, 0
                said = self._values(template, values, depth)
                if said is None:
                    continue
                # Of two that know as much, the one with which the text begins, and then the one with fewer places.
                rank = template.weight + sum(points for _, points in said), bool(template.around[0]), template.weight
                if rank > score:
                    best, score = _filled(template, text, said), rank
        return best, score[0]

    def _values(self, template: Template, values: list[str], depth: int) -> list[tuple[str, int]] | None:
        """The values of a sentence in this language; None if it is hardly this sentence."""
        said = []
        for value, is_word in zip(values, template.are_words, strict=True):
            if is_word and value not in self._known.words:
                return None
            answer, points = self._value(value, is_word, depth)
            if not points and template.is_common and _is_prose(value):
                return None
            said.append((answer, points))
        return said

    def _value(self, text: str, is_word: bool, depth: int) -> tuple[str, int]:
        words = self._known.words
        if text in words and (is_word or text.startswith(("a ", "an "))):
            return words[text], len(text)
        said, score = self.said(text, depth + 1)
        if not score and text[-1:].isalnum() and " " in text:
            said, score = self.said(f"{text}.", depth + 1)
            said = said.removesuffix(".")
        if not score and len(pieces := _LIST.split(text)) > 1:
            inner = [self.said(piece, DEEPEST) for piece in pieces[::2]]
            score = sum(points for _, points in inner)
            joints = [words.get(joint.strip(), joint.strip()) for joint in pieces[1::2]]
            said = inner[0][0] + "".join(
                f"{'' if joint in ',;' else ' '}{joint} {piece}"
                for joint, (piece, _) in zip(joints, inner[1:], strict=True))
        return (said, score) if score else (text, 0)

    def _in_pieces(self, text: str, depth: int) -> tuple[str, int]:
        """Several sentences behind each other, or one behind something that is none."""
        for split in islice(_END.finditer(text), MOST_SPLITS):
            before, after = text[:split.start()], text[split.end():]
            first = self._recognised(before, depth)
            if first[1] or text[split.start() - 1] == ":" or after.startswith("Expected "):
                second = self.said(after, depth + 1)
                if first[1] or second[1]:
                    return first[0] + split[0] + second[0], first[1] + second[1]
        return text, 0


def _template(original: str, answer: str) -> Template:
    whole = list(parts(original))
    return Template(
        around=tuple(part for part in whole if isinstance(part, str)),
        numbers=tuple(number for number, _ in places(original)),
        are_words=tuple(word for _, word in places(original)),
        answer=tuple(parts(answer)))


def _index(templates: list[Template]) -> dict[str, list[Template]]:
    """The templates by the rarest of their words: a text has few of these, so few are tried."""
    tokens = {template: template.tokens() for template in templates}
    count = Counter(token for each in tokens.values() for token in each)
    found: dict[str, list[Template]] = defaultdict(list)
    for template, words in tokens.items():
        found[min(words, key=lambda token: (count[token], token)) if words else ""].append(template)
    return found


def _filled(template: Template, text: str, said: list[tuple[str, int]]) -> str:
    by_number = dict(zip(template.numbers, said, strict=True))
    result = "".join(part if isinstance(part, str) else by_number[part[0]][0] for part in template.answer)
    # A part of a sentence that comes first in this language begins it.
    first = next((part for part in template.answer if part), "")
    if not isinstance(first, str) and by_number[first[0]][1] and text[:1].isupper():
        result = result[:1].upper() + result[1:]
    return result


def _is_prose(text: str) -> bool:
    return _PROSE.search(text) is not None


@cache
def of(code: str) -> Sentences | None:
    """The sentences of a language; None for the language of the code, or if nobody translated them."""
    path = FOLDER / code / FILE
    if code == SOURCE or not path.exists():
        return None
    with path.open("rb") as file:
        return Sentences(read_po(file, locale=code))


def told(text: str, code: str | None = None) -> str:
    """A sentence of the engine in the language of the present page.

    Arguments:
        text: what the engine said. HTML is left alone: it was put together by the page.
        code: another language than that of the page.
    """
    if not isinstance(text, str) or isinstance(text, Markup):
        return text
    known = of(code or str(get_locale() or SOURCE))
    return known.say(text) if known else text
