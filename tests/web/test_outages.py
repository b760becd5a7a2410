"""At every door a database that is away is a 503 that says when to come back, never a fault of ours."""

from __future__ import annotations

import threading

import pytest

from engine.engine import ATTEMPTS, Engine
from service_tasks import service_task
from service_tasks.registry import Registry
from service_tasks.worker import Worker
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from tests.proxy import Proxy
from web.app import create_app

pytestmark = pytest.mark.postgres

DOORS = [
    ("GET", "/"), ("GET", "/instances"), ("GET", "/ready"), ("GET", "/health/ready"),
    ("POST", "/v2/process-instances"), ("POST", "/v2/jobs/activation"),
    ("GET", "/engine-rest/process-instance"), ("POST", "/engine-rest/process-definition/key/errand/start"),
]


@pytest.fixture
def proxy(postgres_template):
    made = Proxy(postgres_template())
    yield made
    made.close()


@pytest.fixture
def engine(proxy):
    engine = Engine(proxy.url)
    Steps(engine).deploy(process("errand", start(), service("do"), end()))
    yield engine
    engine.close()


def body(path: str) -> dict[str, object]:
    if path.endswith("activation"):
        return {"type": "do", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}
    return {"processDefinitionId": "errand"} if "/v2/" in path else {}


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_door_answers_503_while_the_database_is_away_and_works_again_after(engine, proxy, method, path):
    client = create_app(engine, secret_key="test").test_client()
    more = {"json": body(path)} if method == "POST" else {}
    proxy.down()
    answer = client.open(path, method=method, **more)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "Expected the database to answer" in answer.text
    assert client.get("/health").status_code == 200
    proxy.up()
    assert client.open(path, method=method, **more).status_code == 200


def test_worker_keeps_its_answer_and_offers_it_again_when_the_database_is_back(engine, proxy):
    called, gone, calls = threading.Event(), threading.Event(), []

    @service_task("do", idempotent=True)
    def do() -> None:
        calls.append(1)
        called.set()
        assert gone.wait(10)

    registry = Registry()
    registry.add(do)
    key = Steps(engine).start("errand")
    worker = Worker(engine, registry, threads=1)
    worker.start()
    assert called.wait(10)
    proxy.down()
    gone.set()
    # the answer was refused at least once: a command tries a new connection more often than that
    for _ in range(ATTEMPTS + 1):
        assert proxy.refusals.acquire(timeout=20)
    proxy.up()
    steps = Steps(engine)
    with engine.wakeup.listen([f"ended:{key}"]) as listener:
        while steps.state(key) != "COMPLETED":
            assert listener.wait(20)
    worker.stop()
    assert calls == [1]


def test_every_page_says_that_the_database_is_away_and_the_manuals_are_read_all_the_same(engine, proxy):
    app = create_app(engine, secret_key="test")
    client = app.test_client()
    pages = sorted(rule.rule for rule in app.url_map.iter_rules()
                   if "GET" in rule.methods and rule.endpoint.startswith("console.") and not rule.arguments)
    client.get("/")
    proxy.down()
    answers = {page: client.get(page) for page in [*pages, "/instances/1", "/manual/HANDBOOK"]}
    assert len(answers) > 20
    assert {answer.status_code for answer in answers.values()} <= {200, 302, 303, 422, 503}
    away = {page for page, answer in answers.items() if answer.status_code == 503}
    assert len(away) > 20
    assert {"/", "/instances", "/instances/1", "/tasks", "/incidents", "/operations", "/alerts"} <= away
    for page in away:
        assert "Expected the database to answer" in answers[page].text, page
        assert int(answers[page].headers["Retry-After"]) > 0
    assert "The database is away" in answers["/manual/HANDBOOK"].text
