"""The console on a real engine and SQLite; for the browser tests, served to a real Chromium."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import activation, jobs
from web.app import create_app

HOSTILE = '"><img src=x onerror="document.title=\'broken in\'"><script>document.title=\'broken in\'</script>'

MODELS = Path(__file__).parent / "models"


def model(name):
    return (MODELS / name).read_bytes()


@pytest.fixture
def engine(sqlite_url):
    engine = Engine(sqlite_url, synchronous="OFF")
    yield engine
    engine.close()


@pytest.fixture
def app(engine):
    return create_app(engine, secret_key="test")


class Console:
    """A person at the console, without a browser."""

    def __init__(self, app):
        self._client = app.test_client()

    def get(self, path, **arguments):
        return self._client.get(path, **arguments)

    def text(self, path, status=200):
        response = self._client.get(path)
        assert response.status_code == status, response.text
        return response.text

    def post(self, path, data=None, **arguments):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.text("/deployments/new"))[1]
        return self._client.post(path, data={"csrf_token": token, **(data or {})}, **arguments)


@pytest.fixture
def console(app):
    return Console(app)


class Story:
    """Brings instances into the states that pages show."""

    def __init__(self, engine):
        self.engine = engine

    def deploy(self, name="review.bpmn"):
        resource = Resource(name=name, content=model(name))
        return self.engine.execute(definitions.deploy, [resource]).definitions[0]

    def start(self, process_id="review", **arguments):
        return self.engine.execute(instances.start, process_id, **arguments).key

    def take_job(self, kind="charge-card"):
        return self.engine.execute(activation.activate, [kind], worker="tester")[0]

    def fail_job(self, message="The card was declined by the bank.", kind="charge-card", **arguments):
        job = self.take_job(kind)
        self.engine.execute(jobs.fail, job.key, message, lock_token=job.lock_token, **arguments)
        return job


@pytest.fixture
def story(engine):
    return Story(engine)


@pytest.fixture
def failed_instance(engine, story):
    """Two instances at the user task, and one whose job failed for good."""
    story.deploy()
    keys = [story.start(business_id=f"order-{number}", variables={"amount": 10, "note": HOSTILE, "gift": False})
            for number in range(3)]
    task = lists.user_tasks(engine, instance_key=keys[0]).items[0]
    engine.execute(user_tasks.complete, task.key, {})
    story.fail_job(HOSTILE)
    return keys[0]


@contextmanager
def served(app):
    """Where an application answers meanwhile."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def address(app):
    with served(app) as where:
        yield where


@pytest.fixture
def open_page(request, browser, address):
    """Opens a page in a browser of its own; at the end no page may have complained."""
    complaints = []
    contexts = []

    def complain(message):
        # Refused forms and lost connections are part of the tests, and the browser logs each of them.
        expected = ("Failed to load resource", "Failed to fetch")
        if message.type in {"error", "warning"} and not any(words in message.text for words in expected):
            complaints.append(message.text)

    def open_(path="/", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        return page

    yield open_
    if shots := os.environ.get("SCREENSHOTS"):
        for number, page in enumerate(page for context in contexts for page in context.pages):
            name = re.sub(r"[^\w.-]+", "-", f"{request.node.name}-{number}")
            page.screenshot(path=Path(shots) / "tests" / f"{name}.png")
    for context in contexts:
        context.close()
    assert complaints == []
