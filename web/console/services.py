"""The services that diagrams can use: what each takes, gives, promises and did, and whether it is held."""

from __future__ import annotations

from flask import Response, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn.model import Dialect
from engine.queries import effects, lists, used
from engine.states import EffectState
from engine.work import holds
from service_tasks import templates
from service_tasks.registry import Registry
from web.console import at_once, forms, paging
from web.console.blueprint import bp, engine

UNDECIDED = "UNDECIDED"
"""What narrows the effects of a service to those about which somebody has to decide."""


def _registry() -> Registry:
    found: Registry = current_app.extensions["services"]
    return found


@bp.get("/services")
def services() -> ResponseReturnValue:
    """The catalogue of service contracts, and the job types that other workers serve."""
    registry = _registry()
    open_jobs = lists.job_types(engine())
    held = {hold.service: hold for hold in holds.all_of_them(engine())}
    others = {kind: open_jobs.get(kind, 0) for kind in sorted({*open_jobs, *held}) if kind not in registry}
    return render_template(
        "services.html", section="services", services=[service.describe() for service in registry],
        open_jobs=open_jobs, others=others, held=held,
        figures={service.name: effects.figures(engine(), service.name) for service in registry},
    )


@bp.get("/services/<path:name>")
def service(name: str) -> ResponseReturnValue:
    """One service: how it answers, what it did, where it is used; `effect` narrows the list."""
    contract = _registry().get(name)
    wanted = request.args.get("effect", "")
    states = (wanted,) if wanted in {state.value for state in EffectState} else ()
    undecided = wanted == UNDECIDED
    return render_template(
        "service.html", section="services", name=name, contract=contract and contract.describe(),
        hold=next((hold for hold in holds.all_of_them(engine()) if hold.service == name), None),
        figures=effects.figures(engine(), name), open_jobs=lists.job_types(engine()).get(name, 0),
        page=paging.page(effects.effects(engine(), service=name, states=states, undecided=undecided,
                                         offset=paging.offset())),
        used=used.uses_of(engine(), name), wanted=wanted, effect_states=list(EffectState),
    )


@bp.post("/services/<path:name>/hold")
def hold_service(name: str) -> ResponseReturnValue:
    """Hand out no more jobs of a service."""
    forms.reason()
    used.check_known(engine(), name)
    return at_once.on_service("HOLD", name, _("%(name)s is held: its jobs wait and lose no attempt.", name=name),
                              _page(name), "held")


@bp.post("/services/<path:name>/release")
def release_service(name: str) -> ResponseReturnValue:
    """Hand out the jobs of a service again."""
    return at_once.on_service("RELEASE", name, _("%(name)s is called again, gently at first.", name=name),
                              _page(name), "active")


def _page(name: str) -> str:
    return url_for("console.service", name=name)


@bp.get("/services.templates.json")
def service_templates() -> ResponseReturnValue:
    """The element templates of all services, in one file for the Modeler's folder; `dialect=camunda7` for that one."""
    dialect = Dialect.CAMUNDA_7 if request.args.get("dialect") == "camunda7" else Dialect.CAMUNDA_8
    answer: Response = jsonify([templates.template(contract, dialect) for contract in _registry().own()])
    answer.headers["Content-Disposition"] = 'attachment; filename="partitur-services.json"'
    return answer
