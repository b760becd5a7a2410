"""What the environment says about who may come in: a provider of identities, how long sessions last, limits."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

from web.auth.access import Access
from web.auth.accessfile import AccessFile
from web.auth.demand import Demand, DemandError
from web.auth.limits import DEFAULTS, LimitError, Limits
from web.auth.openid import Provider, Registration, is_safe_address
from web.auth.sessions import Policy
from web.cli.settings import Settings, SettingsError

ISSUER, CLIENT_ID, AUDIENCE = "PARTITUR_OIDC_ISSUER", "PARTITUR_OIDC_CLIENT_ID", "PARTITUR_OIDC_AUDIENCE"
HOURS, MINUTES = "PARTITUR_SESSION_HOURS", "PARTITUR_SESSION_IDLE_MINUTES"
LONGEST_HOURS = 24 * 7


def access_of(settings: Settings, key: str) -> Access:
    """Who may come in. `key` signs access tokens. Raises SettingsError."""
    known = registration()
    return Access(AccessFile(settings.access_file), key, limits=limits(), policy=policy(), breached=breached(),
                  demand=demand(), provider=Provider(known) if known else None)


def registration() -> Registration | None:
    """What PARTITUR_OIDC_… say of a provider; None without one. Raises SettingsError."""
    issuer = _said(ISSUER)
    if not issuer:
        others = sorted(name for name, value in os.environ.items() if name.startswith("PARTITUR_OIDC_") and value)
        if others:
            raise SettingsError(f"Expected {ISSUER} beside {others[0]}, but it is missing.")
        return None
    if not is_safe_address(issuer) or "?" in issuer or "#" in issuer:
        raise SettingsError(f"Expected {ISSUER} to be the address of a provider that begins with https://, but found "
                            f"{issuer!r}.")
    client_id, audience = _said(CLIENT_ID), _said(AUDIENCE)
    if not client_id:
        raise SettingsError(f"Expected {CLIENT_ID} beside {ISSUER}, but it is missing.")
    if audience == client_id:
        raise SettingsError(f"Expected {AUDIENCE} to be another one than {CLIENT_ID}, but they are the same: what a "
                            "browser shows at its log-in would pass for the access token of a program.")
    usual = Registration(issuer=issuer, client_id=client_id)
    scopes = tuple(_words("PARTITUR_OIDC_SCOPES")) or usual.scopes
    if "openid" not in scopes:
        raise SettingsError("Expected PARTITUR_OIDC_SCOPES to have the scope openid, but it has not.")
    return Registration(
        issuer=issuer, client_id=client_id, client_secret=_said("PARTITUR_OIDC_CLIENT_SECRET"), scopes=scopes,
        name_claim=_said("PARTITUR_OIDC_NAME_CLAIM") or usual.name_claim,
        groups_claim=_said("PARTITUR_OIDC_GROUPS_CLAIM") or usual.groups_claim,
        domains=tuple(each.lower().removeprefix("@") for each in _words("PARTITUR_OIDC_DOMAINS")),
        audience=audience, label=_said("PARTITUR_OIDC_LABEL"), acr=tuple(_words("PARTITUR_OIDC_ACR")),
    )


def limits() -> Limits:
    """What PARTITUR_LIMIT_LOGIN, …_TOKEN and …_REQUESTS say, counted where PARTITUR_LIMIT_STORAGE says.

    Raises SettingsError.
    """
    try:
        return Limits.of({kind: _said(f"PARTITUR_LIMIT_{kind.upper()}") for kind in DEFAULTS},
                         _said("PARTITUR_LIMIT_STORAGE"))
    except LimitError as error:
        raise SettingsError(str(error)) from error


def policy() -> Policy:
    """How long sessions last. Raises SettingsError."""
    usual = Policy()
    lasts = timedelta(hours=_number(HOURS, LONGEST_HOURS, usual.lasts // timedelta(hours=1)))
    idle = timedelta(minutes=_number(MINUTES, LONGEST_HOURS * 60, usual.idle // timedelta(minutes=1)))
    return Policy(lasts=lasts, idle=min(idle, lasts))


def demand() -> Demand:
    """Of whom a second factor is demanded. Raises SettingsError."""
    try:
        return Demand.of(each.lower() for each in _words("PARTITUR_SECOND_FACTOR"))
    except DemandError as error:
        raise SettingsError(f"{str(error).removesuffix('.')} in PARTITUR_SECOND_FACTOR.") from error


def breached() -> Path | None:
    """The list of passwords that nobody may take. Raises SettingsError."""
    text = _said("PARTITUR_BREACHED_PASSWORDS")
    if text and not Path(text).is_file():
        raise SettingsError(f"Expected PARTITUR_BREACHED_PASSWORDS to be a file, but there is none at {text!r}.")
    return Path(text) if text else None


def public_url() -> str:
    """Where people reach the console, if not where it listens. Raises SettingsError."""
    url = _said("PARTITUR_PUBLIC_URL").rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise SettingsError(f"Expected PARTITUR_PUBLIC_URL to begin with https:// or http://, but found {url!r}.")
    return url


def strict_transport() -> str | None:
    """What PARTITUR_HSTS lets browsers insist on: empty is nothing, None the usual. Raises SettingsError."""
    text = _said("PARTITUR_HSTS")
    if text.lower() in ("", "off"):
        return "" if text else None
    if not re.fullmatch(r"max-age=[0-9]{1,10}(; *includeSubDomains)?(; *preload)?", text):
        raise SettingsError("Expected PARTITUR_HSTS to be off or a value such as 'max-age=31536000; "
                            f"includeSubDomains', but found {text!r}.")
    return text


def proxies() -> int:
    """How many proxies stand before the server, each of which adds to X-Forwarded-For. Raises SettingsError."""
    return _number("PARTITUR_PROXIES", 10, 0, least=0)


def _number(name: str, most: int, usual: int, least: int = 1) -> int:
    text = _said(name)
    if not text:
        return usual
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(f"Expected {name} to be a number from {least} to {most}, but found {text!r}.")
    return int(text)


def _words(name: str) -> list[str]:
    return _said(name).replace(",", " ").split()


def _said(name: str) -> str:
    return (os.environ.get(name) or "").strip()
