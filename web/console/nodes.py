"""The processes that serve, and what is late."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from engine.queries.standing import standing
from web.console.blueprint import bp, engine


@bp.get("/nodes")
def nodes() -> ResponseReturnValue:
    """Who is alive, what each does, and whether anything waits for somebody who does not come."""
    return render_template("nodes.html", section="", live=10, seen=standing(engine()))
