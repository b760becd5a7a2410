"""Damaged diagrams, decisions, forms and requests: each is done or refused, in words and soon. Nothing crashes.

A few thousand in every run of the tests; `make test-long` tries 100,000 and more, the same ones each time.
`FUZZ_FROM=1000`, or any other number, tries others.
"""

from __future__ import annotations

import multiprocessing
import os

import pytest

from tests.fuzz import attack, material

SHORT = {"bpmn": 500, "dmn": 300, "form": 800, "requests": 600}
"""How many attempts of each kind every run of the tests makes."""
LONG = {"bpmn": 35_000, "dmn": 20_000, "form": 20_000, "requests": 40_000}
CHUNK = 1_000
TOGETHER = 5
"""How many chunks one test tries, in a process of their own that is as it was in the beginning."""
PARTS = [(kind, first) for kind, total in LONG.items() for first in range(0, total // CHUNK, TOGETHER)]


@pytest.mark.parametrize("kind", SHORT)
def test_a_few_thousand_damaged_things(kind):
    found = attack.chunk(kind, 0, SHORT[kind])
    assert not found, "\n\n".join(map(str, found[:5]))


@pytest.mark.postgres
def test_damaged_requests_on_postgresql(postgres_url):
    found = attack.requests(1, 150, postgres_url)
    assert not found, "\n\n".join(map(str, found[:5]))


def test_what_once_did_harm():
    for kind, (read, _) in attack.FILES.items():
        for path in material.cases(kind):
            trouble = attack.attempt(lambda read=read, path=path: read(path.read_bytes()))
            assert trouble is None, f"{path.name}: {trouble}"


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("kind", "first"), PARTS)
def test_more_than_100_000_damaged_things(kind, first):
    assert len(PARTS) * TOGETHER * CHUNK >= 100_000
    begin = int(os.environ.get("FUZZ_FROM", "100")) + first
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(attack.numbered, [(kind, begin + number, CHUNK) for number in range(TOGETHER)])
    wrong = [each for chunk in found for each in chunk]
    assert not wrong, f"{len(wrong)} went wrong:\n\n" + "\n\n".join(map(str, wrong[:10]))


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("number", range(2, 8))
def test_thousands_of_damaged_requests_on_postgresql(postgres_template, number):
    wrong = attack.requests(number, CHUNK, postgres_template())
    assert not wrong, f"{len(wrong)} went wrong:\n\n" + "\n\n".join(map(str, wrong[:10]))
