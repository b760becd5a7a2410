"""The contract of a service: its name, what it takes and gives, what can go wrong, how it is to be called."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, TypeVar

import typing_extensions
from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter, create_model
from pydantic.alias_generators import to_camel

from service_tasks.breaker import Breaker
from service_tasks.call import Call
from service_tasks.probing import bound
from service_tasks.retry import Duration, Retry, as_timedelta
from service_tasks.words import title

MARK = "__service_task__"
MAX_RESULT_BYTES = 1_000_000
"""The largest result (as JSON) that a service may answer with, unless its contract says otherwise."""

T = TypeVar("T")
SENSITIVE = "x-sensitive"
"""The mark in a JSON Schema."""
Sensitive = Annotated[T, Field(json_schema_extra={SENSITIVE: True})]
"""`iban: Sensitive[str]`: the value is hidden from whoever only looks on (docs/SECURITY.md)."""
F = TypeVar("F", bound=Callable[..., Any])
PerCall = Callable[["Policy", Mapping[str, str], Mapping[str, Any]], "Policy"]
"""What a policy is for one call, by the task headers of the diagram and the variables."""


class ContractError(Exception):
    """A function cannot be a service: its signature or its policy does not say what the contract needs."""


class Data(BaseModel):
    """A base for the inputs and results of services: fields are camelCase in process variables, snake_case in Python.

    Both spellings are accepted on the way in; the way out is camelCase, as diagrams write it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True,
        field_title_generator=lambda name, _: title(name),
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What `@service_task` says about a service beside its signature; see there."""

    name: str
    version: str = "1"
    timeout: timedelta = timedelta(seconds=30)
    retry: Retry = field(default_factory=Retry)
    idempotent: bool = False
    read_only: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    compensated_by: str | None = None
    expected: timedelta | None = None
    pickup: timedelta | None = None
    total: timedelta | None = None
    concurrency: int | None = None
    rate: float | None = None
    max_result_bytes: int = MAX_RESULT_BYTES
    probe: Callable[..., Any] | None = None
    breaker: Breaker = field(default_factory=Breaker)
    per_call: PerCall | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ServiceContract:
    """One service, ready to be called and to be described.

    `inputs` is a pydantic model with one field per parameter, its alias the camelCase variable name; `output` checks
    and writes the result (None: the service gives nothing back).
    """

    policy: Policy
    description: str
    function: Callable[..., Any]
    inputs: type[BaseModel]
    output: TypeAdapter[Any] | None
    is_async: bool
    takes_call: bool
    probe: Callable[..., Any] | None = None
    probe_inputs: frozenset[str] = frozenset()

    @cached_property
    def name(self) -> str:
        """The job type under which diagrams ask for the service."""
        return self.policy.name

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the service's function, without the call."""
        return tuple(self.inputs.model_fields)

    @cached_property
    def input_names(self) -> frozenset[str]:
        """The variables that the service takes, in both spellings."""
        fields = self.inputs.model_fields
        return frozenset(fields) | {field.alias for field in fields.values() if field.alias}

    def for_call(self, headers: Mapping[str, str], variables: Mapping[str, Any]) -> ServiceContract:
        """The contract as it is for one call."""
        per_call = self.policy.per_call
        if per_call is None:
            return self
        return dataclasses.replace(self, policy=per_call(self.policy, headers, variables))

    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the variables that the service takes."""
        return self.inputs.model_json_schema(by_alias=True)

    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of the variables that the service gives; an empty object if none."""
        if self.output is None:
            return {"type": "object", "properties": {}}
        return self.output.json_schema(by_alias=True, mode="serialization")

    @property
    def sensitive(self) -> frozenset[str]:
        """The variables and entries that are declared `Sensitive`, or are of a type for secrets."""
        return frozenset(sensitive_names(self.input_schema())) | frozenset(sensitive_names(self.output_schema()))

    def describe(self) -> dict[str, Any]:
        """The whole contract as JSON-compatible data, for the catalogue."""
        policy = self.policy
        return {
            "name": policy.name,
            "version": policy.version,
            "description": self.description,
            "inputs": self.input_schema(),
            "outputs": self.output_schema(),
            "errors": dict(policy.errors),
            "idempotent": policy.idempotent,
            "readOnly": policy.read_only,
            "canBeAsked": self.probe is not None,
            "compensatedBy": policy.compensated_by,
            "timeoutSeconds": policy.timeout.total_seconds(),
            "expectedSeconds": policy.expected.total_seconds() if policy.expected else None,
            "pickupSeconds": policy.pickup.total_seconds() if policy.pickup else None,
            "totalSeconds": policy.total.total_seconds() if policy.total else None,
            "retry": {
                "attempts": policy.retry.attempts,
                "backoff": policy.retry.backoff,
                "firstSeconds": as_timedelta(policy.retry.first).total_seconds(),
                "capSeconds": as_timedelta(policy.retry.cap).total_seconds(),
                "jitter": policy.retry.jitter,
                "totalSeconds": as_timedelta(policy.retry.total).total_seconds() if policy.retry.total else None,
            },
            "breaker": {
                "rate": policy.breaker.rate,
                "least": policy.breaker.least,
                "windowSeconds": as_timedelta(policy.breaker.window).total_seconds(),
                "restSeconds": as_timedelta(policy.breaker.rest).total_seconds(),
                "longestSeconds": as_timedelta(policy.breaker.longest).total_seconds(),
            },
            "concurrency": policy.concurrency,
            "ratePerSecond": policy.rate,
            "maxResultBytes": policy.max_result_bytes,
        }


def sensitive_names(schema: Any) -> Iterator[str]:
    """The names of the properties of a JSON Schema, at any depth, that are marked sensitive or are for passwords."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        for name, written in properties.items() if isinstance(properties, Mapping) else ():
            if isinstance(written, Mapping) and (written.get(SENSITIVE) is True or written.get("format") == "password"):
                yield name
        for inner in schema.values():
            yield from sensitive_names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from sensitive_names(inner)


def service_task(
    name: str,
    version: str = "1",
    *,
    timeout: Duration = 30,
    retry: Retry | None = None,
    idempotent: bool = False,
    read_only: bool = False,
    errors: Mapping[str, str] | None = None,
    compensated_by: str | None = None,
    expected: Duration | None = None,
    pickup: Duration | None = None,
    total: Duration | None = None,
    concurrency: int | None = None,
    rate: float | None = None,
    max_result_bytes: int = MAX_RESULT_BYTES,
    probe: Callable[..., Any] | None = None,
    breaker: Breaker | None = None,
    per_call: PerCall | None = None,
) -> Callable[[F], F]:
    """Declare a typed function or method, sync or async, to be the service that jobs of type `name` call.

    Parameters become inputs: `order_id: str` takes the variable `orderId` (or `order_id`), a default makes it
    optional. The keyword parameter `call: Call` is told about the call. The return annotation (a pydantic model, a
    dataclass, a TypedDict, a dict, or None) says which variables the service gives.

    Arguments:
        name: the job type (`zeebe:taskDefinition type`, `camunda:topic`).
        version: of the contract, for the catalogue.
        timeout: how long one call may take; longer counts as a failure.
        retry: how failures are repeated; the number of attempts may be overruled by the diagram.
        idempotent: calling twice with the same idempotency key has the effect of calling once. Without it a call
            whose outcome is unknown is never repeated by itself.
        read_only: it only looks things up, so there is nothing to undo, and calling it twice does no harm.
        errors: the error codes that the service may raise as `BpmnError`, with a sentence for the analyst.
        compensated_by: name of the service that undoes this one.
        expected: the SLA, from the job's creation to its end; a job open for longer makes its instance *stalled*.
        pickup: how long a job may wait for a worker, before an operator is told that there is none.
        total: how long all attempts together may take, before an operator decides; a call under way is in doubt then.
        concurrency: at most so many calls at once in one worker.
        rate: at most so many calls begin per second in one worker.
        max_result_bytes: the largest result as JSON.
        probe: for a service that is not idempotent: a function that tells whether an earlier call took effect
            (`Happened`, `DidNotHappen` or `Unclear`, see `service_tasks.probing`). It takes any of the service's
            parameters, `call` with the key of the call in question among them, and is async if the service is.
        breaker: when the service counts as broken and is left in peace for a while.
        per_call: a function of this policy, the task headers of the diagram and the variables, which gives the policy
            of one call: where one service stands for many, it may be idempotent, slow or patient for some of them.

    Raises ContractError if the policy makes no sense; the signature is read when the function is registered.
    """
    if not name.strip():
        raise ContractError("Expected a service to have a name, but it is empty.")
    if concurrency is not None and concurrency < 1:
        raise ContractError(f"Expected service {name!r} to allow 1 call or more at once, but not {concurrency}.")
    if rate is not None and rate <= 0:
        raise ContractError(f"Expected service {name!r} to allow a positive rate, but rate is {rate}.")
    for what, length in (("timeout", timeout), ("expected", expected), ("pickup", pickup), ("total", total)):
        if length is not None and as_timedelta(length) <= timedelta(0):
            raise ContractError(f"Expected service {name!r} to have a positive {what}, but it is {length}.")
    if max_result_bytes < 1:
        raise ContractError(f"Expected service {name!r} to allow results of a byte or more, not {max_result_bytes}.")
    if read_only and compensated_by is not None:
        raise ContractError(
            f"Expected service {name!r}, which only reads, to need no undoing, but {compensated_by!r} undoes it."
        )
    policy = Policy(
        name=name, version=version, timeout=as_timedelta(timeout), retry=retry or Retry(),
        idempotent=idempotent or read_only, read_only=read_only, errors=dict(errors or {}),
        compensated_by=compensated_by,
        expected=_length(expected), pickup=_length(pickup), total=_length(total),
        concurrency=concurrency, rate=rate, max_result_bytes=max_result_bytes, probe=probe,
        breaker=breaker or Breaker(), per_call=per_call,
    )

    def mark(function: F) -> F:
        setattr(function, MARK, policy)
        return function

    return mark


def _length(value: Duration | None) -> timedelta | None:
    return None if value is None else as_timedelta(value)


def contract_of(function: Callable[..., Any]) -> ServiceContract:
    """The contract of a function (or bound method) declared with `@service_task`.

    Raises ContractError if it is not declared, or its signature does not say the types.
    """
    policy = getattr(function, MARK, None)
    if not isinstance(policy, Policy):
        raise ContractError(f"Expected {_title(function)} to be declared with @service_task, but it is not.")
    signature, hints = _read_signature(function, policy.name)
    inputs, takes_call = _inputs(policy.name, signature, hints)
    probe, probe_inputs = _probe(policy, function, signature)
    return ServiceContract(
        policy=policy, description=inspect.getdoc(function) or "", function=function, inputs=inputs,
        output=_output(policy.name, signature, hints), is_async=inspect.iscoroutinefunction(function),
        takes_call=takes_call, probe=probe, probe_inputs=probe_inputs,
    )


def _probe(policy: Policy, function: Callable[..., Any],
           signature: inspect.Signature) -> tuple[Callable[..., Any] | None, frozenset[str]]:
    if policy.probe is None:
        return None, frozenset()
    probe = bound(policy.probe, function)
    names = frozenset(inspect.signature(probe).parameters)
    foreign = names - {*signature.parameters, "call"}
    if foreign:
        raise ContractError(
            f"Expected the probe of service {policy.name!r} to take what the service takes, "
            f"but it takes {', '.join(sorted(foreign))} too."
        )
    if inspect.iscoroutinefunction(probe) != inspect.iscoroutinefunction(function):
        raise ContractError(f"Expected service {policy.name!r} and its probe to be both async or both not.")
    return probe, names


def _read_signature(function: Callable[..., Any], name: str) -> tuple[inspect.Signature, dict[str, Any]]:
    try:
        return inspect.signature(function), typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise ContractError(f"Expected to read the types of service {name!r}, but: {error}.") from error


def _inputs(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> tuple[type[BaseModel], bool]:
    fields: dict[str, Any] = {}
    takes_call = False
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ContractError(
                f"Expected service {name!r} to name its inputs, but {parameter} takes whatever comes."
            )
        if parameter.name not in hints:
            raise ContractError(f"Expected service {name!r} to give the type of {parameter.name!r}, but there is none.")
        if hints[parameter.name] is Call:
            takes_call = parameter.name == "call"
            if not takes_call:
                raise ContractError(
                    f"Expected the Call of service {name!r} to be named 'call', but it is {parameter.name!r}."
                )
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Field(default))
    config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", protected_namespaces=(),
        field_title_generator=lambda name, _: title(name),
    )
    try:
        model: type[BaseModel] = create_model("Inputs of " + name, __config__=config, **fields)
    except (PydanticUserError, NameError, ValueError) as error:
        raise ContractError(f"Expected service {name!r} to take data that JSON can carry, but: {error}") from error
    return model, takes_call


def _output(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> TypeAdapter[Any] | None:
    if signature.return_annotation is signature.empty:
        raise ContractError(f"Expected service {name!r} to say what it gives back (None for nothing), but it does not.")
    hint = hints.get("return")
    if hint is None or hint is type(None):
        return None
    if not _is_object(hint):
        raise ContractError(
            f"Expected service {name!r} to give back named values (a model, dataclass, TypedDict or dict), "
            f"but it gives {hint!r}."
        )
    try:
        return TypeAdapter(hint)
    except PydanticUserError as error:
        raise ContractError(f"Expected service {name!r} to give back data that JSON can carry, but: {error}") from error


def _is_object(hint: Any) -> bool:
    hint = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
    if typing.get_origin(hint) is not None:
        origin = typing.get_origin(hint)
        return isinstance(origin, type) and issubclass(origin, Mapping)
    if not isinstance(hint, type):
        return False
    if dataclasses.is_dataclass(hint) or typing_extensions.is_typeddict(hint):
        return True
    return issubclass(hint, BaseModel | Mapping)


def _title(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
