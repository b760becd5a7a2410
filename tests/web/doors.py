"""How each door that changes something is opened: by its endpoint, a function of a world that sends one request."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

from engine import definitions, instances, messages, schema, secrets, views
from engine.contracts import JobContract
from engine.definitions import Resource
from engine.inbound import receiving, sources
from engine.inbound.arrivals import Arrival
from engine.queries import decisions, forms, incidents, lists
from engine.queries import definitions as known
from engine.queries.instance import detail
from engine.states import EffectState
from engine.tasks import filters, user_tasks
from engine.work import activation, holds, jobs
from tests.engine import drawing
from tests.web.camunda8.test_decisions import DISCOUNT

WHY = "Because of the test."
FORM = json.dumps({"id": "ask", "type": "default", "schemaVersion": 16, "components": [
    {"type": "textfield", "key": "name", "label": "Name"}]}).encode()
WORK = drawing.process("errand", drawing.start(), drawing.user("look"), drawing.service("pay"), drawing.end())
WAIT = (
    drawing.message_of("m", "paid", "=orderId") + drawing.signal_of("s", "go")
    + drawing.process(
        "wait", drawing.start(), '<bpmn:parallelGateway id="fork"/>', drawing.catch("hear", drawing.message("m")),
        drawing.catch("see", drawing.signal("s")), drawing.catch("rest", drawing.timer("Duration", "PT1H")),
        drawing.user("sit"), flows="start>fork fork>hear fork>see fork>rest fork>sit")
)
BEGIN = drawing.message_of("b", "begin") + drawing.process(
    "begin", drawing.start("start", drawing.message("b")), drawing.user("sit2"), drawing.end())


class World:
    """An engine with something of everything, and clients of each interface."""

    def __init__(self, app, engine):
        self.app, self.engine, self.client = app, engine, app.test_client()
        files = [drawing.file(WORK, name="work.bpmn"), drawing.file(WAIT, name="wait.bpmn"),
                 drawing.file(BEGIN, name="begin.bpmn"), Resource(name="pricing.dmn", content=DISCOUNT),
                 Resource(name="ask.form", content=FORM), *(
                     drawing.file(drawing.process(name, drawing.start(), *nodes, drawing.end()), name=f"{name}.bpmn")
                     for name, nodes in (("again2", ()), ("paused", ()), ("stuck", (drawing.call("c", "nowhere"),)),
                                         ("moving", (drawing.user("a"),)),
                                         ("moving", (drawing.user("a"), drawing.user("b")))))]
        for each in files:
            engine.execute(definitions.deploy, [each])

    def definition(self, process_id="errand"):
        return known.versions(self.engine, process_id)[0].key

    def decision(self):
        return decisions.versions(self.engine, "discount")[0].key

    def form(self):
        return forms.latest(self.engine)[0].key

    def work(self, **more):
        """An instance at a user task."""
        return self.engine.execute(instances.start, "errand", variables={"amount": 1}, **more).key

    def wait(self, key="A-1"):
        """An instance that waits for everything."""
        return self.engine.execute(instances.start, "wait", variables={"orderId": key}).key

    def stuck(self):
        """The key of an incident of no job: the process that is called is not there."""
        key = self.engine.execute(instances.start, "stuck").key
        return lists.incidents(self.engine, instance_key=key).items[0].key

    def moving(self):
        """An instance of the first of two versions of a process, and the keys of both."""
        new, old = (each.key for each in known.versions(self.engine, "moving")[:2])
        return self.engine.execute(instances.start, "moving", version=1).key, old, new

    def suspended(self):
        key = self.work()
        self.engine.execute(instances.suspend, key, WHY)
        return key

    def task(self, assignee=None):
        key = self.work()
        task = lists.user_tasks(self.engine, instance_key=key).items[0].key
        if assignee:
            self.engine.execute(user_tasks.assign, task, assignee)
        return task

    def delegated(self):
        task = self.task("ann")
        self.engine.execute(user_tasks.delegate, task, "bob")
        return task

    def job(self):
        """A job that a worker w holds."""
        self.free()
        key = self.work()
        self.engine.execute(user_tasks.complete, lists.user_tasks(self.engine, instance_key=key).items[0].key, {})
        while True:
            [job] = self.engine.execute(activation.activate, ["pay"], "w", 1, timedelta(hours=1))
            if job.instance_key == key:
                return job

    def free_job(self):
        self.free()
        key = self.work()
        self.engine.execute(user_tasks.complete, lists.user_tasks(self.engine, instance_key=key).items[0].key, {})
        return lists.jobs(self.engine, instance_key=key).items[0].key

    def failed(self, effect=None):
        """The keys of an instance that failed, of its incident and its job."""
        job = self.job()
        more = {"effect": effect} if effect else {}
        self.engine.execute(jobs.fail, job.key, "The card was declined.", lock_token=job.lock_token, retries=0, **more)
        row = lists.incidents(self.engine, instance_key=job.instance_key).items[0]
        return job.instance_key, row.key, job.key

    def doubt(self):
        self.engine.contracts["pay"] = JobContract(repeatable=False, askable=True)
        try:
            key, incident, _job = self.failed(EffectState.IN_DOUBT)
        finally:
            self.engine.contracts.clear()
        return f"/instances/{key}/incidents/{incident}"

    def incident(self):
        return self.failed()[1]

    def fingerprint(self):
        return incidents.get(self.engine, self.incident()).fingerprint

    def stray(self):
        return self.engine.execute(messages.publish, "paid", "nobody").key

    def subscription(self, instance, kind="MESSAGE"):
        return next(each.key for each in detail(self.engine, instance).subscriptions if each.kind == kind)

    def element(self, instance, element):
        return next(each.key for each in detail(self.engine, instance).elements if each.element_id == element)

    def fire_timer(self):
        key = self.wait()
        [timer] = detail(self.engine, key).timers
        return self.page(f"/instances/{key}/timers/{timer.key}/firing", R)

    def dead_event(self):
        """An event that nobody took."""
        now, key = self.engine.clock(), next(self.engine.keys)
        with self.engine.database.write() as connection:
            connection.execute(schema.outbox.insert(), {
                "key": key, "target_key": 1, "event_id": str(key), "type": "x", "instance_key": key, "position": 1,
                "body": {}, "created_at": now, "due_at": now, "lock_token": 0, "attempts": 9, "error": "x",
                "dead": True})
        return key

    def aside(self):
        """The key of an event that came and was set aside, and that can be taken."""
        source = sources.named(self.engine, "aside") or self.engine.execute(
            sources.add, "aside", "redis://h?stream=s", mapping={"process": "errand"})
        self.engine.execute(receiving.set_aside, source, Arrival(body=b"{}"), "It was not there.")
        return receiving.all_set_aside(self.engine)[0].key

    def hook(self):
        """Sends an event to a webhook."""
        self.engine.execute(secrets.put, "hook", "long enough")
        self.engine.execute(sources.add, "hook", secret="hook", proof="token", mapping={"process": "errand"})
        return self.client.post("/hooks/hook", json={}, headers={"Authorization": "Bearer long enough"})

    def after(self, path, body, then, **more):
        """What a second request says, after one that made something."""
        assert self.api(path, body).status_code == 200
        return self.api(then, R | more)

    def held(self, service="pay"):
        if not any(each.service == service for each in holds.all_of_them(self.engine)):
            self.engine.execute(holds.hold, service, WHY)
        return service

    def free(self, service="pay"):
        if any(each.service == service for each in holds.all_of_them(self.engine)):
            self.engine.execute(holds.release, service, WHY)
        return service

    def v2(self, method, path, body=None):
        return self.client.open(f"/v2{path}", method=method, json={} if body is None else body)

    def c7(self, method, path, body=None, **more):
        more = more or {"json": {} if body is None else body}
        return self.client.open(f"/engine-rest{path}", method=method, **more)

    def api(self, path, body=None):
        return self.client.post(f"/api{path}", json=body or {})

    def page(self, path, data=None, **more):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/deployments/new").text)[1]
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, **more)


def upload(name="again.bpmn", process="again"):
    drawn = drawing.process(process, drawing.start(), drawing.end())
    return io.BytesIO(drawing.file(drawn).content), name


R = {"reason": WHY}
TARGET, SOURCE = {"address": "https://a.example/"}, {"address": "redis://h?stream=s"}
RULE = {"measure": "incident", "above": 5}
ALERT = {"measure": "incident", "above": "5", "minutes": "5", "process": "", "channels": ""}
V = {"variables": {"x": {"value": 1}}}
MODIFY7 = {"instructions": [{"type": "startBeforeActivity", "activityId": "pay"}]}
MODIFY8 = {"activateInstructions": [{"elementId": "pay"}]}


def _variable7(kind, world, method, tail, body=None):
    if kind == "task":
        return world.c7(method, f"/task/{world.task()}/{tail}", body)
    if kind == "execution":
        return world.c7(method, f"/execution/{world.work()}/{tail}", body)
    return world.c7(method, f"/process-instance/{world.work()}/{tail}", body)


def _data7(world, path):
    return world.c7("POST", path, data={"data": (io.BytesIO(b"x"), "x.bin"), "valueType": "Bytes"})


ACTS = {
    # Camunda 8
    "camunda8.start": lambda w: w.v2("POST", "/process-instances", {"processDefinitionId": "errand"}),
    "camunda8.cancel": lambda w: w.v2("POST", f"/process-instances/{w.work()}/cancellation"),
    "camunda8.deploy": lambda w: w.client.post("/v2/deployments", data={"resources": [upload("v2.bpmn", "v2")]}),
    "camunda8.modify": lambda w: w.v2("POST", f"/process-instances/{w.work()}/modification", MODIFY8),
    "camunda8.migrate": lambda w: (lambda key, old, new: w.v2("POST", f"/process-instances/{key}/migration", {
        "targetProcessDefinitionKey": str(new),
        "mappingInstructions": [{"sourceElementId": "a", "targetElementId": "a"}]}))(*w.moving()),
    "camunda8.resolve_incident": lambda w: w.v2("POST", f"/incidents/{w.incident()}/resolution"),
    "camunda8.resolve_incidents": lambda w: w.v2("POST", f"/process-instances/{w.failed()[0]}/incident-resolution"),
    "camunda8.publish": lambda w: w.v2("POST", "/messages/publication", {
        "name": "paid", "correlationKey": "x", "timeToLive": 1000}),
    "camunda8.correlate": lambda w: (w.wait("C-8"), w.v2("POST", "/messages/correlation", {
        "name": "paid", "correlationKey": "C-8"}))[1],
    "camunda8.broadcast": lambda w: w.v2("POST", "/signals/broadcast", {"signalName": "go"}),
    "camunda8.evaluate_decision": lambda w: w.v2("POST", "/decision-definitions/evaluation", {
        "decisionDefinitionId": "discount", "variables": {"amount": 5}}),
    "camunda8.set_variables": lambda w: w.v2("PUT", f"/element-instances/{w.work()}/variables", {
        "variables": {"amount": 2}}),
    "camunda8.update_job": lambda w: w.v2("PATCH", f"/jobs/{w.job().key}", {"changeset": {"retries": 7}}),
    "camunda8.assign_user_task": lambda w: w.v2("POST", f"/user-tasks/{w.task()}/assignment", {"assignee": "ann"}),
    "camunda8.unassign_user_task": lambda w: w.v2("DELETE", f"/user-tasks/{w.task('ann')}/assignee"),
    "camunda8.complete_user_task": lambda w: w.v2("POST", f"/user-tasks/{w.task()}/completion"),
    "camunda8.update_user_task": lambda w: w.v2("PATCH", f"/user-tasks/{w.task()}", {"changeset": {"priority": 70}}),
    # Camunda 7
    "camunda7.start": lambda w: w.c7("POST", f"/process-definition/{w.definition()}/start"),
    "camunda7.startlatest": lambda w: w.c7("POST", "/process-definition/key/errand/start"),
    "camunda7.process-definition-id-submit-form": lambda w: w.c7(
        "POST", f"/process-definition/{w.definition()}/submit-form", V),
    "camunda7.process-definition-key-process_id-submit-form": lambda w: w.c7(
        "POST", "/process-definition/key/errand/submit-form", V),
    "camunda7.deploy": lambda w: w.c7("POST", "/deployment/create", data={"x.bpmn": upload("x.bpmn", "c7")}),
    "camunda7.delete_instance": lambda w: w.c7("DELETE", f"/process-instance/{w.work()}"),
    "camunda7.suspend_process": lambda w: w.c7(
        "PUT", "/process-definition/key/again2/suspended", {"suspended": True}) and w.c7(
        "PUT", "/process-definition/key/again2/suspended", {"suspended": False}),
    "camunda7.suspend_definition": lambda w: w.c7(
        "PUT", f"/process-definition/{w.definition('stuck')}/suspended", {"suspended": True}) and w.c7(
        "PUT", f"/process-definition/{w.definition('stuck')}/suspended", {"suspended": False}),
    "camunda7.suspend_any_definition": lambda w: w.c7("PUT", "/process-definition/suspended", {
        "processDefinitionKey": "begin", "suspended": True}) and w.c7("PUT", "/process-definition/suspended", {
            "processDefinitionKey": "begin", "suspended": False}),
    "camunda7.suspend_instance": lambda w: w.c7("PUT", f"/process-instance/{w.work()}/suspended", {"suspended": True}),
    "camunda7.modify": lambda w: w.c7("POST", f"/process-instance/{w.work()}/modification", MODIFY7),
    "camunda7.execute": lambda w: (lambda key, old, new: w.c7("POST", "/migration/execute", {
        "processInstanceIds": [str(key)], "migrationPlan": {
            "sourceProcessDefinitionId": str(old), "targetProcessDefinitionId": str(new),
            "instructions": [{"sourceActivityIds": ["a"], "targetActivityIds": ["a"]}]}}))(*w.moving()),
    "camunda7.correlate": lambda w: (w.wait("C-7"), w.c7("POST", "/message", {
        "messageName": "paid", "correlationKeys": {"orderId": {"value": "C-7"}}}))[1],
    "camunda7.broadcast": lambda w: w.c7("POST", "/signal", {"name": "go"}),
    "camunda7.evaluate_conditions": lambda w: w.c7("POST", "/condition", {"variables": {}}),
    "camunda7.evaluate": lambda w: w.c7("POST", f"/decision-definition/{w.decision()}/evaluate", {
        "variables": {"amount": {"value": 5}}}),
    "camunda7.evaluate_latest": lambda w: w.c7("POST", "/decision-definition/key/discount/evaluate", {
        "variables": {"amount": {"value": 5}}}),
    "camunda7.execute_job": lambda w: w.c7("POST", f"/job/{w.stuck()}/execute"),
    "camunda7.set_job_retries": lambda w: w.c7("PUT", f"/job/{w.stuck()}/retries", {"retries": 2}),
    "camunda7.resolve_incident": lambda w: w.c7("DELETE", f"/incident/{w.incident()}"),
    "camunda7.set_history_time_to_live": lambda w: w.c7(
        "PUT", f"/process-definition/{w.definition()}/history-time-to-live", {"historyTimeToLive": 5}),
    "camunda7.lock": lambda w: w.c7("POST", f"/external-task/{w.free_job()}/lock", {
        "workerId": "w", "lockDuration": 1000}),
    "camunda7.unlock": lambda w: w.c7("POST", f"/external-task/{w.job().key}/unlock"),
    "camunda7.set_retries": lambda w: w.c7("PUT", f"/external-task/{w.job().key}/retries", {"retries": 4}),
    "camunda7.set_priority": lambda w: w.c7("PUT", f"/external-task/{w.job().key}/priority", {"priority": 4}),
    "camunda7.trigger_message": lambda w: w.c7("POST", "/execution/{}/messageSubscriptions/paid/trigger".format(
        w.element(w.wait("T-7"), "hear"))),
    "camunda7.claim_task": lambda w: w.c7("POST", f"/task/{w.task()}/claim", {"userId": "ann"}),
    "camunda7.unclaim_task": lambda w: w.c7("POST", f"/task/{w.task('ann')}/unclaim"),
    "camunda7.assign_task": lambda w: w.c7("POST", f"/task/{w.task()}/assignee", {"userId": "ann"}),
    "camunda7.delegate_task": lambda w: w.c7("POST", f"/task/{w.task('ann')}/delegate", {"userId": "bob"}),
    "camunda7.resolve_task": lambda w: w.c7("POST", f"/task/{w.delegated()}/resolve"),
    "camunda7.complete_task": lambda w: w.c7("POST", f"/task/{w.task()}/complete"),
    "camunda7.submit_form": lambda w: w.c7("POST", f"/task/{w.task()}/submit-form"),
    "camunda7.update_task": lambda w: w.c7("PUT", f"/task/{w.task()}", {"name": "Look", "priority": 70}),
    "camunda7.add_comment": lambda w: w.c7("POST", f"/task/{w.task()}/comment/create", {"message": "Look."}),
    "camunda7.add_identity_link": lambda w: w.c7("POST", f"/task/{w.task()}/identity-links", {
        "userId": "ann", "type": "candidate"}),
    "camunda7.delete_identity_link": lambda w: w.c7("POST", f"/task/{w.task('ann')}/identity-links/delete", {
        "userId": "ann", "type": "assignee"}),
    # our own interface
    "api.reveal_variable": lambda w: w.api(f"/instances/{w.work()}/variables/revelation", {"name": "amount", **R}),
    "api.deliver_message": lambda w: w.api(f"/messages/{w.stray()}/delivery", {
        "subscriptionKey": str(w.subscription(w.wait())), **R}),
    "api.fire_timer": lambda w: (lambda key: w.api(
        f"/timers/{detail(w.engine, key).timers[0].key}/firing", R))(w.wait()),
    "api.deliver_event": lambda w: w.api(f"/subscriptions/{w.subscription(w.wait())}/delivery", R),
    "api.add_event_target": lambda w: w.api("/events/targets", TARGET | {"name": "t1"}),
    "api.pause_event_target": lambda w: w.after("/events/targets", TARGET | {"name": "t2"}, "/events/targets/t2/pause"),
    "api.resume_event_target": lambda w: w.after(
        "/events/targets", TARGET | {"name": "t3"}, "/events/targets/t3/resume"),
    "api.remove_event_target": lambda w: w.after(
        "/events/targets", TARGET | {"name": "t4"}, "/events/targets/t4/removal"),
    "api.change_event_target": lambda w: w.after(
        "/events/targets", TARGET | {"name": "t5"}, "/events/targets/t5/change", address="https://b.example/"),
    "api.resend_events": lambda w: w.after(
        "/events/targets", TARGET | {"name": "t6"}, "/events/targets/t6/resending"),
    "api.retry_event": lambda w: w.api(f"/events/deliveries/{w.dead_event()}/retry", R),
    "api.discard_event": lambda w: w.api(f"/events/deliveries/{w.dead_event()}/discard", R),
    "api.add_inbound_source": lambda w: w.api("/inbound/sources", SOURCE | {"name": "s1"}),
    "api.pause_inbound_source": lambda w: w.after(
        "/inbound/sources", SOURCE | {"name": "s2"}, "/inbound/sources/s2/pause"),
    "api.resume_inbound_source": lambda w: w.after(
        "/inbound/sources", SOURCE | {"name": "s3"}, "/inbound/sources/s3/resume"),
    "api.remove_inbound_source": lambda w: w.after(
        "/inbound/sources", SOURCE | {"name": "s4"}, "/inbound/sources/s4/removal"),
    "api.retry_inbound_event": lambda w: w.api(f"/inbound/set-aside/{w.aside()}/retry", R),
    "api.discard_inbound_event": lambda w: w.api(f"/inbound/set-aside/{w.aside()}/discard", R),
    "api.add_alert": lambda w: w.api("/alerts", RULE | {"name": "r1"}),
    "api.disable_alert": lambda w: w.after("/alerts", RULE | {"name": "r2"}, "/alerts/r2/disable"),
    "api.enable_alert": lambda w: w.after("/alerts", RULE | {"name": "r3"}, "/alerts/r3/enable"),
    "api.remove_alert": lambda w: w.after("/alerts", RULE | {"name": "r4"}, "/alerts/r4/removal"),
    "hooks.receive": lambda w: w.hook(),
    "api.pause_starts": lambda w: w.api("/processes/begin/starts/pause", R),
    "api.resume_starts": lambda w: (w.api("/processes/moving/starts/pause", R), w.api(
        "/processes/moving/starts/resume", R))[1],
    # the console
    "console.start_instance": lambda w: w.page(f"/definitions/{w.definition()}/instances", {"variables": "{}"}),
    "console.cancel_instance": lambda w: w.page(f"/instances/{w.work()}/cancellation", R),
    "console.suspend_instance": lambda w: w.page(f"/instances/{w.work()}/suspension", R),
    "console.resume_instance": lambda w: w.page(f"/instances/{w.suspended()}/resumption", R),
    "console.retry_instance": lambda w: w.page(f"/instances/{w.failed()[0]}/retry", R),
    "console.resolve_incident": lambda w: w.page("/instances/{}/incidents/{}/resolution".format(*w.failed()), R),
    "console.ask_service": lambda w: w.page(f"{w.doubt()}/question", R),
    "console.repeat_call": lambda w: w.page(f"{w.doubt()}/repetition", R),
    "console.record_outcome": lambda w: w.page(f"{w.doubt()}/outcome", {**R, "happened": "no"}),
    "console.set_variable": lambda w: (lambda key: w.page(f"/instances/{key}/variables", {
        **R, "name": "amount", "value": "2", "scope": str(key)}))(w.work()),
    "console.reveal_variable": lambda w: (lambda key: w.page(f"/instances/{key}/variables/revelation", {
        "name": "amount", "scope": str(key)}))(w.work()),
    "console.fire_timer": lambda w: w.fire_timer(),
    "console.deliver_event": lambda w: (lambda key: w.page(
        f"/instances/{key}/subscriptions/{w.subscription(key)}/delivery", {**R, "variables": "{}"}))(w.wait()),
    "console.set_attempts": lambda w: (lambda key: w.page(
        f"/instances/{lists.job(w.engine, key).instance_key}/jobs/{key}/attempts",
        {**R, "retries": "5"}))(w.free_job()),
    "console.deliver_message": lambda w: w.page(f"/messages/{w.stray()}/delivery", {
        **R, "subscription": str(w.subscription(w.wait()))}),
    "console.hold_service": lambda w: w.page(f"/services/{w.free()}/hold", R),
    "console.release_service": lambda w: w.page(f"/services/{w.held()}/release", R),
    "console.save_tenant": lambda w: w.page("/tenants", {"id": "eu", "name": "Europe"}),
    "console.remove_tenant": lambda w: (w.page("/tenants", {"id": "gone"}), w.page(
        "/tenants/removal", {"id": "gone", **R}))[1],
    "console.set_secret": lambda w: w.page("/secrets", {"name": "TOKEN", "value": "long enough"}),
    "console.delete_secret": lambda w: (w.page("/secrets", {"name": "GONE", "value": "long enough"}), w.page(
        "/secrets/deletion", {"name": "GONE", **R}))[1],
    "console.deploy": lambda w: w.page("/deployments", {"files": upload("page.bpmn", "page")},
                                       content_type="multipart/form-data"),
    "console.evaluate_decision": lambda w: w.page(f"/decision-versions/{w.decision()}/evaluations", {
        "variables": '{"amount": 5}'}),
    "console.claim_task": lambda w: w.page(f"/tasks/{w.task()}/claim"),
    "console.unclaim_task": lambda w: w.page(f"/tasks/{w.task('operator')}/return"),
    "console.assign_task": lambda w: w.page(f"/tasks/{w.task()}/assignment", {"assignee": "ann"}),
    "console.delegate_task": lambda w: w.page(f"/tasks/{w.task('operator')}/delegation", {"assignee": "ann"}),
    "console.complete_task": lambda w: w.page(f"/tasks/{w.task()}/completion"),
    "console.comment_on_task": lambda w: w.page(f"/tasks/{w.task()}/comments", {"message": "Look."}),
    "console.save_filter": lambda w: w.page("/tasks/filters", {"name": "work", "process": "errand"}),
    "console.remove_filter": lambda w: w.page("/tasks/filters/{}/removal".format(w.engine.acting_as(
        "operator").execute(filters.save, "gone", {"process": "errand"}))),
    "console.save_view": lambda w: w.page("/instances/views", {"name": "failed", "query": "state=incident"}),
    "console.add_alert": lambda w: w.page("/alerts", ALERT | {"name": "a"}),
    "console.switch_alert": lambda w: (w.page("/alerts", ALERT | {"name": "b"}), w.page(
        "/alerts/switch", {**R, "name": "b", "disabled": "yes"}))[1],
    "console.remove_alert": lambda w: (w.page("/alerts", ALERT | {"name": "c"}), w.page(
        "/alerts/removal", {**R, "name": "c"}))[1],
    "console.add_event_target": lambda w: w.page("/events/targets", {"name": "a", "address": "https://a.example/"}),
    "console.pause_event_target": lambda w: (w.page("/events/targets", {"name": "b", "address": "https://a.example/"}),
                                             w.page("/events/targets/pause", {**R, "name": "b", "paused": "yes"}))[1],
    "console.change_event_target": lambda w: (w.page("/events/targets", {"name": "d", "address": "https://a.example/"}),
                                              w.page("/events/targets/change", {
                                                  **R, "name": "d", "address": "https://b.example/"}))[1],
    "console.resend_events": lambda w: (w.page("/events/targets", {"name": "e", "address": "https://a.example/"}),
                                        w.page("/events/targets/resending", {**R, "name": "e"}))[1],
    "console.remove_event_target": lambda w: (w.page("/events/targets", {
        "name": "c", "address": "https://a.example/"}), w.page("/events/targets/removal", {**R, "name": "c"}))[1],
    "console.add_source": lambda w: w.page("/inbound/sources", SOURCE | {"name": "p1"}),
    "console.pause_source": lambda w: (w.page("/inbound/sources", SOURCE | {"name": "p2"}), w.page(
        "/inbound/sources/pause", {**R, "name": "p2", "paused": "yes"}))[1],
    "console.remove_source": lambda w: (w.page("/inbound/sources", SOURCE | {"name": "p3"}), w.page(
        "/inbound/sources/removal", {**R, "name": "p3"}))[1],
    "console.retry_inbound": lambda w: w.page("/inbound/aside/retry", {**R, "key": str(w.aside())}),
    "console.discard_inbound": lambda w: w.page("/inbound/aside/discard", {**R, "key": str(w.aside())}),
    "console.retry_event": lambda w: w.page("/events/dead/retry", {**R, "key": str(w.dead_event())}),
    "console.discard_event": lambda w: w.page("/events/dead/discard", {**R, "key": str(w.dead_event())}),
    "console.pause_starts": lambda w: w.page(f"/definitions/{w.definition('paused')}/pause", R),
    "console.resume_starts": lambda w: (w.page(f"/definitions/{w.definition('again2')}/pause", R), w.page(
        f"/definitions/{w.definition('again2')}/resumption", R))[1],
    "console.remove_view": lambda w: w.page("/instances/views/{}/removal".format(w.engine.acting_as(
        "operator").execute(views.save, "gone", "state=incident"))),
}
for _deed, _sent in (("acknowledgement", {}), ("assignment", {"assignee": "ann"}), ("snooze", {"seconds": 60, **R}),
                     ("ticket", {"ticket": "OPS-7"}), ("notes", {"message": "It was the bank."})):
    ACTS[f"api.incident_{_deed}_post"] = lambda w, deed=_deed, sent=_sent: w.api(
        f"/incidents/{w.incident()}/{deed}", sent)
    ACTS[f"api.fingerprint_{_deed}_post"] = lambda w, deed=_deed, sent=_sent: w.api(
        f"/incidents/fingerprints/{w.fingerprint()}/{deed}", sent)
ACTS["console.care_for_incident"] = lambda w: w.page(f"/incidents/{w.incident()}/acknowledgement")
ACTS["console.care_for_alike"] = lambda w: w.page(f"/incidents/alike/{w.fingerprint()}/acknowledgement")
for _kind, _tail in (("process-instance", "variables"), ("execution", "localVariables"), ("task", "variables"),
                     ("task", "localVariables")):
    _name = f"camunda7.{_kind}-of-{_tail}"
    ACTS[f"{_name}-modify"] = lambda w, k=_kind, t=_tail: _variable7(k, w, "POST", t, {
        "modifications": {"x": {"value": 1}}})
    ACTS[f"{_name}-put"] = lambda w, k=_kind, t=_tail: _variable7(k, w, "PUT", f"{t}/x", {"value": 1})
    ACTS[f"{_name}-delete"] = lambda w, k=_kind, t=_tail: _variable7(k, w, "DELETE", f"{t}/x")
    ACTS[f"{_name}-put-data"] = lambda w, k=_kind, t=_tail: _data7(
        w, f"/{k}/{w.task() if k == 'task' else w.work()}/{t}/x/data")

WORKERS = {
    "camunda8.activate": lambda w: (w.free_job(), w.v2("POST", "/jobs/activation", {
        "type": "pay", "worker": "w", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}))[1],
    "camunda8.complete_job": lambda w: w.v2("POST", f"/jobs/{w.job().key}/completion"),
    "camunda8.fail_job": lambda w: w.v2("POST", f"/jobs/{w.job().key}/failure", {"retries": 1, "errorMessage": "x"}),
    "camunda8.throw_error": lambda w: w.v2("POST", f"/jobs/{w.job().key}/error", {"errorCode": "E"}),
    "camunda7.fetch_and_lock": lambda w: (w.free_job(), w.c7("POST", "/external-task/fetchAndLock", {
        "workerId": "w", "maxTasks": 1, "topics": [{"topicName": "pay", "lockDuration": 1000}]}))[1],
    "camunda7.complete": lambda w: w.c7("POST", f"/external-task/{w.job().key}/complete", {"workerId": "w"}),
    "camunda7.fail": lambda w: w.c7("POST", f"/external-task/{w.job().key}/failure", {"workerId": "w", "retries": 1}),
    "camunda7.throw_error": lambda w: w.c7("POST", f"/external-task/{w.job().key}/bpmnError", {
        "workerId": "w", "errorCode": "E"}),
    "camunda7.extend_lock": lambda w: w.c7("POST", f"/external-task/{w.job().key}/extendLock", {
        "workerId": "w", "newDuration": 100_000}),
}
"""What workers do with their jobs. The ledger of jobs keeps who, when and how it ended, and failures by the attempt: as
many entries in the trail would bury what people do."""

OWN = {
    "console.change_actor": lambda w: w.page("/actor", {"actor": "operator"}),
    "console.have_looked": lambda w: w.page("/looked"),
    "console.change_language": lambda w: w.page("/language", {"language": "en"}),
    "console.keep_draft": lambda w: w.page(f"/tasks/{w.task()}/draft", {"x": "1"}),
    "console.discard_draft": lambda w: w.page(f"/tasks/{w.task()}/draft/removal"),
    "console.try_expression": lambda w: w.page("/feel", {"expression": "1 + 1", "context": "{}"}),
    "console.try_form": lambda w: w.page(f"/forms/{w.form()}/trial", {"data": "{}"}),
    "login.enter": lambda w: w.page("/login", {"name": "ann", "password": "x"}),
    "login.leave": lambda w: w.page("/logout"),
    "console.end_session": lambda w: w.page("/sessions/1/end"),
    "console.change_password": lambda w: w.page("/sessions/password", {"current": "x", "new": "y"}),
    "console.end_other_sessions": lambda w: w.page("/sessions/end"),
    "console.confirm_session": lambda w: w.page("/sessions/confirmation", {"current": "x", "code": "1"}),
    "console.set_up_second_factor": lambda w: w.page("/second-factor/setup", {"current": "x"}),
    "console.activate_second_factor": lambda w: w.page("/second-factor/activation", {"code": "1"}),
    "console.renew_recovery_codes": lambda w: w.page("/second-factor/codes", {"current": "x", "code": "1"}),
    "console.remove_second_factor": lambda w: w.page("/second-factor/removal", {"current": "x", "code": "1"}),
    "second_step.enter": lambda w: w.page("/login/second-factor", {"code": "1"}),
    "provider.ended": lambda w: w.client.post("/login/provider/end", data={"logout_token": "x"}),
    "oauth.token": lambda w: w.client.post("/oauth/token", data={"grant_type": "client_credentials"}),
}
"""What is kept for a session or a person alone, and what is only tried out."""

ELSEWHERE = {
    "tests/web/test_console_operations.py": (
        "console.plan_operation", "console.apply_operation", "console.pause_operation", "console.resume_operation",
        "console.stop_operation", "console.repeat_operation"),
    "tests/web/test_changing_pages.py": (
        "console.migrate_choice", "console.modify_step", "console.modify_many", "console.restart_choice",
        "console.restart_many", "console.review",
        "console.deploy_reviewed"),
    "tests/web/test_approvals.py": (
        "console.approve_deployment", "console.decline_deployment", "console.approve_operation",
        "console.decline_operation", "api.approve_deployment", "api.decline_deployment", "api.approve_operation",
        "api.decline_operation"),
    "tests/web/api/test_operations.py": (
        "api.plan_operation", "api.apply_operation", "api.pause_operation", "api.resume_operation",
        "api.stop_operation"),
}
"""Doors whose own tests say what the trail has of them."""

READS = re.compile(
    r".+tenant_id-submit-form|camunda7\.(.+-(count|list)|generate|validate)|camunda8\.search_.+|.+\.nothing")
"""They change nothing, although they are no GET: what is sought stands in the body. There are
no tenants yet, so their doors refuse."""
