"""Decides whether what somebody shows is right: a password, a token, or an access token made from one of them."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import jwt

from engine import second_factors
from engine.engine import Engine
from engine.sessions import Session
from web.auth import secrets
from web.auth.accessfile import AccessFile, AccessFileError, Content, Token, checked_name
from web.auth.demand import Demand
from web.auth.hosts import is_loopback
from web.auth.identity import Identity, person_of
from web.auth.last_uses import LastUses
from web.auth.limits import Limits
from web.auth.openid import Provider, Untrusted, claim, groups_of
from web.auth.roles import Permission, permissions_in
from web.auth.sessions import Policy
from web.auth.throttle import Throttle

LIFETIME = 3_600
"""Seconds that an access token is good for."""
ISSUER = "partitur"
"""Who makes access tokens, and for whom: this server alone."""
ALGORITHM = "HS256"


class Wrong(Exception):
    """What was shown is not right, or no longer."""


class SecondStep(Wrong):
    """A password where nothing else is asked for, of somebody who needs a second factor."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Expected the token of a program, but found the password of {name!r}, who comes in by the "
                         "log-in page only, with a second factor.")


class Unprotected(Exception):
    """Others could reach a server at which nobody has to log in."""


class TooOften(Exception):
    """Too many wrong tries; `seconds` have to pass before the next one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Expected fewer wrong tries; the next one may be made in {int(seconds) + 1} seconds.")
        self.seconds = int(seconds) + 1


@dataclass(slots=True)
class Access:
    """Who may come in, by a file and perhaps a provider of identities; `key` signs access tokens."""

    file: AccessFile
    key: str
    throttle: Throttle = field(default_factory=Throttle)
    limits: Limits = field(default_factory=Limits.of)
    policy: Policy = field(default_factory=Policy)
    provider: Provider | None = None
    """Where people and programs may be known, too (OpenID Connect)."""
    breached: Path | None = None
    """A list of passwords that nobody may take (`web.auth.breached`)."""
    demand: Demand = field(default_factory=Demand)
    """Of whom a second factor is demanded."""
    engine: Engine | None = None
    """Whose database has the second factors; without one, nobody has any."""
    last_uses: LastUses = field(default_factory=LastUses)
    _remembered: secrets.Remembered = field(default_factory=secrets.Remembered)

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked who they are. Raises AccessFileError."""
        return self.provider is None and self.file.read().is_empty

    @property
    def has_users(self) -> bool:
        """Whether anybody has a password here. Raises AccessFileError."""
        return bool(self.file.read().users)

    def is_user(self, name: str) -> bool:
        """Whether it is a person of this server, and no token. Raises AccessFileError."""
        return name in self.file.read().users

    def by_password(self, name: str, password: str, address: str) -> Identity:
        """Who comes in with this password and nothing else, or the program whose token was given as one.

        Raises Wrong, SecondStep, TooOften.
        """
        identity = self.known(name, password, address)
        if self.asks_for_factor(identity):
            raise SecondStep(identity.name)
        return identity

    def known(self, name: str, password: str, address: str) -> Identity:
        """The user with this password, or the program whose token was given as one. Raises Wrong, TooOften.

        Whoever lets somebody in by that has to see to the second factor (`asks_for_factor`).
        """
        content = self.file.read()
        user = content.users.get(name)
        if user and self._remembered.knows(name, password, user.password):
            return content.identity(name, user)
        token = content.tokens.get(name)
        if token and secrets.same(secrets.digest_of(password), token.digest) and not token.is_over:
            return content.identity(name, token)
        # Counted before it is looked at, so that tries made at the same time count, too.
        seconds = self.throttle.begin(address, name)
        if seconds > 0:
            raise TooOften(seconds)
        if not secrets.fits(password, user.password if user else None) or user is None:
            raise Wrong("Expected a name and its password, but they do not belong together.")
        identity = content.identity(name, user)
        if self.asks_for_factor(identity):
            # Wrong codes count until one is right: a password that is known must not let anybody guess on.
            self.throttle.half_succeeded(address, name)
        else:
            self.throttle.succeeded(address, name)
        self._remembered.add(name, password, user.password)
        return identity

    def asks_for_factor(self, identity: Identity) -> bool:
        """Whether a password is not enough for this user: there is a second factor, or has to be one.

        Raises AccessFileError, Unavailable.
        """
        return not identity.is_program and (self.demands_factor(identity) or (
            self.engine is not None and second_factors.is_there(self.engine, identity.name)))

    def demands_factor(self, identity: Identity) -> bool:
        """Whether this user has to have a second factor. Raises AccessFileError."""
        user = self.file.read().users.get(identity.name)
        return user is not None and (user.second_factor or self.demand.is_for(identity))

    def by_bearer(self, shown: str) -> Identity:
        """The program that a token or an access token belongs to. Raises Wrong, ProviderTrouble."""
        content = self.file.read()
        if self.provider and not shown.startswith(secrets.TOKEN_PREFIX) and self.provider.issued(shown):
            return self._of_provider_token(self.provider, shown)
        is_token = shown.startswith(secrets.TOKEN_PREFIX)
        found = _owner(content, shown) if is_token else self._of_access_token(shown)
        if found is None:
            # No throttle: nobody guesses 256 bits, and a worker whose token has expired must not lock out others.
            raise Wrong("Expected a token that is known and not expired, but this one is not.")
        return found

    def access_token(self, name: str, secret: str, address: str, audience: str | None,
                     scope: Iterable[Permission] = ()) -> str:
        """An access token for a program (or a user) that shows its secret; for these permissions only, if any.

        Raises Wrong, TooOften.
        """
        identity = self.by_password(name, secret, address)
        now = int(time.time())
        # For this server, whatever else a client wants to see.
        claims = {"iss": ISSUER, "sub": identity.name, "iat": now, "exp": now + LIFETIME, "aud": [ISSUER, *filter(
            None, [audience])], "jti": random.token_urlsafe(9), "stamp": self.stamp(identity.name)}
        more = {"scope": " ".join(scope)}
        return jwt.encode(claims | {name: value for name, value in more.items() if value}, self._signing_key, ALGORITHM)

    def still(self, name: str, stamp: str) -> Identity | None:
        """The owner of something made earlier, unless the owner is gone or has another password since."""
        content = self.file.read()
        known = content.users.get(name) or content.tokens.get(name)
        if isinstance(known, Token) and known.is_over:
            return None
        return content.identity(name, known) if known and secrets.same(self.stamp(name), stamp) else None

    def of_session(self, row: Session) -> Identity | None:
        """Whose session it is, unless the user is gone, has another password since, or the provider is another."""
        if row.issuer is None:
            found = self.still(row.name, row.stamp) if self.is_user(row.name) else None
            needed = row.has_factor or (found is not None and self.demands_factor(found))
            return None if needed and not row.with_factor else found
        if self.provider is None or self.provider.registration.issuer != row.issuer:
            return None
        found = self.known_elsewhere(row.name, row.groups)
        return found and replace(found, person=person_of(row.issuer, row.subject or ""))

    def known_elsewhere(self, name: str, groups: Iterable[str]) -> Identity | None:
        """Somebody of whom the provider tells; None if that is the name of a user or token of ours."""
        content = self.file.read()
        if name in content.users or name in content.tokens:
            return None
        kept = tuple(groups)
        return Identity(name, kept, content.of_groups(kept))

    def stamp(self, name: str) -> str:
        """What changes when the password or token of somebody changes."""
        content = self.file.read()
        user, token = content.users.get(name), content.tokens.get(name)
        return secrets.digest_of(f"{user and user.password}\0{token and token.digest}")[:16]

    def _of_provider_token(self, provider: Provider, shown: str) -> Identity:
        try:
            claims = provider.of_program(shown)
        except Untrusted as error:
            raise Wrong(f"Expected a token of {provider.registration.shown} for this server, but {error}.") from error
        known = provider.registration
        name = next((str(found) for each in (known.name_claim, "azp", "client_id", "sub")
                     if (found := claim(claims, each))), "")
        try:
            found = self.known_elsewhere(checked_name(name), groups_of(claims, known.groups_claim))
        except AccessFileError as error:
            raise Wrong(str(error)) from error
        if found is None:
            raise Wrong(f"Expected a token of somebody who is not known here otherwise, but {name!r} is.")
        return replace(found, is_program=True, person=person_of(known.issuer, str(claims["sub"])))

    def _of_access_token(self, shown: str) -> Identity | None:
        try:
            claims = jwt.decode(shown, self._signing_key, [ALGORITHM], issuer=ISSUER, audience=ISSUER,
                                options={"require": ["exp", "sub", "stamp", "aud"]})
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return None
        found = self.still(str(claims["sub"]), str(claims["stamp"]))
        if found is not None and self.asks_for_factor(found):
            return None     # it was made of a password, before there was a second factor
        return found.narrowed(permissions_in(str(claims["scope"]))) if found and "scope" in claims else found

    @property
    def _signing_key(self) -> str:
        # Not the key itself, which signs sessions: neither may pass for the other.
        return secrets.digest_of(f"access tokens\0{self.key}")


def check_exposure(host: str, access: Access) -> None:
    """Refuse to listen where others reach us as long as everybody would be let in.

    Raises Unprotected, AccessFileError.
    """
    if access.is_open and not is_loopback(host):
        raise Unprotected(
            f"Expected users before this server listens on {host}, where other machines reach it, but there are none: "
            "`partitur users add NAME`, or PARTITUR_OIDC_ISSUER for a provider of identities, or listen on 127.0.0.1."
        )


def _owner(content: Content, token: str) -> Identity | None:
    digest = secrets.digest_of(token)
    found = None
    for name, each in content.tokens.items():
        if secrets.same(each.digest, digest) and not each.is_over:
            found = content.identity(name, each)
    return found
