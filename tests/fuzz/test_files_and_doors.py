"""Damaged diagrams, decisions, forms and requests: each is done or refused, in words and soon. Nothing crashes.

A few thousand in every run of the tests; `make test-long` tries 100,000 and more, on every processor.
"""

from __future__ import annotations

import multiprocessing
import os
import sys

import pytest

from tests.fuzz import attack, material

SHORT = {"bpmn": 500, "dmn": 300, "form": 800, "requests": 600}
"""How many attempts of each kind every run of the tests makes."""
LONG = {"bpmn": 35_000, "dmn": 20_000, "form": 20_000, "requests": 40_000}
CHUNK = 1_000


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
@pytest.mark.timeout(7_200)
def test_more_than_100_000_damaged_things(capsys):
    assert sum(LONG.values()) >= 100_000
    first = int(os.environ.get("FUZZ_FROM", "100"))
    chunks = [(kind, first + number, CHUNK) for kind, total in LONG.items() for number in range(total // CHUNK)]
    found = []
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=4) as pool:
        for number, done in enumerate(pool.imap_unordered(attack.numbered, chunks), 1):
            found += done
            with capsys.disabled():
                sys.stderr.write(f"{number} of {len(chunks)} chunks of {CHUNK}, {len(found)} went wrong\n")
    assert not found, f"{len(found)} went wrong:\n\n" + "\n\n".join(map(str, found[:10]))


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(3_600)
def test_thousands_of_damaged_requests_on_postgresql(postgres_template):
    found = [each for number in range(2, 8) for each in attack.requests(number, CHUNK, postgres_template())]
    assert not found, f"{len(found)} went wrong:\n\n" + "\n\n".join(map(str, found[:10]))
