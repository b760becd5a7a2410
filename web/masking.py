"""Which requests read under a mask (`engine.masking`): pages, and what REST interfaces tell of variables and the past.

Without one read those who work with a value: workers with their jobs, people with the form of their task, and programs
that ask for the variables of a running instance or task by its key, as services of Camunda's clients do.
"""

from __future__ import annotations

import re

from flask import Flask, request

from engine import masking
from web.answers import engine

MASKED = re.compile(
    r"console\.(?!task$).+|api\..+"
    r"|camunda7\.(history-|variable-instance-|get_past_|get_variable_instance|get_decision_instance|get_details)\S*"
    r"|camunda8\.(search_variables|get_variable|search_decision\S*|get_decision\S*)"
)
READS_BY_POST = re.compile(r".+-(list|count)|camunda8\.search_.+")
"""What is sought stands in the body."""


def install(app: Flask) -> None:
    """Let each request read as it may."""
    @app.before_request
    def mask() -> None:
        masking.begin(engine().masking if is_masked(request.endpoint or "", request.method) else None)


def is_masked(endpoint: str, method: str) -> bool:
    """Whether a request only looks on."""
    looks = method in {"GET", "HEAD"} or READS_BY_POST.fullmatch(endpoint) is not None
    return looks and MASKED.fullmatch(endpoint) is not None
