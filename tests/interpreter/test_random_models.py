"""Random processes along random paths: each comes to its end, leaves nothing behind, and does not notice when it is
saved, dropped and taken up again after every step."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpmn.interpreter import compile_process
from bpmn.model import Dialect
from tests.bpmn.diagrams import model_of
from tests.interpreter.random_drawing import Drawing
from tests.interpreter.random_models import models
from tests.interpreter.random_oracle import Oracle, plain_models
from tests.interpreter.random_parts import PARTS, SECONDS, try_part
from tests.interpreter.random_run import VARIABLES, RandomRun

PATHS = st.lists(st.integers(0, 1_000), min_size=12, max_size=60)
DIALECTS = st.sampled_from(Dialect)
QUICK = settings(deadline=None, max_examples=100, print_blob=True, suppress_health_check=list(HealthCheck))
MANY = 16_000


def both_ways(model, path, dialect):
    program = compile_process(model_of(Drawing(dialect).file(model)).processes[0])
    kept = RandomRun(program, reload=False)
    kept.follow(path)
    reloaded = RandomRun(program, reload=True)
    reloaded.follow(path)
    assert reloaded.trace == kept.trace
    assert reloaded.rows == kept.rows


@QUICK
@given(models(3), PATHS, DIALECTS)
def test_a_random_process_ends_the_same_way_however_often_it_is_reloaded(model, path, dialect):
    both_ways(model, path, dialect)


@QUICK
@given(plain_models(3), st.integers(0, 3), st.integers(0, 2**32), DIALECTS)
def test_a_plain_random_process_runs_what_its_blocks_say(model, c, seed, dialect):
    drawing = Drawing(dialect)
    program = compile_process(model_of(drawing.file(model)).processes[0])
    run = RandomRun(program, reload=True, variables={**VARIABLES, "c": c})
    run.complete_in_any_order(random.Random(seed))

    oracle = Oracle(drawing, c)
    oracle.scope(model)
    assert run.ran() == oracle.ran


@pytest.mark.long
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("part", PARTS)
def test_many_large_random_processes_end_the_same_way(part):
    try_part(part, MANY, both_ways, models(4), PATHS, DIALECTS)
