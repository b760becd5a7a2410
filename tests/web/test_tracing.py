"""The trace of a request goes on in the instances that it starts, through every door."""

from __future__ import annotations

import threading

import pytest

from engine.queries import instances
from engine.queries.instances import InstanceFilter
from service_tasks.call import child_span

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(("path", "body"), [
    ("/v2/process-instances", {"processDefinitionId": "review"}),
    ("/engine-rest/process-definition/key/review/start", {}),
])
def test_instance_belongs_to_the_trace_of_its_request(app, engine, story, path, body):
    story.deploy()
    answer = app.test_client().post(path, json=body, headers={"traceparent": PARENT})
    assert answer.status_code == 200
    [row] = found_in(engine)
    assert row.trace_parent == PARENT
    assert child_span(row.trace_parent, row.correlation_id, 1, 1).split("-")[1] == PARENT.split("-")[1]


@pytest.mark.parametrize("later", ["cc" + PARENT[2:], f"01{PARENT[2:]}-what-comes-later"])
def test_a_later_version_is_read_as_far_as_it_is_known(app, engine, story, later):
    story.deploy()
    app.test_client().post("/v2/process-instances", json={"processDefinitionId": "review"},
                           headers={"traceparent": later})
    assert found_in(engine)[0].trace_parent == PARENT


@pytest.mark.parametrize("wrong", ["", "00-0-0-01", f"{PARENT}-more", f"01{PARENT[2:]}more", f"{PARENT}, {PARENT}",
                                   PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
                                   "ff" + PARENT[2:], PARENT.upper(), "<b>"])
def test_what_is_no_trace_counts_as_none(app, engine, story, wrong):
    story.deploy()
    answer = app.test_client().post("/v2/process-instances", json={"processDefinitionId": "review"},
                                    headers={"traceparent": wrong})
    assert answer.status_code == 200
    assert found_in(engine)[0].trace_parent is None


def test_requests_at_once_keep_their_traces_apart(app, engine, story):
    story.deploy()
    traces = [PARENT[:-5] + f"{number:02x}-01" for number in range(1, 9)]
    barrier = threading.Barrier(len(traces))

    def start(trace):
        barrier.wait()
        app.test_client().post("/v2/process-instances", json={"processDefinitionId": "review", "businessId": trace},
                               headers={"traceparent": trace})

    threads = [threading.Thread(target=start, args=(trace,)) for trace in traces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {row.business_id: row.trace_parent for row in found_in(engine)}
    assert found == {trace: trace for trace in traces}


def found_in(engine):
    return instances.search(engine, InstanceFilter()).items
