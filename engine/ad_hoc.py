"""Ad-hoc sub-processes that a worker leads: what it may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import RowMapping

from bpmn.interpreter import Directions
from bpmn.model import ElementType
from engine import values
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from engine.transaction import Transaction

AD_HOC_JOB = "AD_HOC_SUB_PROCESS"
NOT_ACTIVATED = frozenset({ElementType.BOUNDARY_EVENT, ElementType.EVENT_SUB_PROCESS})


def checked(tx: Transaction, job: RowMapping, directions: Directions) -> Directions:
    """The directions of a worker, as they can be followed.

    Raises InvalidInput: the job is none of an ad-hoc sub-process, or an element cannot be activated in it.
    """
    if job["kind"] != AD_HOC_JOB:
        raise InvalidInput(f"Expected job {job['key']} to lead an ad-hoc sub-process, but it does not.")
    elements = tx.definition(job["definition_key"]).process.elements
    inside = [element.id for element in elements.values() if element.scope == job["element_id"]
              and not element.incoming and element.type not in NOT_ACTIVATED and not element.for_compensation]
    unknown = [id for id, _ in directions.activate if id not in inside]
    if unknown:
        raise InvalidInput(f"Expected to activate some of {', '.join(inside)}, but found {', '.join(unknown)}.")
    return Directions(
        activate=[(id, values.checked(given)) for id, given in directions.activate],
        over=directions.over, cancel_rest=directions.cancel_rest,
    )
