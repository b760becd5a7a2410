"""A small language for tests of the worker: one process with one service task, an engine, workers, and time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from engine import definitions, instances
from engine.queries import instance as instance_queries
from service_tasks import Registry
from service_tasks.checks import Catalogue
from service_tasks.worker import Worker

LONG = 60.0
"""Seconds after which a test that waits for something has failed."""

PROCESS = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0"'
    ' id="D" targetNamespace="t" modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">'
    '<bpmn:process id="one-service" isExecutable="true"><bpmn:startEvent id="Start"/>'
    '<bpmn:serviceTask id="Work"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>'
    '</bpmn:serviceTask><bpmn:endEvent id="End"/><bpmn:sequenceFlow id="F1" sourceRef="Start" targetRef="Work"/>'
    '<bpmn:sequenceFlow id="F2" sourceRef="Work" targetRef="End"/></bpmn:process></bpmn:definitions>'
)


class TurnableClock:
    """The real time, moved forward by hand."""

    def __init__(self):
        self.ahead = timedelta(0)

    def __call__(self):
        return datetime.now(UTC) + self.ahead

    def advance(self, **by):
        self.ahead += timedelta(**by)


class Stage:
    """An engine with services and workers."""

    def __init__(self, engine):
        self.engine = engine
        self.workers = []

    def serve(self, *services, **options):
        """Register services, deploy a process that calls the service "work", and start a worker."""
        return self.hire(self.offer(*services), **options)

    def offer(self, *services):
        """Register services and deploy a process that calls the service "work"; nobody serves them yet."""
        registry = Registry()
        registry.add(*services)
        Catalogue(registry=registry).connect(self.engine)
        self.deploy("one-service.bpmn", PROCESS.encode())
        return registry

    def deploy(self, name, content):
        resource = definitions.Resource(name=name, content=content)
        return self.engine.execute(definitions.deploy, [resource])

    def hire(self, registry, **options):
        """One worker more."""
        worker = Worker(self.engine, registry, **{"threads": 4, "poll": timedelta(seconds=0.02)} | options)
        self.workers.append(worker)
        worker.start()
        return worker

    def start(self, process="one-service", **variables):
        """Start an instance; gives its key."""
        return self.engine.execute(instances.start, process, variables=variables).key

    def see(self, key):
        return instance_queries.detail(self.engine, key)

    def variables(self, key):
        return instance_queries.variables(self.engine, key)

    def until(self, condition):
        """Wait for something that other threads bring about; what it gave."""
        pause = threading.Event()
        for _ in range(int(LONG / 0.01)):
            found = condition()
            if found:
                return found
            pause.wait(0.01)
        raise AssertionError("Expected it to happen, but it did not.")

    def ended(self, key):
        """Wait until the instance ended; how it looks then."""
        return self.until(lambda: self.see(key) if self.see(key).row.state != "ACTIVE" else None)

    def incident(self, key):
        """Wait until the instance has an open incident; it."""
        return self.until(lambda: next((i for i in self.see(key).incidents if i.state == "ACTIVE"), None))

    def close(self):
        for worker in self.workers:
            worker.stop(timedelta(seconds=LONG))


@contextmanager
def hanging():
    """An event for services to hang on; set at the end, so that no thread is left."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()
