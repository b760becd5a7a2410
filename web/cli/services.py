"""Which services a process knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from engine.engine import Engine
from service_tasks import Registry
from service_tasks.checks import Catalogue
from service_tasks.connector import ConnectorChecks, HttpConnector, Reach, ReachError
from service_tasks.connector.transport import Transport
from web.cli.settings import Settings, SettingsError

Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--services",
        metavar="MODULE",
        show_default=False,
        help="A module, file or folder with @service_task functions. May be given several times.",
    ),
]
ExternalTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--external-types",
        metavar="PATTERN",
        show_default=False,
        help="Only these job types may be served by workers elsewhere (such as 'legacy-*'); all others must be "
        "services here. Without this option every type is allowed that is not a misspelt service.",
    ),
]

Strict = Annotated[bool, typer.Option("--strict", help="Warnings refuse a deployment, too. Also PARTITUR_STRICT=on.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Modules, files or folders with services, beside those that installed packages offer."""

    sources: Sequence[str] = ()
    external_types: Sequence[str] | None = None
    """Patterns of job types that other workers serve; None allows every type (see `service_tasks.checks`)."""
    threads: int = 16
    """How many are called at once; 0 when this process calls none."""
    reload: bool = False
    """Whether they are read again when their files change."""
    registry: Registry = field(default_factory=Registry)

    def connect(self, engine: Engine) -> None:
        """Load the services and make them known to the engine.

        Raises:
            ContractError: a source cannot be loaded, or two services have one name.
        """
        self.load(engine)
        self._catalogue.connect(engine)

    def publish(self, engine: Engine) -> None:
        """Tell the engine of contracts that have changed."""
        self._catalogue.publish(engine)

    @property
    def _catalogue(self) -> Catalogue:
        return Catalogue(registry=self.registry, external_types=self.external_types)

    def load(self, engine: Engine | None = None) -> None:
        """Fill the registry, and let `engine` check how diagrams use what is built in.

        Raises:
            ContractError: a source cannot be loaded, or two services have one name.
            SettingsError: the list of hosts that may be called cannot be read.
        """
        settings = Settings.of()
        if settings.http_connector:
            connector = HttpConnector(engine, _reach(settings))
            self.registry.build_in(connector)
            if engine is not None:
                engine.checks.append(ConnectorChecks(connector).check)
        self.registry.discover()
        for source in self.sources:
            self.registry.load(source)

    @staticmethod
    def transport() -> Transport:
        """What makes requests to the hosts that may be called. Raises SettingsError."""
        return Transport(_reach(Settings.of()))

    @property
    def count(self) -> str:
        """How many there are, in words."""
        number = len(self.registry.own())
        return "1 service" if number == 1 else f"{number or 'no'} services"


def _reach(settings: Settings) -> Reach:
    try:
        return replace(Reach.of(settings.http_allow), encrypted=settings.encrypted)
    except ReachError as error:
        raise SettingsError(str(error)) from error
