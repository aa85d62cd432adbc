"""What OAuth clients are told: the gateway as a protected resource (RFC 9728), and the way to its issuers. Pure.

The gateway is a resource server. Where an issuer needs help to get along with MCP clients, the gateway stands
before its authorization server: it names its own addresses for authorization, tokens and registration, and
changes in what passes only what that product cannot take. It holds no client's secret and gives no consent.
Above: `challenge.py`, `gateway/oauth.py`.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from ..core.rawjson import Fields, encode, join, raw, value
from .discovery import Metadata
from .jwt_settings import JwtIssuer

RESOURCE = "/.well-known/oauth-protected-resource"
AUTHORIZE, TOKEN, REGISTER = "/oauth/authorize", "/oauth/token", "/oauth/register"
MAX_FORM = 64 * 1024
"""Bytes of a query or form that passes."""
MAX_PARAMETERS = 64

_SAFE_PATH = "/:@!$&'()*+,;=-._~%"


class OAuth:
    """What is said of the issuers of a manifest. `public_url`: the gateway's own; empty: what the Host header says."""

    def __init__(self, issuers: Sequence[JwtIssuer], public_url: str) -> None:
        self.issuers = tuple(issuers)
        self._public_url = public_url
        self.scopes = tuple(dict.fromkeys(scope for issuer in issuers for scope in issuer.offered_scopes))

    @property
    def adapted(self) -> JwtIssuer | None:
        """The issuer before which the gateway stands: the first one that needs it."""
        return next((issuer for issuer in self.issuers if issuer.adapted), None)

    def asked_as(self, scope: str) -> str:
        """How one asks for a scope of a token: Entra's say `mcp.tools` where one asks for `api://CLIENT/mcp.tools`."""
        if scope in self.scopes:
            return scope
        return next((offered for offered in self.scopes if offered.endswith(f"/{scope}")), scope)

    def base(self, host: str) -> str:
        """The gateway's URL, without a slash at its end, as this client knows it."""
        return self._public_url or f"http://{host}"

    def metadata_url(self, host: str, path: str) -> str:
        """Where the metadata of the resource at `path` is."""
        suffix = "" if path == "/" else quote(path, safe=_SAFE_PATH)
        return f"{self.base(host)}{RESOURCE}{suffix}"

    def resource(self, host: str, path: str) -> bytes:
        """The metadata of the resource at `path`, exactly as the client writes it (RFC 9728 section 3)."""
        adapted = self.adapted
        servers = [self.base(host) if issuer is adapted else issuer.issuer for issuer in self.issuers]
        document: dict[str, Any] = {
            "resource": f"{self.base(host)}{quote(path, safe=_SAFE_PATH)}",
            "authorization_servers": servers,
            "bearer_methods_supported": ["header"],
            "resource_name": "fedgate",
        }
        if self.scopes:
            document["scopes_supported"] = self.scopes
        return encode(document)

    def server(self, host: str, metadata: Metadata) -> bytes:
        """The description of the authorization server, for clients that look for it here.

        An issuer that needs no help is described in its own words and under its own name.
        """
        issuer = self.adapted
        if issuer is None or metadata.issuer != issuer.issuer:
            return join(metadata.members)
        base = self.base(host)
        own: Fields = {
            "issuer": raw(base),
            "authorization_endpoint": raw(base + AUTHORIZE),
            "token_endpoint": raw(base + TOKEN),
            "code_challenge_methods_supported": raw(["S256"]),
        }
        if issuer.client_id is not None or metadata.registration_endpoint:
            own["registration_endpoint"] = raw(base + REGISTER)
        if issuer.client_id is not None:
            own["token_endpoint_auth_methods_supported"] = raw(["none"])
        # The issuer answers under its own name, and would be taken for somebody else (RFC 9207).
        dropped = ("authorization_response_iss_parameter_supported", "signed_metadata")
        return join({**{name: part for name, part in metadata.members.items() if name not in dropped}, **own})


def passed_on(issuer: JwtIssuer, form: bytes) -> bytes:
    """A query or form of a client as the issuer takes it. Raises `ValueError`.

    Entra knows scopes in place of `resource` and refuses a request that has one; Auth0 gives tokens that can be
    verified only for an `audience`.
    """
    if len(form) > MAX_FORM:
        raise ValueError("too long")
    given = parse_qsl(
        form.decode("ascii"), keep_blank_values=True, strict_parsing=bool(form), max_num_fields=MAX_PARAMETERS
    )
    pairs = [pair for pair in given if not (issuer.provider == "entra" and pair[0] == "resource")]
    if issuer.provider == "auth0" and not any(name == "audience" for name, _ in pairs):
        pairs.append(("audience", issuer.audiences[0]))
    return urlencode(pairs).encode()


def registered(client_id: str, body: bytes) -> bytes:
    """The answer to a client that registers (RFC 7591), which is given the client that exists. Raises `ValueError`."""
    asked = value(body)
    if not isinstance(asked, dict) or not _is_list_of_text(asked.get("redirect_uris")):
        raise ValueError("no registration")
    kept = ("redirect_uris", "client_name", "grant_types", "response_types", "scope")
    return encode(
        {
            **{name: asked[name] for name in kept if name in asked},
            "client_id": client_id,
            "token_endpoint_auth_method": "none",
        }
    )


def _is_list_of_text(given: object) -> bool:
    return isinstance(given, list) and 0 < len(given) <= MAX_PARAMETERS and all(isinstance(each, str) for each in given)
