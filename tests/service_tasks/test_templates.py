import json
from enum import StrEnum

import pytest

from bpmn.model import Dialect
from service_tasks import Data, Registry, service_task
from service_tasks.contract import contract_of
from service_tasks.templates import sync, template


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Line(Data):
    sku: str


@service_task("pack-parcel", "1.2", errors={"TOO_LARGE": "It fits no box."}, compensated_by="unpack-parcel")
def pack(order_id: str, lines: list[Line], size: Size = Size.SMALL, note: str = "") -> dict[str, str]:
    """Puts an order into a parcel."""
    raise NotImplementedError


PACK = contract_of(pack)


def fields(found):
    return {field["binding"].get("name"): field for field in found["properties"]}


def test_a_service_appears_with_a_name_in_words_and_what_it_is_for():
    found = template(PACK, Dialect.CAMUNDA_8)

    assert found["name"] == "Pack parcel"
    assert found["id"] == "partitur.pack-parcel"
    assert found["version"] == 1002
    for words in ("Puts an order into a parcel.", "TOO_LARGE (It fits no box.)", "Undone by unpack-parcel."):
        assert words in found["description"]


def test_camunda_8_binds_the_job_type_and_typed_inputs():
    found = template(PACK, Dialect.CAMUNDA_8)

    assert found["elementType"] == {"value": "bpmn:ServiceTask"}
    assert found["properties"][0]["value"] == "pack-parcel"
    assert found["properties"][0]["binding"] == {"type": "zeebe:taskDefinition", "property": "type"}
    inputs = fields(found)
    assert inputs["orderId"]["label"] == "Order id"
    assert inputs["orderId"]["value"] == "=orderId"
    assert inputs["orderId"]["constraints"] == {"notEmpty": True}
    assert inputs["lines"]["feel"] == "required"
    assert inputs["note"]["optional"] is True


def test_camunda_7_binds_an_external_task_and_input_parameters():
    found = template(PACK, Dialect.CAMUNDA_7)

    inputs = fields(found)
    assert inputs["camunda:type"]["value"] == "external"
    assert inputs["camunda:topic"]["value"] == "pack-parcel"
    assert inputs["orderId"]["value"] == "${orderId}"
    assert inputs["orderId"]["binding"] == {"type": "camunda:inputParameter", "name": "orderId"}


@pytest.mark.parametrize("dialect", list(Dialect))
def test_choices_become_a_drop_down(dialect):
    size = fields(template(PACK, dialect))["size"]

    assert size["type"] == "Dropdown"
    assert [choice["value"] for choice in size["choices"]] == ["small", "large"]
    assert size["value"] == "small"


def test_templates_are_written_to_a_folder_and_stale_ones_removed(tmp_path):
    # given templates of an earlier time, and one that somebody wrote by hand
    (tmp_path / "partitur-gone.json").write_text("[]")
    (tmp_path / "mine.json").write_text("[]")
    registry = Registry()
    registry.add(pack)

    # when
    [path] = sync(registry, tmp_path)

    # then
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.json", "partitur-pack-parcel.json"]
    assert [found["id"] for found in json.loads(path.read_text())] == [
        "partitur.pack-parcel", "partitur.pack-parcel.camunda7",
    ]
