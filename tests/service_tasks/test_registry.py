import pytest

from service_tasks import ContractError, Registry, service_task
from tests.examples.order import ORDER_EXAMPLE

ORDER_SERVICES = [
    "authorize-payment", "release-inventory", "reserve-inventory", "schedule-delivery", "void-payment",
]


@pytest.mark.parametrize("source", [ORDER_EXAMPLE, ORDER_EXAMPLE / "clients.py"])
def test_services_are_found_in_a_file_or_its_folder(source):
    registry = Registry()

    registry.load(source)

    assert [contract.name for contract in registry] == ORDER_SERVICES


def test_loading_a_file_twice_changes_nothing():
    registry = Registry()
    registry.load(ORDER_EXAMPLE)

    registry.load(ORDER_EXAMPLE)

    assert len(registry) == 5


def test_services_are_found_in_a_module_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "warehouse_services.py").write_text(
        "from service_tasks import service_task\n"
        "@service_task('count')\n"
        "def count(sku: str) -> dict[str, int]:\n"
        "    return {'count': len(sku)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()

    registry.load("warehouse_services")

    assert "count" in registry


@pytest.mark.parametrize("source", ["no_such_module_anywhere", "no/such/file.py"])
def test_a_module_that_is_not_there_is_refused_with_its_name(source):
    with pytest.raises(ContractError, match=source):
        Registry().load(source)


def test_a_module_without_services_is_refused():
    with pytest.raises(ContractError, match="@service_task"):
        Registry().load("json")


def test_a_name_belongs_to_one_service():
    @service_task("pay")
    def pay() -> None: ...

    @service_task("pay")
    def other() -> None: ...

    registry = Registry()
    registry.add(pay)

    with pytest.raises(ContractError, match="'pay'"):
        registry.add(other)
