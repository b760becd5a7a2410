"""Four eyes: what one person asks for waits until another one approves it."""

from __future__ import annotations

import pytest

from engine import definitions, instances
from engine.approvals import deciding
from engine.errors import InvalidInput, NeedsApproval, NotAllowed, NotFound, WrongState
from engine.operations import at_once, carrying, plans
from engine.queries import approvals as found
from engine.queries import definitions as known
from engine.queries import instances as listed
from engine.queries import lists
from engine.queries import operations as done
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import end, file, process, start, user

WHY = "Because of the test."
ONE = file(process("p", start(), user("a"), end()))
TWO = file(process("p", start(), user("a"), user("b"), end()))


@pytest.fixture
def careful(engine):
    engine.four_eyes = frozenset({"deployments", "operations"})
    return engine


def ask(engine, who="ann", resource=ONE):
    with pytest.raises(NeedsApproval) as refused:
        engine.acting_as(who).execute(definitions.deploy, [resource], source="test")
    return refused.value


def test_a_deployment_waits_for_another_person(careful):
    error = ask(careful)
    assert "only 'ann' asked for it" in str(error)
    assert known.search(careful).total == 0
    row = found.approval(careful, error.key)
    assert (row.state, row.requester, row.content["new"]) == (
        "WAITING", "ann", [{"kind": "process", "id": "p", "version": 1}])
    assert [each.content for each in found.files(careful, error.key)] == [ONE.content]

    # asked once more, it is the same request; another person's is another one
    assert ask(careful).key == error.key
    assert ask(careful, "bob").key != error.key

    # who asked cannot approve it, and a reason is needed
    with pytest.raises(NotAllowed, match="another person than 'ann'"):
        careful.acting_as("ann").execute(deciding.approve, error.key, WHY)
    with pytest.raises(InvalidInput):
        careful.acting_as("bob").execute(deciding.approve, error.key, " ")
    assert known.search(careful).total == 0

    made = careful.acting_as("bob").execute(deciding.approve, error.key, WHY)
    row = found.approval(careful, error.key)
    assert (row.state, row.decided_by, row.decision, row.deployment_key) == ("APPROVED", "bob", WHY, made)
    assert found.files(careful, error.key) == []
    acts = [(each.actor, each.operation) for each in reversed(lists.audit(careful).items)]
    assert acts == [("ann", "REQUEST"), ("bob", "REQUEST"), ("bob", "APPROVE"), ("ann", "DEPLOY")]
    with pytest.raises(WrongState, match="approved by bob"):
        careful.acting_as("bob").execute(deciding.approve, error.key, WHY)

    # what is deployed already needs nobody; something new does
    again = careful.acting_as("ann").execute(definitions.deploy, [ONE])
    assert [each.created for each in again.definitions] == [False]
    assert ask(careful, resource=TWO).key != error.key


def test_a_person_with_another_name_is_not_another_person(careful):
    def renamed(name, person="https://provider.example ann-1"):
        return careful.acting_as(name, person=person)

    with pytest.raises(NeedsApproval) as asked:
        renamed("ann").execute(definitions.deploy, [ONE])
    key = asked.value.key
    for name in ("ann", "anna"):
        with pytest.raises(NotAllowed, match="another person than"):
            renamed(name).execute(deciding.approve, key, WHY)
    with pytest.raises(NotAllowed, match="then called 'ann'"):
        renamed("anna").execute(deciding.approve, key, WHY)
    # nor is somebody of that name another one
    with pytest.raises(NotAllowed):
        renamed("ann", "https://provider.example other-2").execute(deciding.approve, key, WHY)
    renamed("anna").execute(deciding.decline, key, WHY)
    assert found.approval(careful, key).state == "WITHDRAWN"

    with pytest.raises(NeedsApproval) as asked:
        renamed("ann").execute(definitions.deploy, [ONE])
    renamed("bob", "https://provider.example bob-3").execute(deciding.approve, asked.value.key, WHY)
    assert found.approval(careful, asked.value.key).state == "APPROVED"


def test_a_deployment_is_declined_or_withdrawn(careful):
    first = ask(careful).key
    careful.acting_as("bob").execute(deciding.decline, first, WHY)
    assert found.approval(careful, first).state == "DECLINED"
    second = ask(careful).key
    assert second != first
    careful.acting_as("ann").execute(deciding.decline, second, WHY)
    assert found.approval(careful, second).state == "WITHDRAWN"
    assert (known.search(careful).total, found.waiting(careful)) == (0, 0)
    with pytest.raises(NotFound):
        careful.execute(deciding.decline, 7, WHY)


def test_an_operation_on_several_waits_for_another_person(engine, steps):
    steps.deploy(process("p", start(), user("a"), end()))
    keys = [steps.start("p") for _ in range(3)]
    engine.four_eyes = frozenset({"operations"})

    def plan(*keys):
        made = engine.acting_as("ann").execute(plans.plan, "SUSPEND", {}, InstanceFilter(keys=keys))
        while engine.execute(plans.judge, made):
            pass
        engine.acting_as("ann").execute(plans.apply, made, WHY)
        while carrying.work(engine):
            pass
        return made

    def suspended():
        return listed.search(engine, InstanceFilter(states=["suspended"])).total

    made = plan(*keys[:2])
    row = done.operation(engine, made)
    assert (row.state, row.applied_by, row.applied_at, suspended()) == ("WAITING", "ann", None, 0)
    request = found.of_operation(engine, made)
    with pytest.raises(NotAllowed):
        engine.acting_as("ann").execute(deciding.approve, request.key, WHY)
    engine.acting_as("bob").execute(deciding.approve, request.key, "Right.")
    while carrying.work(engine):
        pass
    assert (done.operation(engine, made).state, suspended()) == ("DONE", 2)
    acts = [(each.actor, each.operation, each.reason) for each in lists.audit(engine, instance_key=keys[0]).items]
    assert acts[0] == ("ann", "SUSPEND", WHY)

    # one instance needs nobody else, neither planned nor at once
    assert done.operation(engine, plan(keys[2])).state == "DONE"
    at_once.act(engine, "RESUME", {}, keys[2], WHY)

    # declined, withdrawn and stopped ones end
    engine.four_eyes = frozenset({"operations", "deployments"})
    engine.execute(instances.resume, keys[0], WHY)
    engine.execute(instances.resume, keys[1], WHY)
    for who, state in (("bob", "DECLINED"), ("ann", "WITHDRAWN")):
        made = plan(*keys)
        request = found.of_operation(engine, made)
        engine.acting_as(who).execute(deciding.decline, request.key, "No.")
        row = done.operation(engine, made)
        assert (row.state, row.not_started, found.approval(engine, request.key).state) == ("STOPPED", 3, state)
        assert "No." in done.items(engine, made).items[0].sentence
    made = plan(*keys)
    engine.acting_as("ann").execute(plans.stop, made, WHY)
    assert (found.of_operation(engine, made).state, found.waiting(engine)) == ("WITHDRAWN", 0)
    assert suspended() == 0
