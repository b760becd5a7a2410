"""Where things are: what the environment says, else the defaults."""

from __future__ import annotations

import getpass
import os
import re
import zoneinfo
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from engine.approvals.asking import FourEyes
from engine.masking import MaskError, Masking
from engine.retention import LONGEST_DAYS
from web.clamd import Scanner, ScannerError

SWITCH = {"on": True, "1": True, "true": True, "yes": True, "off": False, "0": False, "false": False, "no": False}
SYNCHRONOUS = ("FULL", "NORMAL", "EXTRA")


class SettingsError(Exception):
    """A variable of the environment has a value that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command needs to know of its surroundings; an option beats the environment, which beats the default."""

    data_dir: Path
    database_url: str
    host: str
    port: int
    time_zone: str
    synchronous: str
    access_file: Path
    """Where users and tokens are; without the file nobody has to log in."""
    hosts: tuple[str, ...] = ()
    """Further names under which this server may be asked while nobody has to log in."""
    python_scripts: bool = False
    """Whether diagrams may hold Python scripts, which run in a sandbox."""
    strict: bool = False
    """Whether warnings refuse a deployment, too."""
    http_connector: bool = True
    """Whether workers serve tasks of Camunda's REST connector."""
    http_allow: str = ""
    """Which hosts those may call (see `service_tasks.connector.Reach`)."""
    secrets_keys: tuple[str, ...] = ()
    """What secrets are encrypted with, the newest first; without any, a file in the data directory."""
    mask: str = ""
    """Whose values are hidden: words of names (see `engine.masking`)."""
    four_eyes: frozenset[str] = frozenset()
    """What another person has to approve: deployments, operations on several instances."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    """What the server speaks TLS with by itself; without them a proxy does, or nobody."""
    encrypted: bool = False
    """Whether connections to other machines that are not encrypted are refused."""
    scanner: Scanner | None = None
    """What looks at files that come from outside."""
    history: timedelta | None = None
    """How long ended instances are kept whose process says nothing; None: for ever."""

    @classmethod
    def of(cls, *, data_dir: Path | None = None, host: str | None = None, port: int | None = None,
           strict: bool = False, tls_certificate: Path | None = None, tls_key: Path | None = None) -> Settings:
        """Read DATA_DIR, DATABASE_URL, PARTITUR_HOST, PORT, TIME_ZONE, SQLITE_SYNCHRONOUS, PARTITUR_USERS,
        PARTITUR_HOSTS, PARTITUR_PYTHON_SCRIPTS, PARTITUR_STRICT, PARTITUR_HTTP_CONNECTOR, PARTITUR_HTTP_ALLOW,
        PARTITUR_SECRETS_KEY, PARTITUR_FOUR_EYES, PARTITUR_MASK, PARTITUR_SCANNER, PARTITUR_TLS_CERTIFICATE,
        PARTITUR_TLS_KEY, PARTITUR_PLAIN_CONNECTIONS and PARTITUR_HISTORY_DAYS; an argument that is given beats its
        variable.

        Raises:
            SettingsError: a value cannot be.
        """
        folder = (data_dir or Path(os.environ.get("DATA_DIR") or "data")).resolve()
        return cls(
            data_dir=folder,
            database_url=os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'partitur.db'}",
            host=host or os.environ.get("PARTITUR_HOST") or "127.0.0.1",
            port=_port() if port is None else port,
            time_zone=_time_zone(),
            synchronous=_synchronous(),
            access_file=Path(os.environ.get("PARTITUR_USERS") or folder / "users.json").resolve(),
            hosts=_hosts(),
            python_scripts=_switch("PARTITUR_PYTHON_SCRIPTS"),
            strict=strict or _switch("PARTITUR_STRICT"),
            http_connector=_switch("PARTITUR_HTTP_CONNECTOR", "on"),
            http_allow=os.environ.get("PARTITUR_HTTP_ALLOW") or "",
            secrets_keys=tuple((os.environ.get("PARTITUR_SECRETS_KEY") or "").replace(",", " ").split()),
            history=_history(),
            four_eyes=_four_eyes(),
            mask=_mask(),
            scanner=_scanner(),
            encrypted=_encrypted(),
            tls_certificate=tls_certificate or _path("PARTITUR_TLS_CERTIFICATE"),
            tls_key=tls_key or _path("PARTITUR_TLS_KEY"),
        )

    def make_data_dir(self) -> None:
        """Create the data directory if there is none.

        Raises:
            OSError: It cannot be created.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)


def actor() -> str:
    """Who is at the keyboard, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def shown_url(url: str) -> str:
    """A database's address without the password in it."""
    return re.sub(r"(://[^:/@]+):[^@]+@", r"\1:…@", url)


def _hosts() -> tuple[str, ...]:
    names = os.environ.get("PARTITUR_HOSTS", "").lower().split(",")
    return tuple(name.strip() for name in names if name.strip())


def _port() -> int:
    text = os.environ.get("PORT") or "8080"
    if not text.isdecimal() or int(text) > 65535:
        raise SettingsError(f"Expected PORT to be a number up to 65535, but found {text!r}.")
    return int(text)


def _time_zone() -> str:
    name = os.environ.get("TIME_ZONE") or "UTC"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"Expected TIME_ZONE to be one such as Europe/Berlin, but found {name!r}.") from None
    return name


def _synchronous() -> str:
    word = (os.environ.get("SQLITE_SYNCHRONOUS") or "FULL").upper()
    if word not in SYNCHRONOUS:
        raise SettingsError(f"Expected SQLITE_SYNCHRONOUS to be one of {', '.join(SYNCHRONOUS)}, but found {word!r}.")
    return word


def _history() -> timedelta | None:
    text = os.environ.get("PARTITUR_HISTORY_DAYS") or ""
    if not text:
        return None
    if not text.isdecimal() or int(text) > LONGEST_DAYS:
        raise SettingsError(f"Expected PARTITUR_HISTORY_DAYS to be a number up to {LONGEST_DAYS}, but found {text!r}.")
    return timedelta(days=int(text))


def _four_eyes() -> frozenset[str]:
    words = os.environ.get("PARTITUR_FOUR_EYES", "").lower().replace(",", " ").split()
    unknown = sorted(set(words) - set(FourEyes))
    if unknown:
        raise SettingsError(f"Expected PARTITUR_FOUR_EYES to have words out of {', '.join(FourEyes)}, but found "
                            f"{unknown[0]!r}.")
    return frozenset(words)


def _switch(name: str, default: str = "off") -> bool:
    word = (os.environ.get(name) or default).lower()
    if word not in SWITCH:
        raise SettingsError(f"Expected {name} to be on or off, but found {word!r}.")
    return SWITCH[word]


def _encrypted() -> bool:
    word = (os.environ.get("PARTITUR_PLAIN_CONNECTIONS") or "allow").strip().lower()
    if word not in ("allow", "refuse"):
        raise SettingsError(f"Expected PARTITUR_PLAIN_CONNECTIONS to be allow or refuse, but found {word!r}.")
    return word == "refuse"


def _path(name: str) -> Path | None:
    text = (os.environ.get(name) or "").strip()
    return Path(text).resolve() if text else None


def _scanner() -> Scanner | None:
    try:
        return Scanner.of((os.environ.get("PARTITUR_SCANNER") or "").strip())
    except ScannerError as error:
        raise SettingsError(str(error)) from error


def _mask() -> str:
    text = os.environ.get("PARTITUR_MASK") or ""
    try:
        Masking.of(text)
    except MaskError as error:
        raise SettingsError(str(error)) from error
    return text
