"""Requests that a machine draws from our OpenAPI document: the answers fit it, and none is a fault of ours."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, note, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine import definitions, instances
from engine.engine import Engine
from engine.work import activation, jobs
from tests.engine import drawing
from web.app import create_app

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
          response_headers_conformance)
QUIET = tuple(HealthCheck)


@pytest.fixture(scope="module")
def api(module_url):
    """The document of an application with something of everything in it."""
    engine = Engine(module_url, synchronous="OFF")
    parts = drawing.start(), drawing.user("look"), drawing.service("pay"), drawing.end()
    engine.execute(definitions.deploy, [drawing.file(drawing.process("order", *parts))])
    engine.execute(definitions.deploy, [drawing.file(drawing.process("bill", *parts[:1], *parts[2:]))])
    for process in ("order", "bill", "bill"):
        engine.execute(instances.start, process, variables={"amount": 1}, business_id="A-1")
    [job, *_] = engine.execute(activation.activate, ["pay"], "worker", 1)
    engine.execute(jobs.fail, job.key, "Out of order.", lock_token=job.lock_token, retries=0)
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", create_app(engine, secret_key="test"))
    engine.close()


def drawn(api, mode, examples, begin=None):
    """Send what is drawn for each operation; answers have to fit the document.

    The same is drawn each time, or what the number `begin` leads to. What fails is told as a command of curl, and as
    `@reproduce_failure(…)`.
    """
    count = 0
    for found in api.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue    # nothing could be wrong about it

        @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET, database=None,
                  derandomize=begin is None, print_blob=True)
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            note(f"FUZZ_FROM={begin}")
            case.call_and_validate(checks=CHECKS)

        (check if begin is None else seed(begin)(check))()
        count += 1
    assert count >= 6


MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_answers_fit_the_document(api, mode):
    drawn(api, mode, 10)


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_answers_to_very_many_requests_fit_the_document(api, mode):
    drawn(api, mode, 500, int(os.environ.get("FUZZ_FROM", "0")))
