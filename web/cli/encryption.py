"""Connections to other machines that anybody on the way can read, and that PARTITUR_PLAIN_CONNECTIONS may refuse.

What diagrams, targets of events and alerts connect to is looked at when it is connected to
(`service_tasks.connector.reach.Reach.encrypted`); this is what the settings of a process name.
Source: OWASP ASVS 5.0, 12.2.1, 12.3.1, 12.3.3, 12.3.4.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine import rights
from engine.engine import Engine
from engine.events import targets
from engine.inbound import sources
from service_tasks.connector.reach import is_this_machine
from web.cli.settings import Settings

VERIFYING = ("verify-ca", "verify-full")
"""The values of libpq's `sslmode` that encrypt to nobody but whom the certificate names. The others fall back, or take
anybody's."""
ADDRESSES = {"PARTITUR_LIMIT_STORAGE": ("rediss", "memory", "redis+unix", "unix"),
             "OTEL_EXPORTER_OTLP_ENDPOINT": ("https",), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("https",),
             "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": ("https",), "PARTITUR_URL": ("https",)}
"""Variables with addresses, and the schemes that encrypt or stay on this machine."""
PLAIN_SCHEMES = ("http", "amqp", "redis", "nats", "kafka")
"""Those of targets and sources that do not encrypt."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A setting that leads to a connection which is not encrypted, and what to do about it."""

    setting: str
    shown: str
    advice: str


def found(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Plain]:
    """What the settings of this process connect to without encryption, this machine left out."""
    yield from _database(settings, environment)
    for name, encrypting in ADDRESSES.items():
        parts = urlsplit((environment.get(name) or "").strip())
        if parts.scheme and parts.scheme not in encrypting and not is_this_machine(parts.hostname or ""):
            yield Plain(name, f"{parts.scheme}://{parts.hostname}", f"Use {encrypting[0]}://.")
    if settings.scanner is not None and settings.scanner.host and not is_this_machine(settings.scanner.host):
        yield Plain("PARTITUR_SCANNER", settings.scanner.shown, "Run clamd on this machine: it knows no TLS.")


def listening(settings: Settings) -> Iterator[Plain]:
    """Whether the server of these settings is reached by others without TLS of its own."""
    if settings.tls_certificate is None and not is_this_machine(settings.host):
        yield Plain("PARTITUR_HOST", f"http://{settings.host}", "Give it PARTITUR_TLS_CERTIFICATE and "
                    "PARTITUR_TLS_KEY, or listen on 127.0.0.1 behind a proxy of this machine.")


def stored(engine: Engine) -> Iterator[Plain]:
    """Targets and sources of events on other machines that are reached without encryption."""
    where = [*((each.name, each.address) for each in targets.all_of_them(engine)),
             *((each.name, each.address) for each in sources.all_of_them(engine) if each.address)]
    for name, address in where:
        parts = urlsplit(address)
        hosts = parts.netloc.split(",")
        if parts.scheme in PLAIN_SCHEMES and not all(is_this_machine(urlsplit(f"//{each}").hostname or "")
                                                     for each in hosts):
            yield Plain(f"{name!r}", f"{parts.scheme}://{parts.netloc}", "Change its address to one with TLS.")


def sentence(plain: Plain) -> str:
    """Why such a connection is refused."""
    return (f"Expected an encrypted connection, because PARTITUR_PLAIN_CONNECTIONS refuses others, but {plain.setting} "
            f"leads to {plain.shown}. {plain.advice}")


def _database(settings: Settings, environment: Mapping[str, str]) -> Iterator[Plain]:
    hosts, mode = rights.reached(settings.database_url, environment)
    away = [host for host in hosts if not is_this_machine(host)]
    if away and mode not in VERIFYING:
        yield Plain("DATABASE_URL", f"{', '.join(away)} with sslmode={mode}",
                    "Add ?sslmode=verify-full, and sslrootcert=FILE for an authority of your own.")
