"""A provider of identities (OpenID Connect): where it is, what it signs with, and what its tokens are worth.

Everything is found in its discovery document, kept for an hour; its keys are fetched again when a token names one that
is not known. Only asymmetric signatures count: what both sides know signs nothing here.
Sources: OpenID Connect Core 1.0 §3.1.3.7, Discovery 1.0 §4.3, Back-Channel Logout 1.0 §2.6; RFC 8725, RFC 9068.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""What a provider may sign with."""
LEEWAY = 30
"""Seconds by which clocks may differ."""
KEPT = 3_600.0
"""Seconds after which the discovery document and the keys are fetched again."""
AGAIN = 10.0
"""Seconds that have to pass before they are fetched again because a key is unknown: anybody can name unknown keys."""
PATIENCE = 10.0
"""Seconds that a provider has to answer."""
LARGEST = 1024 * 1024
PLAINLY = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Nothing is unpacked: a little of what is packed may be much more than `LARGEST`."""
LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderTrouble(Exception):
    """The provider does not answer, or not as a provider does."""


class Untrusted(Exception):
    """A token is not what it should be: of somebody else, for somebody else, too old, or changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What this server is to a provider, and what it takes from its tokens."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    """What people are called here; who has none is called by the mail address."""
    groups_claim: str = "groups"
    """Which groups they are in; dots lead into objects (`realm_access.roles`)."""
    domains: tuple[str, ...] = ()
    """Domains of the verified mail addresses that may come in; empty: any."""
    audience: str = ""
    """What access tokens of programs must be made for; empty: they are not taken."""
    label: str = ""
    acr: tuple[str, ...] = ()
    """How strong a log-in must have been, in the provider's words (`acr`), one of these; empty: any."""

    @property
    def shown(self) -> str:
        """What people know the provider by."""
        return self.label or urlsplit(self.issuer).netloc


@dataclass(slots=True)
class Provider:
    """One provider, as this process knows it. Safe for threads."""

    registration: Registration
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _metadata: dict[str, Any] | None = None
    _metadata_at: float = 0.0
    _keys: list[Mapping[str, Any]] = field(default_factory=list)
    _keys_at: float | None = None

    def metadata(self) -> Mapping[str, Any]:
        """What the provider says about itself. Raises ProviderTrouble."""
        with self._lock:
            return self._discovered()

    def of_login(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that answers our own request. Raises Untrusted, ProviderTrouble."""
        ours = self.registration.client_id
        claims = self._claims(token, ours, ("sub", "iat"))
        if claims.get("nonce") != nonce:
            raise Untrusted("it answers another request")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else ours) != ours:
            raise Untrusted("it was made for another client")
        return claims

    def of_program(self, token: str) -> dict[str, Any]:
        """The claims of an access token that a program shows. Raises Untrusted, ProviderTrouble."""
        if not self.registration.audience:
            raise Untrusted("no audience is set")
        claims = self._claims(token, self.registration.audience, ("sub",))
        if "nonce" in claims or LOGGED_OUT in _events(claims):
            # An ID token or a logout token, which other servers see, too.
            raise Untrusted("it is no access token")
        return claims

    def of_logout(self, token: str) -> dict[str, Any]:
        """The claims of a token by which the provider ends a session. Raises Untrusted, ProviderTrouble."""
        claims = self._claims(token, self.registration.client_id, ("iat", "jti"))
        if LOGGED_OUT not in _events(claims) or "nonce" in claims:
            raise Untrusted("it is no logout token")
        if not any(isinstance(claims.get(name), str) for name in ("sub", "sid")):
            raise Untrusted("it does not say whose session is over")
        return claims

    def issued(self, token: str) -> bool:
        """Whether a token says that it is of this provider; nothing is checked."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return False
        return claims.get("iss") == self.registration.issuer

    def user_info(self, access_token: str, subject: str) -> Mapping[str, Any]:
        """What the provider tells beyond the ID token; nothing, if it does not. Raises ProviderTrouble."""
        address = self.metadata().get("userinfo_endpoint")
        if not isinstance(address, str):
            return {}
        found = _fetched(address, {"Authorization": f"Bearer {access_token}"})
        # OpenID Connect Core §5.3.2: what is of another subject must not be used.
        return found if found.get("sub") == subject else {}

    def _claims(self, token: str, audience: str, needed: Sequence[str]) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise Untrusted("its signature is of a kind that proves nothing")
            keys = self._keys_for(header)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise Untrusted("it is no token") from error
        trouble = "it is signed with an unknown key"
        for key in keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token, key, algorithms=[header["alg"]], audience=audience, issuer=self.registration.issuer,
                    leeway=LEEWAY, options={"require": ["iss", "aud", "exp", *needed]})
                return claims
            except jwt.InvalidSignatureError:
                trouble = "its signature is wrong"
            except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
                raise Untrusted(_why(error)) from error
        raise Untrusted(trouble)

    def _keys_for(self, header: Mapping[str, Any]) -> list[jwt.PyJWK]:
        if self._keys_older_than(KEPT):
            self._renew_keys(KEPT, wait=not self._keys)
        found = self._fitting(header)
        if not found and self._keys_older_than(AGAIN):
            self._renew_keys(AGAIN, wait=True)
            found = self._fitting(header)
        return found

    def _fitting(self, header: Mapping[str, Any]) -> list[jwt.PyJWK]:
        found = []
        for each in self._keys:
            if each.get("use", "sig") != "sig" or header.get("kid", each.get("kid")) != each.get("kid"):
                continue
            if each.get("alg", header["alg"]) != header["alg"]:
                continue
            try:
                found.append(jwt.PyJWK(dict(each), header["alg"]))
            except (jwt.InvalidTokenError, jwt.PyJWKError, ValueError, TypeError):
                continue    # a kind of key that does not sign so
        return found

    def _keys_older_than(self, seconds: float) -> bool:
        return self._keys_at is None or self.clock() - self._keys_at >= seconds

    def _renew_keys(self, seconds: float, wait: bool) -> None:
        """Fetch the keys, unless another thread does, or just did. Raises ProviderTrouble if there are none at all."""
        if not self._lock.acquire(timeout=PATIENCE if wait else 0):
            return
        try:
            if self._keys_older_than(seconds):
                self._fetch_keys()
        finally:
            self._lock.release()

    def _fetch_keys(self) -> None:
        try:
            keys = _fetched(str(self._discovered()["jwks_uri"])).get("keys")
        except ProviderTrouble:
            if not self._keys:
                raise
            keys = self._keys   # those that were known may still do
        self._keys = [each for each in keys if isinstance(each, dict)] if isinstance(keys, list) else []
        self._keys_at = self.clock()

    def _discovered(self) -> dict[str, Any]:
        if self._metadata is not None and self.clock() - self._metadata_at < KEPT:
            return self._metadata
        issuer = self.registration.issuer
        try:
            found = dict(_fetched(issuer.rstrip("/") + "/.well-known/openid-configuration"))
            if found.get("issuer") != issuer:
                raise ProviderTrouble(f"it calls itself {str(found.get('issuer'))[:200]!r} and not {issuer!r}")
            for name in NEEDED:
                if not is_safe_address(str(found.get(name, ""))):
                    raise ProviderTrouble(f"its {name} is not an address that begins with https://")
        except ProviderTrouble:
            if self._metadata is None:
                raise
            found = self._metadata      # yesterday's is better than none
        self._metadata, self._metadata_at = found, self.clock()
        return found


def is_safe_address(address: str) -> bool:
    """Whether nobody on the way can read or change what is sent there: https, or this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by names with dots between them that lead into objects."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def groups_of(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The groups that a claim names: a list, or one as a text. The claims of OAuth have spaces between them."""
    found = claim(claims, path)
    if isinstance(found, str):
        return tuple(found.split()) if path in {"scope", "scp"} else (found,)
    return tuple(str(each) for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _events(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    events = claims.get("events")
    return events if isinstance(events, dict) else {}


def _fetched(address: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    try:
        with httpx.stream("GET", address, headers={**PLAINLY, **(headers or {})},
                          timeout=PATIENCE, follow_redirects=False) as answer:
            content = b""
            for piece in answer.iter_raw():
                content += piece
                if len(content) > LARGEST:
                    raise ProviderTrouble("its answer is too large")
        if answer.status_code != 200:
            raise ProviderTrouble(f"it answered {answer.status_code}")
        found = httpx.Response(200, content=content).json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderTrouble("it does not answer") from error
    except (ValueError, RecursionError) as error:
        raise ProviderTrouble("its answer is no JSON") from error
    if not isinstance(found, dict):
        raise ProviderTrouble("its answer is no JSON object")
    return found


def _why(error: Exception) -> str:
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (jwt.ExpiredSignatureError, "it has expired"),
        (jwt.ImmatureSignatureError, "it is of the future"),
        (jwt.InvalidIssuedAtError, "it is of the future"),
        (jwt.InvalidAudienceError, "it was made for somebody else"),
        (jwt.InvalidIssuerError, "it was made by somebody else"),
        (jwt.MissingRequiredClaimError, "something is missing in it"),
    )
    return next((said for kind, said in reasons if isinstance(error, kind)), "it is no token")
