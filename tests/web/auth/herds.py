"""Two herds of everything that an installation can have, each under a word of its own, and clients that may see one."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import select

from engine import decisions, definitions, drills, instances, messages, pausing, schema, timers, views
from engine import durations as stays
from engine.care import annotate
from engine.definitions import Resource
from engine.errors import NeedsApproval
from engine.operations import plans
from engine.queries import definitions as known
from engine.queries import lists
from engine.queries.instances import InstanceFilter
from engine.reports import learning
from engine.schema import DEFAULT_TENANT
from engine.tasks import comments, drafts, filters, user_tasks
from engine.work import activation, jobs
from tests.engine import drawing
from web.app import create_app
from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token
from web.auth.roles import Grant

WHY = "Because of the test."
DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="{0}-graph" name="{0} graph"
  namespace="{0}"><decision id="{0}-decision" name="{0} decision"><decisionTable id="table" hitPolicy="FIRST">
    <input id="i1" label="{0} amount"><inputExpression id="ie1"><text>{0}_amount</text></inputExpression></input>
    <output id="o1" name="{0}_percent"/>
    <rule id="r1"><inputEntry id="e1"><text></text></inputEntry>
      <outputEntry id="x1"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


class Herd:
    """Something of everything whose ids, names and values all have `word` in them, in a tenant."""

    def __init__(self, engine, word, tenant_id=DEFAULT_TENANT):
        self.engine, self.word, self.tenant_id = engine, word, tenant_id
        self.acting = engine.acting_as(f"{word}-person")
        self._deploy()
        self.values = {f"{word}_amount": f"{word}-value", f"{word}_key": f"{word}-1"}
        self._run()
        self._beside()

    def _do(self, command, *arguments, **more):
        return self.acting.execute(command, *arguments, **more)

    def start(self, process, **more):
        return self._do(instances.start, process, tenant_id=self.tenant_id, variables=self.values,
                        business_id=f"{self.word}-business", **more).key

    def _deploy(self):
        w, d = self.word, drawing
        form = {"id": f"{w}-form", "type": "default", "schemaVersion": 16, "components": [
            {"type": "textfield", "key": f"{w}_field", "label": f"{w} label"}]}
        assigned = f'candidateUsers="{w}-clerk" candidateGroups="{w}-clerks"'
        work = d.process(f"{w}-work", d.start(), d.user(f"{w}-look", assigned), d.service(f"{w}-pay"), d.end())
        wait = d.message_of("m", f"{w}-paid", f"={w}_key") + d.signal_of("s", f"{w}-go") + d.process(
            f"{w}-wait", d.start(), '<bpmn:parallelGateway id="fork"/>', d.catch(f"{w}-hear", d.message("m")),
            d.catch(f"{w}-see", d.signal("s")), d.catch(f"{w}-rest", d.timer("Duration", "PT1H")),
            flows=f"start>fork fork>{w}-hear fork>{w}-see fork>{w}-rest")
        begin = d.message_of("b", f"{w}-begin") + d.process(
            f"{w}-begin", d.start("start", d.message("b")), d.user(f"{w}-sit"), d.end())
        caller = d.process(f"{w}-caller", d.start(), d.call(f"{w}-call", f"{w}-work"), d.end())
        short = d.process(f"{w}-short", d.start(), d.script(f"{w}-count", "=1", f"{w}_result"), d.end())
        self._do(definitions.deploy, [
            *(d.file(each, name=f"{w}-{at}.bpmn") for at, each in enumerate((work, wait, begin, caller, short))),
            Resource(name=f"{w}.form", content=json.dumps(form).encode()),
            Resource(name=f"{w}.dmn", content=DMN.format(w).encode()),
        ], tenant_id=self.tenant_id, name=f"{w}-deployment", source=f"{w}-source")

    def _run(self):
        w = self.word
        self.instance = self.start(f"{w}-work")
        self.called = self.start(f"{w}-caller")
        self.waiting = self.start(f"{w}-wait")
        self.ended = self.start(f"{w}-short")
        self.failed = self.start(f"{w}-work")
        self._do(user_tasks.complete, self.task_of(self.failed), {})
        [job] = self._do(activation.activate, [f"{w}-pay"], f"{w}-worker", 1, timedelta(hours=1))
        self._do(jobs.fail, job.key, f"{w}-trouble", details=f"{w}-details", lock_token=job.lock_token, retries=0)
        self.job = job.key
        self.incident = lists.incidents(self.engine, instance_key=self.failed).items[0].key
        self._do(annotate, self.incident, f"{w}-note")
        self.done = self.start(f"{w}-work")
        self._do(instances.cancel, self.start(f"{w}-work"), WHY)
        self.task = self.task_of(self.instance)
        self._do(user_tasks.assign, self.task, f"{w}-clerk")
        self._do(comments.add, self.task, f"{w}-comment")
        self._do(drafts.keep, self.task, {f"{w}_field": f"{w}-draft"}, {})
        self._do(instances.suspend, self.done, f"{w}-reason")

    def task_of(self, instance):
        return lists.user_tasks(self.engine, instance_key=instance).items[0].key

    def _beside(self):
        w, tenant = self.word, {"tenant_id": self.tenant_id}
        self._do(messages.publish, f"{w}-paid", f"{w}-nobody", self.values, **tenant)
        self._do(messages.publish, f"{w}-paid", f"{w}-later", self.values, time_to_live=timedelta(days=1), **tenant)
        self._do(decisions.evaluate, f"{w}-decision", self.values, **tenant)
        self._do(pausing.pause, f"{w}-begin", f"{w}-reason", **tenant)
        self._do(messages.publish, f"{w}-begin", f"{w}-key", self.values, **tenant)
        self._do(views.save, f"{w}-view", "state=incident", shared=True)
        self._do(filters.save, f"{w}-filter", {"process": f"{w}-work"}, shared=True)
        self.plan = self._do(plans.plan, "SUSPEND", {}, InstanceFilter(keys=(self.instance,)), query=f"q={w}")
        while self.engine.execute(plans.judge, self.plan):
            pass
        asking = self.acting.acting_as(f"{w}-person")
        asking.four_eyes = frozenset({"deployments"})
        new = drawing.file(drawing.process(f"{w}-new", drawing.start(), drawing.end()), name=f"{w}-new.bpmn")
        with suppress(NeedsApproval):
            asking.execute(definitions.deploy, [new], **tenant)
        step = {"process_id": f"{w}-work", "element_id": f"{w}-pay", "name": f"{w}-pay", "service": f"{w}-pay"}
        trial = {"step": step, "code": f"{w}-code", "outcome": f"{w}-outcome", "handlers": [], "remained": [],
                 "by_hand": [], "kept": []}
        self._do(drills.record, self.definition(), {"trials": [trial], "unreached": [], "runs": 1}, failures=1,
                 remained=0, unreached=0)

    def definition(self):
        with self.engine.read() as connection:
            return connection.scalar(select(schema.definitions.c.key).where(
                schema.definitions.c.process_id == f"{self.word}-work"))

    def keys(self):
        """Every key of something that belongs to it, by table."""
        return self._keys

    def remember(self, before):
        """What was added since `before` is its own."""
        now = all_keys(self.engine)
        self._keys = {name: sorted(now[name] - before.get(name, set())) for name in now}


def all_keys(engine):
    """The keys of all rows, by table."""
    with engine.read() as connection:
        return {table.name: set(connection.scalars(select(table.c.key))) for table in schema.metadata.sorted_tables
                if "key" in table.c and isinstance(table.c.key.type.python_type(), int)}


def herds(engine, *places):
    """A herd for each word and tenant."""
    made = []
    for word, tenant in places:
        before = all_keys(engine)
        made.append(Herd(engine, word, tenant))
        made[-1].remember(before)
    while learning.learn(engine):
        pass
    stays.learn(engine)
    return made


def clients(engine, path, grants):
    """A client of an application at which everybody has to log in, for each name and its grants."""
    file = AccessFile(path)
    file.write(Content(tokens={
        name: Token(secrets.digest_of(f"ptt_{name}"), (), tuple(given)) for name, given in grants.items()}))
    app = create_app(engine, secret_key="test", access=Access(file, "key"))
    return app, {name: client_of(app, name) for name in grants}


def client_of(app, name):
    """A client that shows the token of that name."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer ptt_{name}"
    return client


__all__ = ["Grant", "Herd", "clients", "herds", "known", "timers"]
