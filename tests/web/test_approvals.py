"""Four eyes at every door: deployments and bulk operations wait for another person, who is told of them."""

from __future__ import annotations

import base64
import io
import re

import pytest

from engine import instances
from engine.operations import carrying
from engine.queries import approvals as found
from engine.queries import definitions as known
from engine.queries import lists
from tests.engine import drawing
from web.app import create_app
from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token, User
from web.auth.roles import Grant, Permission, Role

WHY = "Because of the test."
GRANTS = {
    "ann": (Grant(role=Role.ADMIN),), "bob": (Grant(role=Role.ADMIN),),
    "olga": (Grant(role=Role.OPERATOR),), "dora": (Grant(permissions=(Permission.READ, Permission.DEPLOY)),),
    "else": (Grant(role=Role.ADMIN, definitions=("other*",)),),
}


PASSWORD = "correct horse"
KEPT = secrets.hash_of(PASSWORD)


class Person:
    """Somebody who shows a password at each door, or a program that shows its token."""

    def __init__(self, app, name):
        self.client = app.test_client()
        person = "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        self.client.environ_base["HTTP_AUTHORIZATION"] = person if name != "ci" else "Bearer ptt_ci"

    def text(self, path, status=200):
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path, data=None, **more):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.text("/instances"))[1]
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, **more)

    def api(self, path, body=None, status=200):
        answer = self.client.post(f"/api{path}", json=body or {"reason": WHY})
        assert answer.status_code == status, answer.text
        return answer.json


@pytest.fixture
def people(engine, tmp_path):
    engine.four_eyes = frozenset({"deployments", "operations"})
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={name: User(KEPT, grants=grants) for name, grants in GRANTS.items()},
                       tokens={"ci": Token(secrets.digest_of("ptt_ci"), grants=(Grant(role=Role.ADMIN),))}))
    app = create_app(engine, secret_key="test", access=Access(file, "key"))
    return {name: Person(app, name) for name in (*GRANTS, "ci")}


def bpmn(id="p", *more):
    return drawing.file(drawing.process(id, drawing.start(), drawing.user("a"), *more, drawing.end())).content


def v2(person, content):
    return person.client.post("/v2/deployments", data={"resources": (io.BytesIO(content), "p.bpmn")})


def c7(person, content):
    return person.client.post("/engine-rest/deployment/create", data={"p.bpmn": (io.BytesIO(content), "p.bpmn")})


def test_deployments_wait_at_every_door(people, engine):
    ann, bob = people["ann"], people["bob"]
    answer = ann.post("/deployments", {"files": (io.BytesIO(bpmn("page")), "page.bpmn")},
                      content_type="multipart/form-data")
    assert answer.status_code == 303
    key = int(answer.headers["Location"].rsplit("/", 1)[1])
    answer = v2(ann, bpmn("v2"))
    assert (answer.status_code, answer.json["title"]) == (409, "INVALID_STATE")
    assert "only 'ann' asked for it" in answer.json["detail"]
    answer = c7(ann, bpmn("c7"))
    assert (answer.status_code, answer.json["type"]) == (409, "RestException")
    assert "another person to approve" in answer.json["message"]
    assert (known.search(engine).total, found.waiting(engine)) == (0, 3)

    # everybody is told, and who asked cannot approve
    for path in ("/", "/operations"):
        assert "3 requests wait for another person" in people["bob"].text(path), path
    page = bob.text("/approvals")
    assert "page 1" in page
    assert "v2 1" in page
    page = ann.text(f"/approvals/{key}")
    assert "You asked for it yourself" in page
    assert 'data-dialog="approve"' not in page
    refused = ann.post(f"/approvals/deployments/{key}/approval", {"reason": WHY})
    assert refused.status_code == 403
    assert "another person than" in refused.text
    # nor who may not deploy, nor at the address of operations, nor without a reason
    assert people["olga"].post(f"/approvals/deployments/{key}/approval", {"reason": WHY}).status_code == 403
    assert people["else"].text(f"/approvals/{key}", 404)
    assert bob.post(f"/approvals/operations/{key}/approval", {"reason": WHY}).status_code == 404
    assert bob.post(f"/approvals/deployments/{key}/approval").status_code == 422
    # nor a program, of which nobody knows who asks through it; it may ask, and withdraw what it asked for
    refused = people["ci"].post(f"/approvals/deployments/{key}/approval", {"reason": WHY})
    assert (refused.status_code, "is a program" in refused.text) == (403, True)
    wrong = people["ci"].api(f"/approvals/deployments/{key}/approve", status=403)
    assert "Expected a person to approve this" in str(wrong)
    asked = v2(people["ci"], bpmn("by-ci"))
    assert asked.status_code == 409
    own = found.approvals(engine, states=("WAITING",)).items[0]
    assert (own.requester, own.content["new"][0]["id"]) == ("ci", "by-ci")
    assert people["ci"].api(f"/approvals/deployments/{own.key}/decline")["state"] == "WITHDRAWN"
    assert known.search(engine).total == 0

    assert 'data-dialog="approve"' in bob.text(f"/approvals/{key}")
    assert people["dora"].post(f"/approvals/deployments/{key}/approval", {"reason": WHY}).status_code == 303
    assert [each.process_id for each in known.search(engine).items] == ["page"]
    page = bob.text(f"/approvals/{key}")
    assert "Approved" in page
    assert "dora" in page

    # by script
    waiting = {each["content"]["new"][0]["id"]: each["key"]
               for each in bob.client.get("/api/approvals?state=WAITING").json["items"]}
    assert bob.api(f"/approvals/deployments/{waiting['v2']}/approve")["state"] == "APPROVED"
    assert bob.api(f"/approvals/deployments/{waiting['c7']}/decline")["state"] == "DECLINED"
    bob.api(f"/approvals/operations/{waiting['c7']}/decline", status=404)
    bob.api(f"/approvals/deployments/{waiting['c7']}/decline", status=409)
    assert bob.client.get(f"/api/approvals/{waiting['v2']}").json["decidedBy"] == "bob"
    assert {each.process_id for each in known.search(engine).items} == {"page", "v2"}
    # what is there already waits for nobody
    assert v2(ann, bpmn("v2")).status_code == 200


def test_bulk_operations_wait_at_every_door(people, engine):
    ann, bob = people["ann"], people["bob"]
    engine.four_eyes = frozenset()
    assert v2(ann, bpmn()).status_code == 200
    assert v2(ann, bpmn("p", drawing.user("b"))).status_code == 200
    engine.four_eyes = frozenset({"operations"})
    keys = [engine.execute(instances.start, "p", version=1).key for _ in range(2)]

    # the console
    made = ann.post("/operations", {"kind": "SUSPEND", "chosen": " ".join(map(str, keys))})
    path = made.headers["Location"]
    assert ann.post(f"{path}/application", {"reason": WHY}).status_code == 303
    page = bob.text(path)
    assert "ann applied it. Another person" in page
    assert 'data-dialog="approve"' in page
    assert "You asked for it yourself" in ann.text(path)
    [row] = found.approvals(engine).items
    assert people["dora"].post(f"/approvals/operations/{row.key}/approval", {"reason": WHY}).status_code == 403
    assert people["else"].text(path, 404)
    assert people["olga"].post(f"/approvals/operations/{row.key}/approval", {"reason": WHY}).status_code == 303
    while carrying.work(engine):
        pass
    assert "olga" in bob.text("/approvals?state=APPROVED")
    assert [row.actor for row in lists.audit(engine, instance_key=keys[0], limit=1).items] == ["ann"]

    # by script: 202
    plan = ann.api("/operations", {"kind": "RESUME", "keys": [str(key) for key in keys]})
    while carrying.work(engine):
        pass
    assert ann.api(f"/operations/{plan['key']}/apply", status=202)["state"] == "WAITING"
    [row] = found.approvals(engine, states=["WAITING"]).items
    assert bob.post(f"/approvals/operations/{row.key}/refusal", {"reason": "Not now."}).status_code == 303
    assert "Not now." in ann.text(f"/operations/{plan['key']}")

    # Camunda 7 migrates several at once, without a plan
    new, old = (each.key for each in known.versions(engine, "p")[:2])
    body = {"processInstanceIds": [str(key) for key in keys], "migrationPlan": {
        "sourceProcessDefinitionId": str(old), "targetProcessDefinitionId": str(new),
        "instructions": [{"sourceActivityIds": ["a"], "targetActivityIds": ["a"]}]}}
    answer = ann.client.post("/engine-rest/migration/execute", json=body)
    assert answer.status_code == 400
    assert "Plan an operation" in answer.json["message"]
    answer = ann.client.post("/engine-rest/migration/execute", json=body | {"processInstanceIds": [str(keys[0])]})
    assert answer.status_code == 204


def test_pages_of_approvals_without_any(console):
    page = console.text("/approvals")
    assert "Nothing waits for an approval" in page
    assert "PARTITUR_FOUR_EYES" in page
    assert "requests wait" not in console.text("/")
