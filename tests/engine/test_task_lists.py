"""The list of open tasks, the filters that people keep for it, and what they keep beside tasks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from engine import instances, schema
from engine.errors import Conflict, InvalidInput, NotFound, WrongState
from engine.queries import lists, paging, tasks
from engine.tasks import comments as task_comments
from engine.tasks import drafts as task_drafts
from engine.tasks import filters as task_filters
from engine.tasks import user_tasks
from tests.engine.drawing import end, process, start, user


@pytest.fixture
def board(engine, steps):
    """Finds the names of tasks by criteria as texts."""
    for drawn in (
        process("order", start(), user("check", 'candidateGroups="sales" candidateUsers="=[&quot;ada&quot;]"',
                                       'dueDate="=due" followUpDate="=later"'), end()),
        process("claim", start(), user("pay", 'assignee="=who" candidateGroups="finance"'), end()),
        process("free", start(), user("any"), end()),
    ):
        steps.deploy(drawn)

    def names(person="ada", groups=(), sort="urgent", **criteria):
        wanted = task_filters.read(criteria, person, groups, engine.clock())
        found = tasks.search(engine, wanted, sort=sort)
        assert tasks.counts(engine, [wanted]) == [len(found.items)] == [found.total]
        return [row.business_id for row in found.items]
    return names


def order(steps, business_id, due=None, later=None, **variables):
    return steps.start("order", {"due": due, "later": later, **variables}, business_id=business_id)


def test_list_is_narrowed_by_people(engine, steps, board):
    # given
    order(steps, "o-1")
    steps.start("claim", {"who": "bob"}, business_id="c-1")
    steps.start("claim", {"who": None}, business_id="c-2")
    steps.start("free", business_id="f-1")

    # then
    assert board(sort="oldest") == ["o-1", "c-1", "c-2", "f-1"]
    assert board("bob", whose="mine") == ["c-1"]
    assert board("ada", whose="groups") == ["o-1"]
    assert board("cy", whose="groups") == []
    assert board("cy", ["finance", "sales"], whose="groups", sort="oldest") == ["o-1", "c-2"]
    assert board(whose="unassigned", sort="oldest") == ["o-1", "c-2", "f-1"]
    assert board(group="finance", sort="oldest") == ["c-1", "c-2"]
    assert board(assignee="bob") == ["c-1"]

    # when a task has no group any more, and another one is over
    [first] = [row for row in lists.user_tasks(engine).items if row.business_id == "o-1"]
    engine.execute(user_tasks.change, first.key, {"candidate_groups": ["law"], "candidate_users": []})
    assert board("cy", ["finance", "sales"], whose="groups") == ["c-2"]
    assert board("cy", ["law"], whose="groups") == ["o-1"]
    engine.execute(user_tasks.complete, first.key)
    assert board("cy", ["law"], whose="groups") == []


def test_list_is_narrowed_by_dates_in_the_words_of_people(engine, clock, steps, board):
    # given, at 2030-01-31 noon
    order(steps, "late", "2030-01-31T11:00:00Z", "2030-01-30T00:00:00Z")
    order(steps, "tonight", "2030-01-31T23:00:00Z", "2030-02-01T00:00:00Z")
    order(steps, "soon", "2030-02-06T23:00:00Z")
    order(steps, "far", "2030-03-01T00:00:00Z")
    order(steps, "never")

    # then
    assert board(due="overdue") == ["late"]
    assert board(due="today") == ["late", "tonight"]
    assert board(due="week") == ["late", "tonight", "soon"]
    assert board(due="none") == ["never"]
    assert board(follow_up="reached") == ["late"]
    assert board(follow_up="ahead") == ["tonight"]
    assert board(due_from="2030-02-01", due_to="2030-02-28") == ["soon"]
    assert board(sort="due") == ["late", "tonight", "soon", "far", "never"]
    clock.advance(hours=12)
    assert board(due="overdue") == ["late", "tonight"]


def test_list_is_narrowed_by_what_tasks_are_about(engine, steps, board):
    order(steps, "Ä-100%", region="north", size=3)
    order(steps, "B-1", region="south", size=4)
    steps.start("free", business_id="B-2")
    assert board(process="free") == ["B-2"]
    assert board(element="check", variable="size", value="4") == ["B-1"]
    assert board(variable="region", value="north") == ["Ä-100%"]
    assert sorted(board(variable="region")) == ["B-1", "Ä-100%"]
    assert board(q="100%") == ["Ä-100%"]
    assert board(q="b-", sort="oldest") == ["B-1", "B-2"]
    assert board(q="CHECK", sort="oldest") == ["Ä-100%", "B-1"]
    [row] = [row for row in lists.user_tasks(engine).items if row.business_id == "B-1"]
    engine.execute(user_tasks.change, row.key, {"priority": 80})
    assert board() == ["B-1", "Ä-100%", "B-2"]
    assert board(priority_from="60") == ["B-1"]
    assert board(priority_to="60", sort="oldest") == ["Ä-100%", "B-2"]


@pytest.mark.parametrize("counted", [0, 2, 10_000])
def test_tasks_are_found_by_a_text_however_many_have_it(engine, steps, board, monkeypatch, counted):
    # given, and one that is over
    order(steps, "B-1")
    order(steps, "b-2")
    steps.start("free", business_id="C-3")
    engine.execute(instances.cancel, order(steps, "B-4"), "no more")
    monkeypatch.setattr(tasks, "COUNTED", counted)

    def found(text, **page):
        wanted = task_filters.read({"q": text}, "ada", [], engine.clock())
        return [row.business_id for row in tasks.search(engine, wanted, sort="oldest", **page).items]

    # then
    assert found("b-") == found("CHECK") == ["B-1", "b-2"]
    assert found("b-", offset=1) == found("CHECK", offset=1) == ["b-2"]
    assert found("c-3") == found("any") == ["C-3"]
    assert found("-", limit=2) == ["B-1", "b-2"]
    assert found("nobody") == []


def test_tasks_are_found_by_a_variable_that_many_instances_have(engine, steps, board, monkeypatch):
    # given that more have it than are looked up by their keys, among them one that ended
    order(steps, "o-1", region="north")
    order(steps, "o-2", region="south")
    order(steps, "o-3", region="north")
    steps.start("free", business_id="f-1")
    [over] = [row for row in lists.user_tasks(engine).items if row.business_id == "o-3"]
    engine.execute(user_tasks.complete, over.key)
    monkeypatch.setattr(paging, "COUNTED", 1)
    monkeypatch.setattr(tasks, "COUNTED", 1)
    asked = []

    @event.listens_for(engine.database.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    # then each task is asked for it, and it is not brought together with all that have it
    for value, found in ({"north": ["o-1"], "south": ["o-2"], "west": []}).items():
        wanted = task_filters.read({"variable": "region", "value": value}, "ada", (), engine.clock())
        assert [row.business_id for row in tasks.search(engine, wanted, sort="oldest").items] == found
    every = task_filters.read({"variable": "region"}, "ada", (), engine.clock())
    assert [row.business_id for row in tasks.search(engine, every, sort="oldest").items] == ["o-1", "o-2"]
    assert not any("user_tasks.instance_key IN (SELECT variables" in statement for statement in asked)


@pytest.mark.parametrize(("criteria", "sentence"), [
    ({"whose": "hers"}, "'whose'"), ({"due": "soon"}, "'due'"), ({"priority_from": "high"}, "'priority_from'"),
    ({"due_from": "tomorrow"}, "'due_from'"), ({"colour": "red"}, "'colour'"), ({"q": "x" * 300}, "255"),
    ({"assignee": "a\0"}, "plain characters"), ({"priority_to": "9" * 200}, "'priority_to'"),
    ({"due_to": "0001-01-01T00:00+23:00"}, "'due_to'"),
])
def test_criterion_that_cannot_be_is_refused_by_its_name(engine, criteria, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        task_filters.read(criteria, "ada", (), engine.clock())
    with pytest.raises(InvalidInput, match=sentence):
        engine.execute(task_filters.save, "mine", criteria)


def test_counts_stop_where_nobody_counts_any_more(engine, steps, board):
    for number in range(4):
        steps.start("free", business_id=str(number))
    everything = tasks.TaskCriteria()
    assert tasks.counts(engine, [everything, everything], most=2) == [3, 3]
    part = tasks.search(engine, everything, limit=3, offset=2)
    assert [row.business_id for row in part.items] == ["2", "3"]
    assert (part.total, part.more) == (4, False)
    with pytest.raises(InvalidInput, match="sort"):
        tasks.search(engine, everything, sort="colour")


def test_filters_belong_to_somebody_and_may_be_shared(engine):
    ada, bob = engine.acting_as("ada"), engine.acting_as("bob")
    key = ada.execute(task_filters.save, "  Big   orders ", {"process": "order", "q": ""})
    with pytest.raises(Conflict, match="'Big orders'"):
        ada.execute(task_filters.save, "Big orders", {"whose": "mine"})
    bob.execute(task_filters.save, "Big orders", {"whose": "mine"})

    def seen(person):
        return [(each.name, each.owner, dict(each.criteria)) for each in task_filters.visible_to(engine, person)]

    assert seen("ada") == [("Big orders", "ada", {"process": "order"})]
    ada.execute(task_filters.save, "All big orders", {"process": "order"}, shared=True, key=key)
    assert [name for name, *_ in seen("bob")] == ["Big orders", "All big orders"]
    for act in (lambda: bob.execute(task_filters.remove, key),
                lambda: bob.execute(task_filters.save, "Mine now", {"whose": "mine"}, key=key)):
        with pytest.raises(NotFound):
            act()
    ada.execute(task_filters.remove, key)
    assert seen("ada") == []
    acts = [act.operation for act in lists.audit(engine, entity="TASK_FILTER", actor="ada").items]
    assert acts == ["DELETE", "SAVE", "SAVE"]
    for name in ("", "x" * 81):
        with pytest.raises(InvalidInput):
            ada.execute(task_filters.save, name, {"whose": "mine"})
    with pytest.raises(InvalidInput, match="every task"):
        ada.execute(task_filters.save, "Everything", {})


def test_draft_is_kept_for_each_person_until_the_task_is_over(engine, clock, steps, board):
    # given
    steps.start("free", business_id="1")
    task = steps.task()
    ada, bob = engine.acting_as("ada"), engine.acting_as("bob")
    ada.execute(task_drafts.keep, task, {"note": "fine"}, {"note": "abc"})
    clock.advance(minutes=1)
    ada.execute(task_drafts.keep, task, {"note": "fine, thanks"}, {"note": "abc"})

    # then
    draft = task_drafts.of(engine, task, "ada")
    assert (draft.content, draft.seen, draft.kept_at) == ({"note": "fine, thanks"}, {"note": "abc"}, clock.now)
    assert task_drafts.of(engine, task, "bob") is None
    assert task_drafts.begun(engine, [task, 0], "ada") == {task}
    bob.execute(task_drafts.keep, task, {"note": "no"}, {})
    ada.execute(task_drafts.forget, task)
    assert task_drafts.of(engine, task, "ada") is None
    assert task_drafts.of(engine, task, "bob").content == {"note": "no"}

    # when the task is over and its person writes another draft
    engine.execute(user_tasks.complete, task)
    with pytest.raises(WrongState, match="completed"):
        bob.execute(task_drafts.keep, task, {"note": "late"}, {})
    steps.start("free", business_id="2")
    bob.execute(task_drafts.keep, steps.task(), {"note": "next"}, {})
    assert task_drafts.of(engine, task, "bob") is None
    with pytest.raises(InvalidInput, match="bytes"):
        bob.execute(task_drafts.keep, steps.task(), {"note": "x" * 300_000}, {})
    with pytest.raises(NotFound):
        bob.execute(task_drafts.keep, 4711, {}, {})


def test_comments_stay_when_the_task_is_over(engine, clock, steps, board):
    key = steps.start("free")
    task = steps.task()
    engine.acting_as("ada").execute(task_comments.add, task, " Look at page 3. ")
    clock.now += timedelta(seconds=1)
    engine.execute(instances.cancel, key, "mistake")
    engine.acting_as("bob").execute(task_comments.add, task, "Too late.")
    assert [(each.author, each.message) for each in task_comments.of(engine, task)] == [
        ("ada", "Look at page 3."), ("bob", "Too late.")]
    with pytest.raises(InvalidInput, match="1 to 4,000"):
        engine.execute(task_comments.add, task, "  ")
    with pytest.raises(NotFound):
        engine.execute(task_comments.add, 4711, "x")


@pytest.mark.parametrize(("criteria", "index"), [
    ({}, "ix_user_tasks_"), ({"whose": "mine"}, "ix_user_tasks_open"), ({"whose": "unassigned"}, "ix_user_tasks_open"),
    ({"due": "overdue"}, "ix_user_tasks_due"), ({"process": "order"}, "ix_user_tasks_process"),
    ({"group": "sales"}, "ix_task_candidates_name"), ({"whose": "groups"}, "ix_task_candidates_name"),
])
def test_open_tasks_are_found_by_an_index_however_many_are_over(engine, criteria, index):
    if not engine.database.is_sqlite:
        pytest.skip("PostgreSQL reads small tables as a whole, whatever indexes there are.")
    read: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, *_):
        if not statement.startswith(("EXPLAIN", "BEGIN")):
            read.append((statement, parameters))

    event.listen(engine.database.engine, "before_cursor_execute", note)
    tasks.counts(engine, [task_filters.read(criteria, "ada", ["sales"], engine.clock())])
    event.remove(engine.database.engine, "before_cursor_execute", note)
    [(statement, parameters)] = read
    with engine.read() as connection:
        steps_ = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plan = "\n".join(str(row[3]) for row in steps_)
    assert index in plan
    assert "SCAN user_tasks\n" not in plan + "\n"


@pytest.mark.parametrize("criteria", [{}, {"variable": "a"}])
def test_page_of_the_most_urgent_tasks_is_read_without_all_others(engine, monkeypatch, criteria):
    # given a variable that so many have that each task is asked for it
    monkeypatch.setattr(tasks, "COUNTED", -1)
    wanted = task_filters.read(criteria, "ada", [], engine.clock())

    # when
    with engine.read() as connection:
        if not engine.database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        urgent = tasks.matching(wanted, connection).order_by(*tasks.SORTS["urgent"], schema.user_tasks.c.key).limit(50)
        explain = "EXPLAIN QUERY PLAN" if engine.database.is_sqlite else "EXPLAIN"
        asked = str(urgent.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {asked}"))

    # then nothing is sorted
    assert "ix_user_tasks_urgent" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
