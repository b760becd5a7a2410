"""Decision definitions: found, read, evaluated."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7.test_deployments import DMN


@pytest.fixture
def discount(api):
    """The id of a decision."""
    return next(iter(api.upload({"pricing.dmn": DMN})["deployedDecisionDefinitions"]))


def asked(amount):
    return {"variables": {"amount": {"value": amount, "type": "Integer"}}}


def test_a_decision_is_evaluated_by_id_and_by_key(api, discount):
    for path in (f"/decision-definition/{discount}/evaluate", "/decision-definition/key/discount/evaluate"):
        assert api.post(path, asked(200)) == [{"percent": {"type": "Integer", "value": 10, "valueInfo": {}}}]
        assert api.post(path, asked(50)) == []


def test_decisions_are_found(api, discount):
    api.upload({"pricing.dmn": DMN.replace(b"&gt; 100", b"&gt; 500")})
    found = api.get("/decision-definition?key=discount&sortBy=version&sortOrder=desc")
    assert [each["version"] for each in found] == [2, 1]
    [newest] = api.get("/decision-definition?latestVersion=true")
    assert newest == found[0]
    assert (newest["resource"], newest["decisionRequirementsDefinitionKey"]) == ("pricing.dmn", "pricing")
    assert api.get("/decision-definition/key/discount") == newest
    assert api.get(f"/decision-definition/{discount}")["version"] == 1
    assert api.get("/decision-definition/count?name=Discount") == {"count": 2}


def test_the_file_is_given_as_it_was_deployed(api, discount):
    assert api.get(f"/decision-definition/{discount}/xml") == {"id": discount, "dmnXml": DMN.decode()}
    assert api.get("/decision-definition/key/discount/xml")["id"] == discount


def test_what_was_never_deployed_is_not_found(api):
    for path in ("/decision-definition/x", "/decision-definition/key/x", "/decision-definition/x:1:9/xml"):
        api.get(path, 404)
    api.post("/decision-definition/key/x/evaluate", {}, 404)
    api.post("/decision-definition/x/evaluate", {}, 404)
