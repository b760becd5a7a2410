"""The page of nodes: who is alive, and what waits for somebody who does not come."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from engine import schema
from engine.cluster import nodes, partitions
from engine.cluster.nodes import Node


def test_nodes_are_shown_with_what_they_do(engine, console):
    engine.execute(nodes.join, Node(roles=["web", "worker", "scheduler"], services=["<b>pay</b>"],
                                    address="http://localhost:1"))
    shown = console.text("/nodes")
    assert "http://localhost:1" in shown
    assert "web, worker, scheduler" in shown
    assert "&lt;b&gt;pay&lt;/b&gt;" in shown
    assert "Alive" in shown
    assert "No scheduler" not in shown


def test_silence_and_missing_schedulers_are_said(engine, console):
    dead = engine.execute(nodes.join, Node(roles=["scheduler"]))
    engine.execute(nodes.join, Node(roles=["web"]))
    with engine.database.write() as connection:
        silent = schema.nodes.c.key == dead
        long_ago = engine.clock() - timedelta(minutes=5)
        connection.execute(update(schema.nodes).where(silent).values(seen_at=long_ago))
    shown = console.text("/nodes")
    assert "Silent" in shown
    assert "No scheduler is alive" in shown


def test_partitions_that_nobody_serves_are_said(engine, console):
    engine.partitions = partitions.parse("0-1000")
    engine.execute(nodes.join, Node(roles=["scheduler", "worker"], services=["<pay>"]))
    shown = console.text("/nodes")
    assert "No scheduler serves the partitions 1001-1023." in shown
    assert "No worker calls &lt;pay&gt; in the partitions 1001-1023." in shown


def test_an_installation_without_nodes_has_a_page_too(console):
    assert "No process has said that it serves" in console.text("/nodes")
