"""Which requests read under a mask (`engine.masking`): pages, and what REST interfaces tell of variables and the past.

Without one read those who work with a value: workers with their jobs, people with the form of their task, and programs
that ask for the variables of a running instance or task by its key, as services of Camunda's clients do. Whoever may
only look at the instance or the task sees no more at these doors than on its page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, request

from engine import masking
from engine.errors import NotAllowed
from engine.queries import anything
from engine.sight import Sight
from web.answers import engine
from web.auth.authorizing import key_of
from web.auth.identity import current
from web.auth.roles import Permission
from web.auth.rules import KEYS

MASKED = re.compile(
    r"console\.(?!task$).+|api\..+"
    r"|camunda7\.(history-|variable-instance-|get_past_|get_variable_instance|get_decision_instance|get_details)\S*"
    r"|camunda8\.(search_variables|get_variable|search_decision\S*|get_decision\S*)"
)
READS_BY_POST = re.compile(r".+-(list|count)|camunda8\.search_.+")
"""What is sought stands in the body."""
GIVES = re.compile(r"console\.task|camunda7\.(form_variables|get_\w*form|.+-of-\w*[vV]ariables\S*)"
                   r"|camunda8\.search_(variables_of_task|effective_variables)")
"""Where values are read by whoever works with them."""
OF_TASK = re.compile(r".*task.*|.*form.*")
WORKS = (Permission.JOBS, Permission.OPERATE)
WORKS_ON_TASKS = (*WORKS, Permission.TASKS)
"""Who needs values of the instances, or user tasks, on which they have it."""


def install(app: Flask) -> None:
    """Let each request read as it may."""
    @app.before_request
    def mask() -> None:
        endpoint, found = request.endpoint or "", engine().masking
        hides = looks(endpoint, request.method) and (
            MASKED.fullmatch(endpoint) or (GIVES.fullmatch(endpoint) and not _works(endpoint)))
        masking.begin(found if hides else None, found)


def is_masked(endpoint: str, method: str) -> bool:
    """Whether a request only looks on, whoever asks."""
    return looks(endpoint, method) and MASKED.fullmatch(endpoint) is not None


def looks(endpoint: str, method: str) -> bool:
    """Whether a request only reads."""
    return method in {"GET", "HEAD"} or READS_BY_POST.fullmatch(endpoint) is not None


def for_answer(process_id: str, tenant_id: str) -> None:
    """From now on, this request reads what its answer tells of an instance under the mask, unless whoever asks works
    with instances of this process: to start one, or to send it a message, is not to see all that it holds."""
    identity, hides = current(), engine().masking
    if identity is not None and not any(identity.may(each, process_id, tenant_id) for each in WORKS):
        masking.begin(hides, hides)


def expect_to_find_by(wanted: Mapping[str, Any], tenant_id: str, process_id: str | None = None) -> list[str]:
    """Which of some variables are hidden, by whose values somebody wants to reach instances of a tenant, or one of a
    process. Who reaches one by a value knows that it has it, so this is for those who may see it. Raises NotAllowed."""
    hides, identity = engine().masking, current()
    hidden = [name for name, value in wanted.items()
              if hides.hides(name) or hides.value(value) != value]
    if hidden and identity is not None and not any(
            identity.may_all_of(each, tenant_id) if process_id is None else identity.may(each, process_id, tenant_id)
            for each in WORKS):
        raise NotAllowed(f"Expected variables whose values {identity.name!r} may see, but those of {hidden[0][:60]!r} "
                         "are hidden from whoever may neither operate nor take jobs.")
    return hidden


def _works(endpoint: str) -> bool:
    """Whether whoever asks works with the instance or task that the address names."""
    identity = current()
    needed = WORKS_ON_TASKS if OF_TASK.fullmatch(endpoint) else WORKS
    if identity is None or any(map(identity.may_everywhere, needed)):
        return True
    areas = tuple(area for each in needed for area in identity.sight(each).areas)
    named = [value for name, value in (request.view_args or {}).items() if name in KEYS]
    return bool(areas) and all(anything.is_there(engine(), key_of(each), Sight(areas, identity.name))
                               for each in named)
