"""What a deployment says about connector tasks."""

from __future__ import annotations

import pytest

from bpmn.problems import Severity
from engine import definitions
from engine.definitions import Resource
from engine.errors import DeploymentRefused
from service_tasks.connector import Reach
from tests.service_tasks.connector.drawing import rest_task

PUBLIC = {"url": "https://api.example.com/orders"}


def problems(rest, inputs, headers=None, **options):
    resource = Resource(name="rest.bpmn", content=rest_task(PUBLIC | inputs, headers, **options))
    found = rest.stage.engine.execute(definitions.check, [resource])
    return [each for each in found if each.element_id]  # it has no shapes, which is told for the file


@pytest.fixture
def rest(rest):
    """A connector that may call public hosts only."""
    rest.connector.__init__(rest.stage.engine, Reach())
    return rest


@pytest.mark.parametrize(("inputs", "headers", "words"), [
    ({"url": None}, {}, "the input 'url', but it is missing"),
    ({"url": " "}, {}, "the input 'url'"),
    ({"method": None}, {}, "the input 'method'"),
    ({"method": "FETCH"}, {}, "'FETCH'"),
    ({"authentication.type": "kerberos"}, {}, "'kerberos'"),
    ({"authentication.type": "basic", "authentication.username": "ada"}, {}, "'authentication.password'"),
    ({"authentication.type": "bearer"}, {}, "'authentication.token'"),
    ({"authentication.type": "apiKey", "authentication.name": "k"}, {}, "'authentication.value'"),
    ({"authentication.type": "oauth-client-credentials-flow"}, {}, "'authentication.oauthTokenEndpoint'"),
    ({"url": "http://localhost:8080/"}, {}, "localhost:8080 is none: 127.0.0.1 is a loopback address"),
    ({"url": "http://169.254.169.254/latest/meta-data"}, {}, "PARTITUR_HTTP_ALLOW"),
    ({"url": "http://0x7f.1/"}, {}, "loopback"),
    ({"url": "http://user:pw@example.com/"}, {}, "without a user name"),
    ({"url": "ftp://example.com/"}, {}, "begins with http:// or https://"),
    ({"storeResponse": "true"}, {}, "document store"),
    ({"followRedirects": "true"}, {}, "redirect"),
    ({"connectionTimeoutInSeconds": "soon"}, {}, "'soon'"),
    ({}, {"resultExpression": "={a: "}, "'resultExpression' to be FEEL"),
    ({}, {"errorExpression": "=if"}, "'errorExpression' to be FEEL"),
    ({}, {"retryBackoff": "5 minutes"}, "'5 minutes'"),
])
def test_what_cannot_work_is_refused(rest, inputs, headers, words):
    found = [each for each in problems(rest, inputs, headers) if each.severity is Severity.ERROR]
    assert [each.element_id for each in found] == ["Call"] * len(found)
    assert any(words in each.message for each in found), found
    with pytest.raises(DeploymentRefused):
        rest.stage.deploy("rest.bpmn", rest_task(PUBLIC | inputs, headers))


@pytest.mark.parametrize(("inputs", "words"), [
    ({"authentication.type": "bearer", "authentication.token": "{{secrets.ABSENT}}"}, "named 'ABSENT'"),
    ({"authentication.type": "basic", "authentication.username": "a", "authentication.password": "hunter2"},
     "for everybody to read"),
])
def test_what_is_doubtful_is_a_warning(rest, inputs, words):
    found = problems(rest, inputs)
    assert [each.severity for each in found] == [Severity.WARNING]
    assert words in found[0].message


@pytest.mark.parametrize("inputs", [
    {}, {"url": '="https://" + host'}, {"url": "{{secrets.URL}}/x"}, {"method": "POST"},
    {"authentication.type": "bearer", "authentication.token": "{{secrets.URL}}"},
    {"authentication.type": '=kind'}, {"authentication.type": "bearer", "authentication.token": "=token"},
])
def test_what_is_fine_is_told_so(rest, inputs):
    rest.store(URL="https://api.example.com")
    assert [each.message for each in problems(rest, inputs, retries=3)] == []


def test_computed_targets_are_checked_at_the_call(rest):
    rest.stage.hire(rest.registry)
    rest.deploy({"url": '="http://" + host + "/"'}, retries=1)
    for host in ("127.0.0.1:1", "localhost:1", "[::1]:1", "2130706433:1"):
        key = rest.stage.start("rest", host=host)
        assert "a target that the HTTP connector may call" in rest.stage.incident(key).message
