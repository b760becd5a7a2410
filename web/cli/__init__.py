"""The command line `partitur`: every command prints a table for people, or JSON with `--json` for programs.

Exit codes: 0 done; 1 refused or failed, and a sentence said why; 2 the command was not understood.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from web.cli.access import tokens, users
from web.cli.alerts import alerts
from web.cli.approving import approvals
from web.cli.audit import audit
from web.cli.caring import care
from web.cli.checking import check
from web.cli.demo import demo
from web.cli.deploying import deploy, start
from web.cli.dmn import dmn
from web.cli.doctor import doctor
from web.cli.drilling import drill_process
from web.cli.effects import decide, hold, list_effects, release
from web.cli.events import events
from web.cli.feel import feel
from web.cli.group import Commands
from web.cli.happening import deliver, fire
from web.cli.inbound import inbound
from web.cli.moving import migrate, modify, restart
from web.cli.operating import cancel, resume, retry, suspend, templates, upgrade_database
from web.cli.operations import operations
from web.cli.pausing import pause, unpause
from web.cli.retention import retention
from web.cli.roles import roles
from web.cli.secrets import secrets
from web.cli.serving import scheduler, serve, worker
from web.cli.sessions import sessions
from web.cli.tenants import tenants
from web.cli.watching import list_incidents, list_instances, show

app = typer.Typer(
    name="partitur",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Process orchestration: BPMN diagrams from Camunda Modeler, run on SQLite or PostgreSQL.",
)

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "serve": serve,
    "worker": worker,
    "scheduler": scheduler,
    "check": check,
    "deploy": deploy,
    "start": start,
    "instances": list_instances,
    "show": show,
    "incidents": list_incidents,
    "retry": retry,
    "care": care,
    "effects": list_effects,
    "decide": decide,
    "hold": hold,
    "release": release,
    "suspend": suspend,
    "resume": resume,
    "cancel": cancel,
    "modify": modify,
    "migrate": migrate,
    "restart": restart,
    "fire": fire,
    "deliver": deliver,
    "operations": operations,
    "approvals": approvals,
    "secrets": secrets,
    "tenants": tenants,
    "events": events,
    "inbound": inbound,
    "alerts": alerts,
    "drill": drill_process,
    "templates": templates,
    "audit": audit,
    "pause": pause,
    "unpause": unpause,
    "retention": retention,
    "upgrade": upgrade_database,
    "users": users,
    "tokens": tokens,
    "roles": roles,
    "sessions": sessions,
    "feel": feel,
    "dmn": dmn,
    "doctor": doctor,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """Run the command line."""
    app()
