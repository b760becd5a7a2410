import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from typing_extensions import TypedDict

from service_tasks import Call, ContractError, Data, Retry, service_task
from service_tasks.contract import contract_of


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Line(Data):
    sku: str
    unit_price: Decimal


class Receipt(Data):
    receipt_id: str
    paid_on: date


def test_parameters_become_camel_case_inputs_and_defaults_make_them_optional():
    # given
    @service_task("pay")
    def pay(order_id: str, order_lines: list[Line], size: Size = Size.SMALL, *, call: Call) -> Receipt:
        raise NotImplementedError

    # when
    schema = contract_of(pay).input_schema()

    # then
    assert schema["required"] == ["orderId", "orderLines"]
    assert set(schema["properties"]) == {"orderId", "orderLines", "size"}
    assert schema["properties"]["orderId"] == {"title": "Order id", "type": "string"}
    assert schema["$defs"]["Size"]["enum"] == ["small", "large"]
    assert "unitPrice" in schema["$defs"]["Line"]["properties"]


def test_a_result_is_described_by_the_names_it_has_in_the_process():
    @service_task("pay")
    def pay() -> Receipt:
        raise NotImplementedError

    schema = contract_of(pay).output_schema()

    assert schema["required"] == ["receiptId", "paidOn"]
    assert schema["properties"]["paidOn"]["format"] == "date"


def test_a_method_is_a_service_without_its_self():
    class Client:
        @service_task("pay")
        def pay(self, amount: int) -> None: ...

    assert list(contract_of(Client().pay).inputs.model_fields) == ["amount"]


def test_an_async_function_is_known_as_one():
    @service_task("pay")
    async def pay() -> None: ...

    assert contract_of(pay).is_async


def test_a_decorated_function_stays_callable():
    @service_task("double")
    def double(number: int) -> dict[str, int]:
        return {"double": 2 * number}

    assert double(4) == {"double": 8}


class Typed(TypedDict):
    total: int


@dataclasses.dataclass
class Plain:
    total: int


@pytest.mark.parametrize("kind", [Typed, Plain, dict[str, Any], dict, Receipt])
def test_any_kind_of_named_values_can_be_a_result(kind):
    def total():
        return {"total": 1}

    total.__annotations__["return"] = kind

    assert contract_of(service_task("total")(total)).output is not None


def no_type(order_id) -> None: ...


def no_result(order_id: str): ...


def no_object() -> int: ...


def variadic(*orders: str) -> None: ...


def keywords(**orders: str) -> None: ...


def misnamed_call(context: Call) -> None: ...


def unknown_type(order: "Nowhere") -> None: ...  # noqa: F821


def not_json(order: object) -> None: ...


not_json.__annotations__["order"] = type("Custom", (), {})


@pytest.mark.parametrize(("function", "word"), [
    (no_type, "'order_id'"),
    (no_result, "gives back"),
    (no_object, "named values"),
    (variadic, "orders"),
    (keywords, "orders"),
    (misnamed_call, "'context'"),
    (unknown_type, "Nowhere"),
    (not_json, "JSON"),
])
def test_a_signature_that_does_not_say_enough_is_refused(function, word):
    with pytest.raises(ContractError) as refused:
        contract_of(service_task("pay")(function))

    assert "'pay'" in str(refused.value)
    assert word in str(refused.value)


@pytest.mark.parametrize("policy", [
    {"timeout": 0}, {"expected": 0}, {"pickup": -1}, {"total": 0},
    {"max_result_bytes": 0}, {"concurrency": 0}, {"rate": 0}, {"timeout": timedelta(seconds=-1)},
])
def test_a_policy_that_makes_no_sense_is_refused(policy):
    with pytest.raises(ContractError):
        service_task("pay", **policy)


def test_a_function_that_is_not_declared_is_no_service():
    def pay() -> None: ...

    with pytest.raises(ContractError):
        contract_of(pay)


def test_the_whole_contract_is_plain_data():
    @service_task("pay", "2", timeout=5, retry=Retry(attempts=7, backoff="fixed"), idempotent=True,
                  errors={"DECLINED": "No money."}, compensated_by="refund", expected=60, concurrency=2, rate=10)
    def pay(amount: int) -> None:
        """Takes money."""

    described = contract_of(pay).describe()

    assert described["description"] == "Takes money."
    assert described["retry"]["attempts"] == 7
    assert (described["retry"]["jitter"], described["retry"]["totalSeconds"]) == (0.2, None)
    assert (described["breaker"]["least"], described["maxResultBytes"]) == (20, 1_000_000)
    assert described["timeoutSeconds"] == 5
    assert described["expectedSeconds"] == 60
    assert described["errors"] == {"DECLINED": "No money."}
    assert described["compensatedBy"] == "refund"
    assert described["outputs"] == {"type": "object", "properties": {}}
