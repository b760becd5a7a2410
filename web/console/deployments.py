"""Upload: files are deployed together, or refused with every reason and the elements marked on the diagram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn.problems import Problem, Severity
from engine import definitions
from engine.definitions import Deployment, Resource
from engine.errors import DeploymentRefused, NeedsApproval
from web.console import marks, tenants
from web.console.blueprint import acting, bp, done


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """One uploaded file and what is wrong with it. `xml` is its text if it can be shown as a diagram."""

    number: int
    name: str
    xml: str | None
    problems: Sequence[Problem]
    marks: marks.Marks


@bp.get("/deployments/new")
def new_deployment() -> ResponseReturnValue:
    """The page to upload files on."""
    return render_template("deployments/new.html", section="processes")


def uploaded() -> list[Resource]:
    """The files of the form."""
    return [Resource(name=file.filename or "", content=file.read())
            for file in request.files.getlist("files") if file.filename]


def deployed(resources: Sequence[Resource]) -> ResponseReturnValue:
    """Deploy files and go to what came of them, or say everything that is wrong with them."""
    try:
        deployment = acting().execute(definitions.deploy, resources, source="console",
                                      tenant_id=tenants.named())
    except DeploymentRefused as refusal:
        # Not left to the error handler: the page shows the diagrams, which are nowhere but in this request.
        return refused(resources, refusal.problems, strict=refusal.strict), 422
    except NeedsApproval as waits:
        return done(_("It waits for another person's approval. Nothing is deployed yet."),
                    url_for("console.approval", key=waits.key), "waiting")
    if deployment.problems:
        return render_template("deployments/new.html", section="processes", deployment=deployment,
                               files=_checked(resources, deployment.problems), **_counts(deployment.problems))
    return done(_summary(deployment), _target(deployment))


def refused(resources: Sequence[Resource], problems: Sequence[Problem], *, strict: bool) -> str:
    """The page of files that are refused: every problem, marked on the diagrams."""
    return render_template("deployments/new.html", section="processes", refused=True, strict=strict,
                           files=_checked(resources, problems), **_counts(problems))


def _checked(resources: Iterable[Resource], problems: Sequence[Problem]) -> list[CheckedFile]:
    checked = []
    for number, resource in enumerate(resources, 1):
        mine = sorted((problem for problem in problems if problem.resource_name == resource.name),
                      key=lambda problem: (problem.severity != Severity.ERROR, problem.line or 0))
        text = resource.content.decode("utf-8", errors="replace")
        drawable = "BPMNDiagram" in text
        checked.append(CheckedFile(number=number, name=resource.name, xml=text if drawable else None, problems=mine,
                                   marks=marks.problems(mine)))
    # What belongs to no file (such as "no file was given") is shown first.
    names = {resource.name for resource in resources}
    rest = [problem for problem in problems if problem.resource_name not in names]
    if rest:
        checked.insert(0, CheckedFile(number=0, name=_("This upload"), xml=None, problems=rest, marks={}))
    return checked


def _counts(problems: Iterable[Problem]) -> dict[str, int]:
    severities = [problem.severity for problem in problems]
    return {"errors": severities.count(Severity.ERROR), "warnings": severities.count(Severity.WARNING)}


def _summary(deployment: Deployment) -> str:
    found = [(each.name or each.process_id, each.version, each.created) for each in deployment.definitions]
    found += [(each.name, each.version, each.created) for each in deployment.decisions]
    named = [(_("%(name)s version %(version)s", name=name, version=version), created)
             for name, version, created in found]
    named += [(_("Form %(name)s version %(version)s", name=each.form_id, version=each.version), each.created)
              for each in deployment.forms]
    sentences = []
    for word, created in ((_("Deployed"), True), (_("Unchanged:"), False)):
        names = [name for name, is_new in named if is_new is created]
        if names:
            sentences.append(f"{word} {', '.join(names)}.")
    return " ".join(sentences) or _("Nothing in these files is executable, so there was nothing to deploy.")


def _target(deployment: Deployment) -> str:
    if len(deployment.definitions) == 1:
        only = deployment.definitions[0]
        return url_for("console.process", process_id=only.process_id, version=only.version,
                       tenant=tenants.in_links(only.tenant_id))
    if not deployment.definitions and not deployment.decisions and deployment.forms:
        form = deployment.forms[0]
        return url_for("console.form", form_id=form.form_id, version=form.version,
                       tenant=tenants.in_links(form.tenant_id))
    if deployment.definitions or not deployment.decisions:
        return url_for("console.processes")
    if len(deployment.decisions) == 1:
        decision = deployment.decisions[0]
        return url_for("console.decision", decision_id=decision.decision_id, version=decision.version,
                       tenant=tenants.in_links(deployment.tenant_id))
    return url_for("console.decisions")
