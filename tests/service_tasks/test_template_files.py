"""Element templates as files: valid by Camunda's own validator, renewed when contracts change, and of use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from xml.sax.saxutils import escape

import pytest
from pydantic import Field

from bpmn.model import Dialect
from service_tasks import ContractError, Data, Registry, service_task
from service_tasks.contract import contract_of
from service_tasks.templates import sync, template
from tests.examples.order import ORDER_EXAMPLE
from tests.service_tasks.checking import process

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "node_modules" / "@bpmn-io" / "element-templates-validator"


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Line(Data):
    sku: str
    quantity: int = 1


@service_task("pack-parcel", "1.2", errors={"TOO_LARGE": "It fits no box."}, compensated_by="unpack-parcel")
def pack(order_id: Annotated[str, Field(description='The "order", as <it> is known.')], lines: list[Line],
         weight: float, count: int = 1, urgent: bool = False, size: Size = Size.SMALL, note: str | None = None,
         price: Decimal = Decimal("1.50"), extra: dict[str, str] | None = None) -> dict[str, str]:
    """Puts an order into a parcel.

    More about it.
    """
    return {"parcel": f"{order_id}/{count}/{size}/{len(lines)}/{weight}"}


@service_task("ping")
def ping() -> None: ...


@pytest.fixture
def registry():
    registry = Registry()
    registry.load(ORDER_EXAMPLE)
    registry.add(pack, ping)
    return registry


@pytest.fixture
def node():
    path = shutil.which("node")
    if path is None or not MODULES.is_dir():
        sentence = "Expected Node and the npm packages (make assets) to validate templates, but there are none."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


def faults(node, templates):
    made = subprocess.run([node, HERE / "node" / "validate.mjs"], input=json.dumps(templates), text=True,
                          capture_output=True, check=True, timeout=60)
    return json.loads(made.stdout)


def test_camunda_s_validator_accepts_every_template_of_both_dialects(node, registry):
    templates = [template(contract, dialect) for contract in registry for dialect in Dialect]

    assert len(templates) == 2 * 7
    assert faults(node, templates) == [[] for _ in templates]


def test_the_validator_is_really_asked(node):
    broken = template(contract_of(pack), Dialect.CAMUNDA_8)
    broken["properties"][1]["type"] = "Nonsense"
    del broken["name"]

    [found] = faults(node, [broken])

    assert any("name" in fault for fault in found)
    assert len(found) > 1


def test_fields_of_the_camunda_8_tab_are_typed_and_explained():
    made = template(contract_of(pack), Dialect.CAMUNDA_8)
    fields = {field["binding"].get("name"): field for field in made["properties"]}

    types = {name: fields[name]["type"] for name in ("weight", "count", "urgent", "size", "orderId", "lines")}
    assert types == {"weight": "Number", "count": "Number", "urgent": "Boolean", "size": "Dropdown",
                     "orderId": "String", "lines": "Text"}
    assert fields["orderId"]["description"] == 'The "order", as <it> is known.'
    assert "Optional; 1 if left empty." in fields["count"]["description"]


def versions(folder):
    return [each["version"] for each in json.loads((folder / "partitur-ping.json").read_text())]


def renewed(folder, *services):
    registry = Registry()
    registry.add(*services)
    return sync(registry, folder)


def test_a_changed_contract_gets_a_higher_version_even_if_nobody_gave_it_one(tmp_path):
    renewed(tmp_path, ping)
    assert versions(tmp_path) == [1, 1]
    renewed(tmp_path, ping)
    assert versions(tmp_path) == [1, 1]

    @service_task("ping")
    def louder(volume: int) -> None: ...

    renewed(tmp_path, louder)
    assert versions(tmp_path) == [2, 2]
    renewed(tmp_path, louder)
    assert versions(tmp_path) == [2, 2]

    @service_task("ping", "5")
    def newest(volume: int) -> None: ...

    renewed(tmp_path, newest)
    assert versions(tmp_path) == [5, 5]


@pytest.mark.parametrize("content", ['{"id": "mine"}', '[{"id": "mine.ping"}]', "no JSON", '[1]'])
def test_files_of_others_stay_and_are_never_overwritten(tmp_path, content):
    (tmp_path / "partitur-mine.json").write_text(content)
    renewed(tmp_path, pack)
    assert (tmp_path / "partitur-mine.json").read_text() == content

    (tmp_path / "partitur-ping.json").write_text(content)
    with pytest.raises(ContractError, match="somebody else's"):
        renewed(tmp_path, ping)
    assert (tmp_path / "partitur-ping.json").read_text() == content


def test_two_services_whose_files_would_have_one_name_are_refused(tmp_path):
    @service_task("a b")
    def first() -> None: ...

    @service_task("a/b")
    def second() -> None: ...

    with pytest.raises(ContractError, match="another service"):
        renewed(tmp_path, first, second)
    assert list(tmp_path.iterdir()) == []


def applied(made, changes):
    """A task to which somebody applied a template and filled in some fields, as the Modeler writes it.

    Source: Camunda's documentation, "Defining templates", what each binding does.
    """
    attributes, inside, inputs = "", "", ""
    for field in made["properties"]:
        binding, value = field["binding"], changes.get(field["binding"].get("name"), field.get("value", ""))
        if value == "" and (field.get("optional") or binding["type"] == "camunda:inputParameter"):
            continue
        value = escape(str(value), {'"': "&quot;"})
        match binding["type"]:
            case "zeebe:taskDefinition":
                inside += f'<zeebe:taskDefinition {binding["property"]}="{value}"/>'
            case "zeebe:input":
                inputs += f'<zeebe:input source="{value}" target="{binding["name"]}"/>'
            case "property":
                attributes += f' {binding["name"]}="{value}"'
            case "camunda:inputParameter":
                inputs += f'<camunda:inputParameter name="{binding["name"]}">{value}</camunda:inputParameter>'
    zeebe = "zeebe" in made["$schema"]
    around = "zeebe:ioMapping" if zeebe else "camunda:inputOutput"
    prefix = "zeebe" if zeebe else "camunda"
    attributes += f' {prefix}:modelerTemplate="{made["id"]}" {prefix}:modelerTemplateVersion="{made["version"]}"'
    return (f'<bpmn:serviceTask id="A" name="A"{attributes}><bpmn:extensionElements>{inside}<{around}>{inputs}'
            f"</{around}></bpmn:extensionElements></bpmn:serviceTask>")


@pytest.mark.parametrize(("dialect", "number", "fields"), [
    (Dialect.CAMUNDA_8, 8, {"count": "3", "size": "large"}),
    (Dialect.CAMUNDA_8, 8, {"count": "=2 + 1", "size": "large"}),
    (Dialect.CAMUNDA_7, 7, {"count": "${2 + 1}", "size": "large"}),
])
def test_a_task_with_a_template_is_deployed_without_a_warning_and_runs(stage, dialect, number, fields):
    registry = stage.offer(pack)
    drawn = process(applied(template(contract_of(pack), dialect), fields), dialect=number)
    deployment = stage.deploy("a.bpmn", drawn.content)
    assert [problem.message for problem in deployment.problems if "unpack" not in problem.message
            and "TOO_LARGE" not in problem.message and "diagram" not in problem.message] == []
    stage.hire(registry)

    key = stage.start("p", orderId="A-1", lines=[{"sku": "x"}, {"sku": "y"}], weight=2.5)

    assert stage.ended(key).row.state == "COMPLETED"
    assert stage.variables(key)["parcel"] == "A-1/3/large/2/2.5"
