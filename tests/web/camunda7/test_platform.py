"""What Camunda Modeler and monitors ask before anything else, and where the Modeler's links lead."""

from __future__ import annotations

import pytest


def test_version_and_engines(api):
    assert api.get("/version") == {"version": "7.24.0"}
    assert api.get("/engine") == [{"name": "default"}]


def test_connection_check_of_the_modeler(api):
    # The Modeler sends this literal header when nobody logs in.
    response = api.client.get("/engine-rest/deployment?maxResults=0", headers={"Authorization": "undefined"})
    assert (response.status_code, response.get_json()) == (200, [])


def test_the_modeler_finds_our_pages_instead_of_cockpit(api):
    found = api.client.get("/.well-known/camunda-automation-platform/webapps").get_json()
    cockpit = found["cockpitUrl"]
    assert cockpit.endswith("/")
    assert not cockpit.endswith("cockpit/"), "The Modeler would put Cockpit's own path behind it."
    assert api.client.get(f"{cockpit}process-instance/42").location == "/instances/42"
    assert api.client.get(f"{cockpit}repository?deploymentsQuery=x").status_code == 302
    assert api.client.get(cockpit).status_code == 302


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_does_not_exist_is_refused_in_the_words_of_the_interface(api, method):
    error = api.send(method, "/filter/1/list", {}, 404)
    assert f"no {method} /engine-rest/filter/1/list" in error["message"]
