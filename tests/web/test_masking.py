"""Values that are nobody's business are shown to nobody who only looks on; services get them all the same."""

from __future__ import annotations

import json
import re

import pytest
from structlog.testing import capture_logs

from engine import definitions, instances, masking, variables
from engine.contracts import JobContract
from engine.engine import Engine
from engine.errors import InvalidInput
from engine.masking import HIDDEN, MaskError, Masking
from engine.queries import lists
from engine.queries.instances import InstanceFilter
from engine.queries.instances import search as instance_search
from engine.queries.variables import VariableCondition
from service_tasks import Data, Sensitive, service_task
from service_tasks.checks import job_contract
from service_tasks.contract import contract_of
from tests.engine import drawing
from web.app import create_app
from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token
from web.auth.roles import Grant, Permission, Role
from web.masking import is_masked


class Person(Data):
    """What a service gives."""

    tax_number: Sensitive[str]
    town: str


@service_task("check")
def check(diagnosis: Sensitive[str], person: Person, amount: int) -> Person:
    """A service that is told what is nobody's business."""
    return person


VALUES = {"accountPassword": "hunter-2-hunter", "iban": "DE02120300000000202051", "amount": 7,
          "patientNumber": "P-4711-X",
          "customer": {"name": "Ann", "apiKey": "k-123456789", "cards": [{"cardNumber": "4111-1111-1111"}]}}
BARE = ("hunter-2-hunter", "DE02120300000000202051", "P-4711-X", "k-123456789", "4111-1111-1111")


@pytest.fixture
def engine(sqlite_url):
    engine = Engine(sqlite_url, synchronous="OFF")
    engine.contracts["pay"] = JobContract(sensitive=frozenset({"patientNumber"}))
    yield engine
    masking.begin(None)
    engine.close()


@pytest.fixture
def app(engine):
    return create_app(engine, secret_key="test")


@pytest.fixture
def key(engine):
    drawn = drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end())
    engine.execute(definitions.deploy, [drawing.file(drawn)])
    key = engine.execute(instances.start, "order", variables=VALUES).key
    engine.execute(variables.set, key, {"iban": "DE02120300000000202051", "amount": 8}, reason="Corrected.")
    return key


def clear(text):
    """It has none of the values, as they are or in pieces."""
    return [value for value in BARE if value in text]


def test_pages_and_what_they_export_hide_them(app, key):
    client = app.test_client()
    for path in (f"/instances/{key}?tab=variables", f"/instances/{key}?tab=audit", f"/instances/{key}?tab=raw",
                 f"/instances/{key}/raw.json", f"/instances/{key}?tab=variables&variable=iban&scope={key}",
                 "/instances?shown=iban,accountPassword,customer", "/audit", "/audit.jsonl", "/audit.csv",
                 "/instances.csv?shown=iban,patientNumber,customer", f"/api/instances/{key}/variables",
                 "/api/audit", "/engine-rest/history/variable-instance", "/engine-rest/history/detail",
                 "/engine-rest/variable-instance", f"/instances/{key}?tab=why"):
        answer = client.get(path)
        assert clear(answer.text) == [], path
    page = client.get(f"/instances/{key}?tab=variables").text
    assert page.count(HIDDEN) >= 5
    assert "Ann" in page
    found = client.post("/v2/variables/search", json={}).json["items"]
    assert {each["name"]: json.loads(each["value"]) for each in found}["iban"] == HIDDEN


def taken(client):
    """The job of the payment, as a worker is given it."""
    [job] = client.post("/v2/jobs/activation", json={
        "type": "pay", "worker": "w", "timeout": 60_000, "maxJobsToActivate": 1, "requestTimeout": -1}).json["jobs"]
    return job


def test_services_get_them(app, key):
    client = app.test_client()
    job = taken(client)
    assert job["variables"]["iban"] == VALUES["iban"]
    assert job["variables"]["customer"] == VALUES["customer"]
    assert client.get(f"/engine-rest/process-instance/{key}/variables").json["iban"]["value"] == VALUES["iban"]


def test_failures_of_services_do_not_tell_them(app, engine, key):
    client = app.test_client()
    job = taken(client)
    client.post(f"/v2/jobs/{job['jobKey']}/failure", json={
        "retries": 0, "errorMessage": 'Refused {"password": "hunter-2-hunter", "amount": 7}: token=k-123456789'})
    [incident] = lists.incidents(engine).items
    assert incident.message == f'Refused {{"password": {HIDDEN}, "amount": 7}}: token={HIDDEN}'


ASSERT = '=assert(accountPassword, false, &quot;wrong: &quot; + accountPassword)'
SENTENCES = {
    "script": drawing.script("a", ASSERT, "r"),
    "collection": '<bpmn:task id="a"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>'
                  '<zeebe:loopCharacteristics inputCollection="=accountPassword" inputElement="x"/>'
                  '</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:task>',
    "called": '<bpmn:callActivity id="a"><bpmn:extensionElements><zeebe:calledElement processId="=customer.apiKey"/>'
              '</bpmn:extensionElements></bpmn:callActivity>',
    "timer": drawing.catch("a", drawing.timer("Duration", "=accountPassword")),
}


def test_incidents_do_not_tell_what_their_expressions_read(app, engine):
    client = app.test_client()
    with capture_logs() as lines:
        for id, element in SENTENCES.items():
            drawn = drawing.process(id, drawing.start(), element, drawing.end())
            engine.execute(definitions.deploy, [drawing.file(drawn)])
            engine.execute(instances.start, id, variables=VALUES)
    found = {each.process_id: each.message for each in lists.incidents(engine).items}
    assert found.keys() == SENTENCES.keys()
    for id, message in found.items():
        assert (clear(message), HIDDEN in message) == ([], True), (id, message)
    assert clear(str(lines)) == []
    # nor why one gave null
    drawn = drawing.process(
        "null", drawing.start(), drawing.script("a", "=date(accountPassword)", "r"), drawing.user("u"), drawing.end())
    engine.execute(definitions.deploy, [drawing.file(drawn)])
    null = engine.execute(instances.start, "null", variables=VALUES).key
    why = client.get(f"/instances/{null}?tab=variables").text
    assert "Expected a date such as" in why
    assert HIDDEN in why
    for path in ("/incidents", "/engine-rest/incident", "/api/incidents", f"/instances/{null}?tab=variables"):
        assert clear(client.get(path).text) == [], path


def test_workers_that_repeat_what_they_were_given_do_not_tell_it(app, engine, key):
    client = app.test_client()
    job = taken(client)
    client.post(f"/v2/jobs/{job['jobKey']}/failure", json={
        "retries": 0, "errorMessage": "No login as hunter-2-hunter for 'DE0212030000000020…'; card 4111-1111-1111."})
    [incident] = lists.incidents(engine).items
    assert incident.message == f"No login as {HIDDEN} for '{HIDDEN}…'; card {HIDDEN}."


def test_somebody_who_shows_one_is_written_down(app, key):
    client = app.test_client()
    shown = client.post(f"/api/instances/{key}/variables/revelation", json={"name": "iban", "reason": "A call."})
    assert shown.json == {"name": "iban", "value": VALUES["iban"]}
    assert client.post(f"/api/instances/{key}/variables/revelation", json={"name": "none"}).status_code == 404
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(f"/instances/{key}?tab=variables").text)[1]
    page = client.post(f"/instances/{key}/variables/revelation", data={
        "csrf_token": token, "name": "customer", "scope": str(key)})
    assert "k-123456789" in page.text
    entries = [each for each in client.get("/api/audit").json["items"] if each["operation"] == "REVEAL"]
    assert [(each["actor"], each["details"]["variable"]) for each in entries] == [
        ("operator", "customer"), ("API", "iban")]


def test_they_are_not_found_by_guessing(app, key):
    client = app.test_client()
    refused = client.get(f"/instances?variable=iban&value={VALUES['iban']}")
    assert refused.status_code == 422
    assert "are hidden" in refused.text
    assert client.get("/instances?variable=amount&value=8").status_code == 200


GUESSES = (
    # Camunda 8: by name and value, by the value alone, by its beginning, by what it is not, and inside an object
    ("v2/variables/search", {"filter": {"name": "iban", "value": json.dumps(VALUES["iban"])}}, 0),
    ("v2/variables/search", {"filter": {"value": json.dumps(VALUES["iban"])}}, 0),
    ("v2/variables/search", {"filter": {"value": {"$like": '"DE0*'}}}, 0),
    ("v2/variables/search", {"filter": {"$or": [{"value": {"$in": [json.dumps(VALUES["iban"])]}}]}}, 0),
    ("v2/variables/search", {"filter": {"value": json.dumps(VALUES["customer"])}}, 400),
    ("v2/variables/search", {"filter": {"value": {"$neq": '"x"'}, "name": "iban"}}, 0),
    ("v2/variables/search", {"filter": {"value": "8"}}, 1),
    ("v2/process-instances/search", {"filter": {"variables": [{"name": "iban", "value": '"DE"'}]}}, 400),
    ("v2/process-instances/search", {"filter": {"variables": [{"name": "iban", "value": {"$like": "*DE*"}}]}}, 400),
    ("v2/process-instances/search", {"filter": {"variables": [{"name": "iban"}]}}, 1),
    ("v2/process-instances/search", {"filter": {"variables": [{"name": "iban", "value": {"$exists": True}}]}}, 1),
    ("v2/process-instances/search", {"filter": {"variables": [
        {"name": "customer", "value": json.dumps(VALUES["customer"])}]}}, 400),
    ("v2/process-instances/search", {"filter": {"variables": [{"name": "amount", "value": "8"}]}}, 1),
    ("v2/user-tasks/search", {"filter": {"processInstanceVariables": [{"name": "iban", "value": '"DE"'}]}}, 400),
    # Camunda 7
    ("engine-rest/process-instance", {"variables": [
        {"name": "accountPassword", "operator": "eq", "value": "hunter-2-hunter"}]}, 400),
    ("engine-rest/process-instance/count", {"variables": [
        {"name": "accountPassword", "operator": "like", "value": "h%"}]}, 400),
    ("engine-rest/history/process-instance", {"variables": [
        {"name": "accountPassword", "operator": "neq", "value": "x"}]}, 400),
    ("engine-rest/task", {"processVariables": [{"name": "iban", "operator": "eq", "value": VALUES["iban"]}]}, 400),
    ("engine-rest/task/count", {"processVariables": [{"name": "iban", "operator": "like", "value": "DE%"}]}, 400),
    # Our own
    ("api/operations", {"kind": "CANCEL", "filter": "variable=iban&value=x"}, 400),
)
"""What is asked, and how many are found, or with which status it is refused."""
LISTS = (
    ("variable=iban&value=x", 422), ("variable=iban&operator=gt&value=DE", 422), ("sort=variable:iban", 422),
    ("sort=variable:accountPassword&descending=1", 422), ("variable=customer&operator=contains&value=k-123456789", 0),
    ("variable=customer&operator=contains&value=Ann", 0), ("variable=parcel&operator=contains&value=shipping", 1),
    ("variable=amount&value=8", 1),
)


def test_no_door_finds_them_by_guessing(either_url):
    engine = Engine(either_url, synchronous="OFF")
    drawn = drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end())
    engine.execute(definitions.deploy, [drawing.file(drawn)])
    engine.execute(instances.start, "order", variables={
        **VALUES, "amount": 8, "parcel": {"shippingCost": 5, "secretary": "shipping", "pinned": 1}})
    client = create_app(engine, secret_key="test").test_client()
    try:
        for path, body, expected in GUESSES:
            answer = client.post(f"/{path}", json=body)
            if answer.status_code == 400:
                assert "hidden" in answer.text, (path, body, answer.text)
                assert expected == 400, (path, body, answer.text)
                continue
            assert answer.status_code == 200, (path, body, answer.text)
            found = answer.json
            count = found.get("count", len(found.get("items", ()))) if isinstance(found, dict) else len(found)
            assert count == expected, (path, body, answer.text)
        for query, expected in LISTS:
            answer = client.get(f"/instances.csv?{query}")
            if expected == 422:
                assert (answer.status_code, "are hidden" in answer.text) == (422, True), (query, answer.text)
            else:
                assert (answer.status_code, answer.text.count("\n") - 1) == (200, expected), (query, answer.text)
        # What is not hidden from the work of the engine: no request, no guard.
        masking.begin(None)
        assert [row.key for row in instance_search(engine, InstanceFilter(variables=(
            VariableCondition("iban", "eq", VALUES["iban"]),))).items]
    finally:
        masking.begin(None)
        engine.close()


PATTERNS = ({"pin": 1}, {"userPin": 1}, {"USER_PIN": 1}, {"pins": 1}, {"apiKey": 1}, {"api_key": 1}, {"API key": 1},
            [{"a": {"accessToken": 1}}], {"name": "iban", "value": 1}, {"patientNumber": 1})
PLAIN = ({"shipping": 1}, {"pinned": 1}, {"spin": 1}, {"passenger": 1}, {"urban": "pin"}, {"a": "token: b"}, [1])


def test_what_a_search_takes_for_hidden_is_what_is_hidden():
    mask = Masking(declared=lambda: {"patientNumber"})
    pattern = re.compile(mask.inside_json())
    for value in (*PATTERNS, *PLAIN):
        for text in (json.dumps(value), json.dumps(value, separators=(",", ":"))):
            assert (pattern.search(text) is not None) == (mask.value(value) != value), text


def test_who_may_only_look_sees_no_more_at_the_doors_for_programs(engine, key, tmp_path):
    grants = {"vic": (Grant(role=Role.VIEWER),), "ana": (Grant(role=Role.ANALYST),),
              "olga": (Grant(role=Role.OPERATOR),), "else": (Grant(role=Role.VIEWER), Grant(
                  role=Role.WORKER, definitions=("other",)),),
              "own": (Grant(role=Role.WORKER, definitions=("order",)),)}
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(tokens={name: Token(secrets.digest_of(secrets.TOKEN_PREFIX + name), grants=each)
                               for name, each in grants.items()}))
    client = create_app(engine, secret_key="test", access=Access(file, "key")).test_client()
    for path in ("", "/iban", "/iban/data"):
        seen = {name: bool(clear(client.get(f"/engine-rest/process-instance/{key}/variables{path}", headers={
            "Authorization": f"Bearer ptt_{name}"}).text)) for name in grants}
        assert seen == {"vic": False, "ana": False, "olga": True, "else": False, "own": True}, path


def people(engine, tmp_path, **grants):
    """A way to ask as each of some programs: their status and answer by name."""
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(tokens={name: Token(secrets.digest_of(secrets.TOKEN_PREFIX + name), grants=(each,))
                               for name, each in grants.items()}))
    client = create_app(engine, secret_key="test", access=Access(file, "key")).test_client()
    return lambda name, path, body: client.post(path, json=body, headers={"Authorization": f"Bearer ptt_{name}"})


def test_no_message_finds_them_by_guessing(engine, tmp_path):
    engine.execute(definitions.deploy, [drawing.file(drawing.message_of("m", "paid", "=amount") + drawing.process(
        "order", drawing.start(), drawing.catch("wait", drawing.message("m")), drawing.service("pay"), drawing.end()))])
    keys = [engine.execute(instances.start, "order", variables=VALUES).key for _ in range(3)]
    ask = people(engine, tmp_path, mes=Grant(permissions=(Permission.MESSAGE,)),
                 else_=Grant(permissions=(Permission.MESSAGE,), definitions=("order",)),
                 olga=Grant(role=Role.OPERATOR), wor=Grant(role=Role.WORKER))

    def guess(name, value, variable="iban", **more):
        return ask(name, "/engine-rest/message", {
            "messageName": "paid", "correlationKeys": {variable: {"value": value}}, "resultEnabled": True,
            "variablesInResultEnabled": True, **more})

    # who may not see them learns nothing from whether a guess is right, and nothing is correlated
    key = str(keys[0])
    for name, more in (("mes", {}), ("mes", {"all": True}), ("mes", {"processInstanceId": key}),
                       ("else_", {"processInstanceId": key})):
        right, wrong = guess(name, VALUES["iban"], **more), guess(name, "DE1", **more)
        assert (right.status_code, right.text) == (403, wrong.text), (name, more, right.text)
        assert "are hidden" in right.text
    assert guess("mes", "", "accountPassword").status_code == 403
    assert guess("mes", 7, "amount", processInstanceId=key).status_code == 200

    # who operates or works may see them anyway, and the audit trail says by what it was found
    assert guess("olga", "DE1").status_code == 400
    assert guess("olga", VALUES["iban"], processInstanceId=str(keys[1])).status_code == 200
    assert guess("wor", VALUES["iban"], all=True).status_code == 200
    found = [each.details for each in lists.audit(engine).items if each.operation == "CORRELATE"]
    assert [each.get("by_hidden") for each in found] == [["iban"], ["iban"], None]


def test_answers_to_commands_show_them_to_those_only_who_work_with_them(engine, tmp_path):
    engine.execute(definitions.deploy, [drawing.file(drawing.message_of("m", "paid", "=amount") + drawing.process(
        "order", drawing.start(), drawing.catch("wait", drawing.message("m")), drawing.end())), drawing.file(
        drawing.process("quick", drawing.start(), drawing.script(
                            "make", '=&quot;hunter-2-hunter&quot;', "accountPassword"),
                        drawing.end()), name="quick.bpmn")])
    ask = people(engine, tmp_path, mes=Grant(permissions=(Permission.MESSAGE,)), ana=Grant(role=Role.ANALYST),
                 olga=Grant(role=Role.OPERATOR))
    sent = {"messageName": "paid", "resultEnabled": True, "variablesInResultEnabled": True}
    for name, path, body in (
        ("mes", "/engine-rest/message", sent), ("olga", "/engine-rest/message", sent),
        ("ana", "/engine-rest/process-definition/key/quick/start", {"withVariablesInReturn": True}),
        ("olga", "/engine-rest/process-definition/key/quick/start", {"withVariablesInReturn": True}),
        ("ana", "/v2/process-instances", {"processDefinitionId": "quick", "awaitCompletion": True}),
        ("olga", "/v2/process-instances", {"processDefinitionId": "quick", "awaitCompletion": True}),
    ):
        engine.execute(instances.start, "order", variables=VALUES)
        answer = ask(name, path, body)
        assert answer.status_code == 200, answer.text
        assert "accountPassword" in answer.text
        assert bool(clear(answer.text)) is (name == "olga"), (name, path, answer.text)


def test_what_stands_for_them_is_never_stored(app, engine, key):
    with pytest.raises(InvalidInput, match="only what is shown for a hidden one"):
        engine.execute(variables.set, key, {"customer": {"apiKey": HIDDEN}}, reason="Oops.")


def test_contracts_declare_them():
    assert contract_of(check).sensitive == {"diagnosis", "taxNumber"}
    assert job_contract(contract_of(check)).sensitive == {"diagnosis", "taxNumber"}


def test_names_are_understood_by_their_words():
    mask = Masking()
    for name in ("password", "dbPassword", "DB_PASSWORD", "access-token", "tokens", "apiKey", "api_key", "IBAN",
                 "ibanOfPayer", "creditCard", "clientSecret", "PIN"):
        assert mask.hides(name), name
    for name in ("amount", "passenger", "tokenizer", "secretary", "pinned", "key", "cardinal", "urban"):
        assert not mask.hides(name), name
    assert Masking.of("salary").hides("netSalary")
    assert not Masking.of("salary").hides("password")
    assert Masking.of("default, patient id").hides("patientId")
    assert not Masking.of("off").hides("password")
    for wrong in ("---", "off, salary"):
        with pytest.raises(MaskError):
            Masking.of(wrong)


def test_texts_are_searched_for_them():
    mask = Masking()
    assert mask.text("no secret: here") == f"no secret: {HIDDEN}"
    assert mask.text("Authorization: Bearer abc.def, x") == f"Authorization: {HIDDEN}, x"
    assert mask.text("password='a b' user=ann") == f"password={HIDDEN} user=ann"
    assert mask.text("https://a.example/?access_token=abc&x=1") == f"https://a.example/?access_token={HIDDEN}&x=1"
    assert mask.text("The password was refused.") == "The password was refused."


@pytest.mark.parametrize(("endpoint", "method", "masked"), [
    ("console.instance", "GET", True), ("console.task", "GET", False), ("console.complete_task", "POST", False),
    ("camunda8.search_variables", "POST", True), ("camunda8.activate", "POST", False),
    ("camunda8.search_variables_of_task", "POST", False), ("camunda7.history-variable-instance-list", "POST", True),
    ("camunda7.task-of-variables-list", "GET", False), ("api.instance_variables", "GET", True),
])
def test_who_reads_under_a_mask(endpoint, method, masked):
    assert is_masked(endpoint, method) == masked
