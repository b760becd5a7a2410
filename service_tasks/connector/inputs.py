"""The fields of the REST outbound connector's element template, as far as they are inputs.

Source: camunda/connectors, `connectors/http/rest/element-templates`, template `io.camunda.connectors.HttpJson.v2`,
versions 1 to 12.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that act once however often they are called (RFC 9110 §9.2.2)."""
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

Method = Annotated[
    Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]
Text = Annotated[str, Field(min_length=1)]


class _Fields(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class NoAuthentication(_Fields):
    """The request carries no credentials."""

    type: Literal["noAuth"]


class Basic(_Fields):
    """HTTP Basic (RFC 7617)."""

    type: Literal["basic"]
    username: str = ""
    password: str = ""


class Bearer(_Fields):
    """A bearer token (RFC 6750)."""

    type: Literal["bearer"]
    token: Text


class ApiKey(_Fields):
    """A key in a header or a query parameter."""

    type: Literal["apiKey"]
    api_key_location: Literal["headers", "query"] = "headers"
    name: Text
    value: Text


class OAuth(_Fields):
    """A token that is asked for first: OAuth 2.0, client credentials (RFC 6749 §4.4)."""

    type: Literal["oauth-client-credentials-flow"]
    oauth_token_endpoint: Text
    client_id: Text
    client_secret: Text
    audience: str | None = None
    client_authentication: Literal["basicAuthHeader", "credentialsBody"] = "basicAuthHeader"
    scopes: str | None = None


Authentication = Annotated[NoAuthentication | Basic | Bearer | ApiKey | OAuth, Field(discriminator="type")]
AUTHENTICATION_TYPES = ("noAuth", "basic", "bearer", "apiKey", "oauth-client-credentials-flow")


class Inputs(_Fields):
    """All fields, with the references to secrets resolved."""

    method: Method
    url: Text
    authentication: Authentication | None = None
    headers: dict[str, Any] | None = None
    query_parameters: dict[str, Any] | None = None
    body: Any = None
    connection_timeout_in_seconds: Annotated[int, Field(ge=0)] = 20
    read_timeout_in_seconds: Annotated[int, Field(ge=0)] | None = None
    skip_encoding: bool = False
    ignore_null_values: bool = False
    store_response: bool = False
    follow_redirects: bool = False
