"""What can go wrong inside a process: never an exception that leaves the interpreter, always one incident."""

from __future__ import annotations


class Failure(Exception):
    """The token cannot go on by itself; the engine raises an incident for it."""

    incident_type = "UNKNOWN"


class ConditionFailed(Failure):
    """A condition could not be evaluated, or none was true where one had to be."""

    incident_type = "CONDITION_ERROR"


class MappingFailed(Failure):
    """An input or output mapping could not be evaluated."""

    incident_type = "IO_MAPPING_ERROR"


class ValueFailed(Failure):
    """An expression that had to give a value of some kind (a name, a time, a list, a number) did not."""

    incident_type = "EXTRACT_VALUE_ERROR"


class CallFailed(Failure):
    """The process that a call activity names cannot be started."""

    incident_type = "CALLED_ELEMENT_ERROR"


class DecisionFailed(Failure):
    """A decision could not be evaluated."""

    incident_type = "DECISION_EVALUATION_ERROR"


class ErrorUncaught(Failure):
    """A BPMN error was thrown and nothing catches it."""

    incident_type = "UNHANDLED_ERROR_EVENT"


class TooManySteps(Failure):
    """The instance moved for longer than its step budget without ever waiting."""

    incident_type = "UNKNOWN"


class TokenNotFound(LookupError):
    """No token with that key is waiting in the instance."""


class ModificationRefused(Exception):
    """Tokens cannot be put or taken as it was asked for; the sentence says why."""


class MigrationRefused(Exception):
    """The instance cannot go on in the other definition; the sentences say why."""


class CompileError(Exception):
    """SpiffWorkflow's parser refused a model that passed validation; the sentence says why."""
