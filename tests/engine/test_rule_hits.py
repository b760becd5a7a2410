"""How often rules of decision tables were hit, as the page of a decision tells it."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from engine import decisions, definitions, schema, sight
from engine.errors import InvalidInput
from engine.queries import decisions as known
from engine.queries.rule_hits import EVALUATED, rule_hits

TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing" namespace="t">
  <decision id="price" name="Price">
    <informationRequirement id="n1"><requiredDecision href="#discount"/></informationRequirement>
    <literalExpression id="l1"><text>100 - discount</text></literalExpression></decision>
  <decision id="other" name="Other"><literalExpression id="l2"><text>1</text></literalExpression></decision>
  <decision id="discount" name="discount"><decisionTable id="table" hitPolicy="{hit}">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule><inputEntry id="e1"><text>&lt; 100</text></inputEntry><outputEntry id="x1"><text>0</text></outputEntry></rule>
    <rule><inputEntry id="e2"><text>&lt; 1000</text></inputEntry>
      <outputEntry id="x2"><text>5</text></outputEntry></rule>
    <rule><inputEntry id="e3"><text>-</text></inputEntry><outputEntry id="x3"><text>9</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


@pytest.fixture
def table(engine):
    """The versions of a table by their hit policy, evaluated as one says."""
    def deployed(hit="FIRST"):
        file = definitions.Resource(name="pricing.dmn", content=TABLE.format(hit=hit).encode())
        engine.execute(definitions.deploy, [file])
        return known.versions(engine, "discount")[0]
    return deployed


def told(engine, version, **more):
    found = rule_hits(engine, version.requirements_key, "discount", **more)
    return [rule.hits for rule in found.rules], found.evaluations


def ask(engine, *amounts, decision="discount"):
    for amount in amounts:
        engine.execute(decisions.evaluate, decision, {"amount": amount})


def test_rules_are_counted_and_what_was_never_hit_is_known(engine, table, clock):
    version = table()
    assert told(engine, version) == ([0, 0, 0], 0)
    assert rule_hits(engine, version.requirements_key, "discount").since is None
    first = clock()
    ask(engine, 5, 7)
    clock.advance(hours=1)
    ask(engine, 5000)
    found = rule_hits(engine, version.requirements_key, "discount")
    assert [(rule.index, rule.hits) for rule in found.rules] == [(1, 2), (2, 0), (3, 1)]
    assert [rule.conditions for rule in found.rules] == [(("Amount", "< 100"),), (("Amount", "< 1000"),), ()]
    assert (found.never, found.evaluations, found.since, found.more) == (1, 3, first, False)


def test_several_rules_of_one_evaluation_count_each(engine, table):
    version = table("COLLECT")
    ask(engine, 5)
    assert told(engine, version) == ([1, 1, 1], 1)


def test_evaluations_by_a_decision_that_needs_it_count_and_no_others(engine, table):
    version = table()
    ask(engine, 5, decision="price")
    ask(engine, 500)
    ask(engine, 1, decision="other")
    assert told(engine, version) == ([1, 1, 0], 2)
    assert rule_hits(engine, version.requirements_key, "price") is None
    assert rule_hits(engine, version.requirements_key, "nope") is None
    assert rule_hits(engine, 1, "discount") is None


def test_only_the_newest_count(engine, table, clock):
    version = table()
    for number, decision in enumerate(["discount", "price", "discount", "price"]):
        clock.advance(minutes=1)
        ask(engine, 5 if number < 2 else 500, decision=decision)
    newest = rule_hits(engine, version.requirements_key, "discount", most=2)
    assert ([rule.hits for rule in newest.rules], newest.evaluations, newest.more) == ([0, 2, 0], 2, True)
    assert rule_hits(engine, version.requirements_key, "discount", most=4).more is False


def test_each_version_has_its_own_and_a_failure_hits_nothing(engine, table):
    first = table()
    ask(engine, 5)
    second = table("UNIQUE")
    with pytest.raises(InvalidInput):
        ask(engine, 5)
    ask(engine, 5000)
    assert told(engine, first) == ([1, 0, 0], 1)
    assert told(engine, second) == ([0, 0, 1], 1)


def test_an_engine_that_has_not_read_the_file_yet_tells_the_same(engine, table):
    version = table()
    ask(engine, 5)
    engine.decision_models.clear()
    assert told(engine, version) == ([1, 0, 0], 1)


DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
SHOP = f"""<definitions xmlns="{DMN}" id="{{id}}" name="Shop" namespace="{{id}}">
  <import name="base" namespace="{{imports}}" importType="{DMN}"/>
  <decision id="{{id}}-total" name="Total"><informationRequirement id="n1"><requiredDecision href="{{needs}}"/>
    </informationRequirement><literalExpression id="l1"><text>{{text}}</text></literalExpression></decision>
  <decision id="discount" name="own"><decisionTable id="table" hitPolicy="FIRST">
    <input id="i1"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule><inputEntry id="e1"><text>8</text></inputEntry><outputEntry id="x1"><text>1</text></outputEntry></rule>
    <rule><inputEntry id="e2"><text>-</text></inputEntry><outputEntry id="x2"><text>2</text></outputEntry></rule>
  </decisionTable></decision>
  <decision id="{{id}}-both" name="Both">
    <informationRequirement id="n2"><requiredDecision href="{{needs}}"/></informationRequirement>
    <informationRequirement id="n3"><requiredDecision href="#discount"/></informationRequirement>
    <literalExpression id="l2"><text>own</text></literalExpression></decision></definitions>"""


def importing(id, imports="t", needs="t#discount", text="base.discount"):
    """A file that imports another one, and has a decision with the same id as that."""
    return definitions.Resource(
        name=f"{id}.dmn", content=SHOP.format(id=id, imports=imports, needs=needs, text=text).encode())


def test_evaluations_that_come_through_an_import_count_by_file(engine, table, clock):
    # given a table, a file that imports it and has a table of the same id, and one that imports that file
    version = table()
    clock.advance(minutes=1)
    engine.execute(definitions.deploy, [importing("shop")])
    engine.execute(definitions.deploy, [
        importing("mall", imports="shop", needs="shop#shop-total", text="base.Total")])
    shop = known.versions(engine, "shop-total")[0].requirements_key

    # when it is asked for through one import, through two, and together with its namesake
    ask(engine, 5, decision="shop-total")
    ask(engine, 500, decision="mall-total")
    ask(engine, 7, decision="shop-both")

    # then each table has its own, also on a node that has not read the files yet
    for _ in range(2):
        assert told(engine, version) == ([2, 1, 0], 3)
        found = rule_hits(engine, shop, "discount")
        assert ([rule.hits for rule in found.rules], found.evaluations) == ([0, 1], 1)
        engine.decision_models.clear()


def test_a_file_counts_for_the_version_that_it_imported(engine, table, clock):
    first = table()
    clock.advance(minutes=1)
    engine.execute(definitions.deploy, [importing("shop")])
    second = table("UNIQUE")
    ask(engine, 5000, decision="shop-total")
    assert told(engine, first) == ([0, 0, 1], 1)
    assert told(engine, second) == ([0, 0, 0], 0)


def test_a_file_that_came_together_with_what_it_imports_counts(engine):
    # Ids of decisions are those of one file only within a deployment.
    content = TABLE.format(hit="FIRST").replace('id="discount"', 'id="cut"').replace("#discount", "#cut")
    engine.execute(definitions.deploy, [
        importing("shop", needs="t#cut"), definitions.Resource(name="pricing.dmn", content=content.encode())])
    ask(engine, 5, decision="shop-total")
    version = known.versions(engine, "cut")[0]
    assert rule_hits(engine, version.requirements_key, "cut").evaluations == 1


@pytest.mark.parametrize(("patterns", "evaluations"), [
    (("discount",), 1), (("discount", "shop-total"), 2), (("shop*",), None)])
def test_whoever_sees_a_part_is_told_of_that_part(engine, table, clock, patterns, evaluations):
    version = table()
    clock.advance(minutes=1)
    engine.execute(definitions.deploy, [importing("shop", needs="t#discount")])
    engine.execute(decisions.evaluate, variables={"amount": 7}, decision_key=version.key)
    ask(engine, 7, decision="shop-total")
    sight.begin(sight.Sight((sight.Area(patterns),)), None)
    try:
        found = rule_hits(engine, version.requirements_key, "discount")
    finally:
        sight.begin(None, None)
    assert (found and found.evaluations) == evaluations


def test_an_evaluation_without_namespaces_counts_for_the_file_that_its_decision_needs(engine, table, clock):
    # given what was evaluated before namespaces were kept
    version = table()
    clock.advance(minutes=1)
    engine.execute(definitions.deploy, [importing("shop")])
    shop = known.versions(engine, "shop-total")[0].requirements_key
    engine.execute(decisions.evaluate, variables={"amount": 7}, decision_key=version.key)
    ask(engine, 7, decision="shop-total")
    ask(engine, 7, decision="shop-both")
    _e = schema.decision_evaluations
    with engine.database.engine.begin() as connection:
        for key, kept in connection.execute(select(_e.c.key, _e.c.decisions)).all():
            bare = [{name: value for name, value in each.items() if name != "namespace"} for each in kept]
            connection.execute(update(_e).where(_e.c.key == key).values(decisions=bare))

    # then
    assert told(engine, version) == ([2, 0, 0], 2)
    assert rule_hits(engine, shop, "discount").evaluations == 1


def test_the_newest_are_read_in_the_order_of_an_index(engine, table):
    version = table()
    if not engine.database.is_sqlite:
        pytest.skip("PostgreSQL sees the values, and takes what index it likes by how much there is.")
    statement = str(EVALUATED.compile(engine.database.engine, compile_kwargs={"render_postcompile": True}))
    with engine.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (version.key, 10, 0)).fetchall()
    words = " ".join(str(row[-1]) for row in plan)
    assert "ix_decision_evaluations_newest" in words
    assert "TEMP B-TREE" not in words
