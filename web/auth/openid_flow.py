"""The authorization code flow with PKCE, by Authlib; nothing else knows of it.

It is imported where a provider is set only: with requests, it takes as long as Flask.
Sources: OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9700.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from requests.exceptions import RequestException

from web.auth.openid import PATIENCE, Provider, ProviderTrouble

WAYS = ("client_secret_basic", "client_secret_post")
"""How we show our secret, the best first."""


class Denied(Exception):
    """The provider gives no token; in its own words."""


def address(provider: Provider, back: str, *, state: str, nonce: str, verifier: str, again: bool = False) -> str:
    """Where the browser shows the provider who it is; it is sent `back` from there. Raises ProviderTrouble.

    `again`: even if it did so before (OpenID Connect Core 1.0 §3.1.2.1).
    """
    metadata = provider.metadata()
    strength = " ".join(provider.registration.acr)
    more = {"acr_values": strength} if strength else {}
    if again:
        more |= {"prompt": "login", "max_age": "0"}
    with _client(provider, metadata, back) as client:
        made, _state = client.create_authorization_url(
            metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier,
            **more)
    return str(made)


def tokens(provider: Provider, back: str, *, code: str, verifier: str) -> Mapping[str, Any]:
    """The tokens for a code. Raises Denied, ProviderTrouble."""
    metadata = provider.metadata()
    try:
        with _client(provider, metadata, back) as client:
            found: Mapping[str, Any] = client.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier,
                timeout=PATIENCE, allow_redirects=False)
    except AuthlibBaseError as error:
        raise Denied(str(error.description or error.error)) from error
    except (RequestException, ValueError) as error:
        raise ProviderTrouble("it does not give a token") from error
    return found


def _client(provider: Provider, metadata: Mapping[str, Any], back: str) -> OAuth2Session:
    known = provider.registration
    ways = metadata.get("token_endpoint_auth_methods_supported") or WAYS[:1]
    way = next((each for each in WAYS if each in ways), WAYS[0])
    return OAuth2Session(
        known.client_id, known.client_secret or None, scope=" ".join(known.scopes), redirect_uri=back,
        code_challenge_method="S256", token_endpoint_auth_method=way if known.client_secret else "none")
