"""Decisions: the list, one version with its table, and evaluations with the rules that matched."""

from __future__ import annotations

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import decisions as commands
from engine.errors import NotFound
from engine.queries import decisions as known
from engine.queries.decisions import DecisionVersion
from engine.queries.rule_hits import rule_hits
from web.console import forms, numbers, paging, tenants
from web.console.blueprint import acting, bp, done, engine


@bp.get("/decisions")
def decisions() -> ResponseReturnValue:
    """Every decision that is deployed, or those of the tenant that the address names."""
    tenant = request.args.get("tenant", "")
    shown = [each for each in known.newest(engine()) if tenant in ("", each.tenant_id)]
    return render_template("decisions/list.html", section="decisions", tenant=tenant, decisions=shown)


@bp.get("/decisions/<decision_id>")
def decision(decision_id: str) -> ResponseReturnValue:
    """One version of a decision, the newest unless the address says which."""
    versions = known.versions(engine(), decision_id, tenant_id=tenants.of("decision", decision_id))
    shown = _chosen(versions, numbers.argument("version"))
    rows = paging.page(known.evaluations(engine(), decision_key=shown.key, limit=paging.SIZE,
                                         offset=paging.offset()))
    return render_template("decisions/detail.html", section="decisions", decision=shown, versions=versions, page=rows,
                           is_newest=shown is versions[0],
                           hits=rule_hits(engine(), shown.requirements_key, shown.decision_id))


def _chosen(versions: tuple[DecisionVersion, ...], version: int | None) -> DecisionVersion:
    for each in versions:
        if version in (None, each.version):
            return each
    raise NotFound(f"Expected version {version} of decision {versions[0].decision_id!r} to be deployed, but it is not.")


@bp.get("/requirements/<key:key>/dmn")
def decision_file(key: int) -> ResponseReturnValue:
    """The file, exactly as it was deployed."""
    # As plain text: a browser that opens it must not take it for a page of ours.
    response = Response(known.file(engine(), key), mimetype="text/plain")
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@bp.post("/decision-versions/<key:key>/evaluations")
def evaluate_decision(key: int) -> ResponseReturnValue:
    """Evaluate one version of a decision, and show what came of it."""
    variables = forms.json_object("variables", "the variables")
    made = acting().execute(lambda tx: commands.evaluate(tx, variables=variables, decision_key=key).evaluation_key)
    return done(_("Evaluated."), url_for("console.evaluation", key=made))


@bp.get("/evaluations/<key:key>")
def evaluation(key: int) -> ResponseReturnValue:
    """One evaluation: `decision` chooses which of the decisions that were needed is shown."""
    made = known.evaluation(engine(), key)
    wanted = request.args.get("decision", made.row.decision_id)
    shown = next((each for each in made.decisions if each["id"] == wanted), None)
    return render_template(
        "decisions/evaluation.html", section="decisions", evaluation=made, row=made.row, shown=shown,
        wanted=wanted, rules=[rule["id"] for rule in shown["rules"]] if shown else [],
        outputs=[output["name"] for output in shown["rules"][0]["outputs"]] if shown and shown["rules"] else [],
    )
