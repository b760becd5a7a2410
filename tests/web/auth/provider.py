"""A provider of identities (OpenID Connect) with a log-in page. Clients, codes, secrets and PKCE are Authlib's.

Tests let it lie: `mend` gets the header and the claims of each ID token before it is signed.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

import jwt
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, redirect, request, session
from werkzeug.serving import make_server

CLIENT, SECRET = "partitur", "the secret of the client"
PASSWORD = "provider's password"


@dataclass
class Client(ClientMixin):
    """Our server, as the provider knows it."""

    secret: str = SECRET
    redirects: tuple[str, ...] = ()

    def get_client_id(self):
        return CLIENT

    def get_default_redirect_uri(self):
        return self.redirects[0]

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri.endswith("/login/provider/answer")

    def check_client_secret(self, client_secret):
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code."""

    code: str
    user: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return None

    def get_acr(self):
        return None

    def get_amr(self):
        return None


class Provider:
    """The provider; `people` are those who can log in, with what it tells of them."""

    def __init__(self):
        self.app = Flask(__name__)
        self.app.secret_key = "of the provider"
        self.app.config["SESSION_COOKIE_NAME"] = "provider"
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._server = AuthorizationServer(self.app, lambda client_id: Client() if client_id == CLIENT else None,
                                           lambda token, request: None)
        self._grants()
        self._routes()
        self.reset()

    def reset(self):
        """As at the beginning; the keys are new."""
        self.people = {"ann": {"preferred_username": "ann", "email": "ann@example.org", "email_verified": True,
                               "groups": ["accounting"]}}
        self.info = {}
        self.codes, self.asked, self.tokens, self.ended = {}, [], {}, []
        self.mend = lambda header, claims: None
        self.sign = None
        self.metadata = {}
        self.away = set()
        self.shown_at = {}
        self.rotate()

    def rotate(self, keep=False):
        """A new key to sign with; with `keep`, those before it still count."""
        key, kid = ec.generate_private_key(ec.SECP256R1()), uuid.uuid4().hex
        public = {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
        self.key, self.kid, self.public = key, kid, [public, *(self.public if keep else [])]

    def start(self):
        self._thread.start()

    def stop(self):
        self.server.shutdown()
        self._thread.join()

    def token(self, claims, header=None, key=None, algorithm="ES256"):
        """A token that it signed."""
        now = int(time.time())
        full = {"iss": self.url, "iat": now, "exp": now + 300, "sub": "ann-1", **claims}
        return jwt.encode({name: value for name, value in full.items() if value is not None}, key or self.key,
                          algorithm, headers={"kid": self.kid, **(header or {})})

    def id_token(self, code):
        header = {"kid": self.kid}
        claims = {"iss": self.url, "aud": CLIENT, "sub": f"{code.user}-1", "iat": int(time.time()), "sid": "s-1",
                  "exp": int(time.time()) + 300, "nonce": code.nonce, "auth_time": self.shown_at.get(code.user),
                  **self.people[code.user]}
        self.mend(header, claims)
        if self.sign:
            return self.sign(header, claims)
        return jwt.encode(claims, self.key, "ES256", headers=header)

    def _grants(self):
        provider = self

        class Grant(grants.AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

            def save_authorization_code(self, code, request):
                data = request.payload.data
                provider.codes[code] = Code(code, request.user, request.payload.redirect_uri, request.payload.scope,
                                            data.get("nonce"), data.get("code_challenge"),
                                            data.get("code_challenge_method"))

            def query_authorization_code(self, code, client):
                return provider.codes.get(code)

            def delete_authorization_code(self, authorization_code):
                del provider.codes[authorization_code.code]

            def authenticate_user(self, authorization_code):
                return authorization_code.user

        class IdTokens(OpenIDCode):
            def exists_nonce(self, nonce, request):
                return False

            def encode_id_token(self, token, request):
                provider.tokens[token["access_token"]] = request.authorization_code.user
                return provider.id_token(request.authorization_code)

        self._server.register_grant(Grant, [CodeChallenge(required=True), IdTokens(require_nonce=True)])

    def _routes(self):
        @self.app.before_request
        def away():
            if request.endpoint in self.away:
                return "<html>Bad gateway</html>", 502

        @self.app.get("/.well-known/openid-configuration")
        def discovery():
            return {"issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
                    "userinfo_endpoint": f"{self.url}/me", "end_session_endpoint": f"{self.url}/end",
                    "id_token_signing_alg_values_supported": ["ES256", "none"], **self.metadata}

        @self.app.get("/keys")
        def keys():
            self.asked.append("keys")
            return {"keys": self.public}

        @self.app.route("/authorize", methods=["GET", "POST"])
        def authorize():
            if request.method == "POST" and request.form.get("password") == PASSWORD:
                session["user"] = request.form["name"]
                self.shown_at[session["user"]] = int(time.time())
            user = session.get("user")
            if request.method == "GET" and request.args.get("prompt") == "login":
                user = None
            if request.form.get("deny"):
                back = {"error": "access_denied", "error_description": "They <b>said</b> no.",
                        "state": request.args["state"]}
                return redirect(f"{request.args['redirect_uri']}?{urlencode(back)}")
            if user not in self.people:
                return """<!doctype html><title>Provider</title><form method="post">
                          <input name="name" aria-label="Name">
                          <input name="password" type="password" aria-label="Password"><button>Sign in</button>
                          <button name="deny" value="yes">Deny</button></form>"""
            grant = self._server.get_consent_grant(end_user=user)
            return self._server.create_authorization_response(grant=grant, grant_user=user)

        @self.app.post("/token")
        def token():
            return self._server.create_token_response()

        @self.app.get("/me")
        def me():
            user = self.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
            return {"sub": f"{user}-1", **self.info}

        @self.app.get("/end")
        def end():
            self.ended.append(request.args.to_dict())
            session.clear()
            return redirect(request.args["post_logout_redirect_uri"])
