"""Bytes that no one would write: a short run in every suite, and a long one on request.

`tests/fuzz/hour.py` looks much harder, guided by coverage.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import LANGUAGES, attack, dmn_table, juel
from tests.fuzz.seeds import all_seeds

SIGNS = b"()[]{}<>=!?.,:;\"'`@-+*/% \n\\$#&|0129aexyT"


def mutated(rnd: random.Random, seeds: list[bytes]) -> bytes:
    """A seed of which pieces were taken out, put in from another one, repeated or changed."""
    language = rnd.randrange(len(LANGUAGES))
    data = bytearray(rnd.choice(seeds)[1:] if rnd.random() < 0.1 else
                     rnd.choice([seed for seed in seeds if seed[0] == language] or seeds)[1:])
    for _ in range(rnd.randrange(1, 6)):
        start = rnd.randrange(len(data) + 1)
        end = min(len(data), start + rnd.randrange(1, 12))
        kind = rnd.randrange(5)
        if kind == 0:
            del data[start:end]
        elif kind == 1:
            other = rnd.choice(seeds)
            place = rnd.randrange(len(other))
            data[start:start] = other[place:place + rnd.randrange(1, 20)]
        elif kind == 2:
            data[start:end] = data[start:end] * rnd.choice((2, 3, 50))
        elif kind == 3:
            data[start:end] = rnd.randbytes(end - start)
        else:
            data[start:start] = bytes([rnd.choice(SIGNS)])
    return bytes([language]) + bytes(data[:8192])


@pytest.mark.parametrize("language", range(len(LANGUAGES)), ids=lambda place: LANGUAGES[place].__name__)
def test_mutated_texts_are_evaluated_or_refused(language):
    rnd = random.Random(language)
    seeds = [seed for seed in all_seeds() if seed[0] == language]
    for _ in range(300):
        data = mutated(rnd, seeds)
        attack(bytes([language]) + data[1:])


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(8))
def test_half_a_million_mutated_texts(part):
    seeds, rnd = all_seeds(), random.Random(f"{os.environ.get('FUZZ_FROM', '')} {part}")
    for _ in range(62_500):
        data = mutated(rnd, seeds)
        try:
            attack(data)
        except Exception as error:
            raise AssertionError(f"Expected {data!r} to be evaluated or refused, but it raised {error!r}.") from error


WORDS = st.sampled_from([
    "${", "#{", "}", "a", "b.c", "x", "list", "(", ")", "[", "]", "1", "2.5", "'t'", '"u"', "+", "-", "*", "/", "%",
    "==", "!=", "<", "&&", "||", "!", "not ", "empty ", "? 1 : 2", "eq", "div", "mod", ".size()", ".contains('t')",
    ".get(0)", "now()", "S(x)", ".prop('d')", "execution.getVariable('a')", "execution.id", ":", ",", "null",
    "true", "\\",
])


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=15).map("".join))
def test_any_words_of_juel_are_evaluated_or_refused(text):
    juel(text)
    juel(f"${{{text}}}")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([
    "-", "1", "< 5", '"a"', "[1..2]", "a", "?", "null", 'date("2030-01-01")', "not(1)", "1,2", "(", "x.y", "true", "@",
]), max_size=7).map("\n".join), st.integers(0, 50))
def test_any_cells_of_a_table_are_evaluated_or_refused(text, padding):
    dmn_table(text + "\n" * padding)
