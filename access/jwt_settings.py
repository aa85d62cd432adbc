"""The `access.jwt` and `access.trusted_proxies` sections: whose tokens count, and what is read out of them.

Values only. Providers are presets of defaults; whatever is written wins over them. Above: `settings.py`,
which composes these; `tokens.py`, `jwks.py` and `oauth_metadata.py`, which act on them.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from ..core.auth_settings import HEADER_PATTERN, Scope, Visible
from ..core.rawjson import encode
from ..core.values import Duration, Refusal, Section, Url, refuse, refuse_all, written
from .jwk import BadKeySet, parse, read_file

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448"
]
"""Signatures that only the issuer can make. There is no `none`, and none whose key the gateway would share."""
ALGORITHMS: tuple[Algorithm, ...] = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519", "Ed448"),
)
Provider = Literal["generic", "keycloak", "auth0", "okta", "entra"]

MAX_ISSUERS = 16
MAX_ENTRIES = 64
"""Audiences, algorithms, networks of one entry."""
MAX_LEEWAY = 300.0
CLAIM_PATTERN = r"^[!-~]{1,256}$"


class Preset(NamedTuple):
    """What a product does its own way."""

    groups: str = "groups"
    subject: str = "sub"
    scopes: tuple[str, ...] = ("scope", "scp")
    keys: str = ""
    """The path of its keys below the issuer, where they need not be discovered."""
    adapted: bool = False
    """Clients that follow the MCP authorization spec do not get along with it unaided: see `oauth_metadata.py`."""


PRESETS: dict[Provider, Preset] = {
    "generic": Preset(),
    "keycloak": Preset(groups="realm_access.roles", keys="/protocol/openid-connect/certs"),
    "auth0": Preset(groups="permissions", keys=".well-known/jwks.json", adapted=True),
    "okta": Preset(scopes=("scp", "scope"), keys="/v1/keys"),
    "entra": Preset(groups="roles", subject="oid", scopes=("scp",), adapted=True),
}


def _some(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise refuse(f"must have 1 to {MAX_ENTRIES} entries", "an empty list would accept nothing")
    return entries


def _issuer(text: str) -> str:
    if "?" in text:
        raise refuse("must not carry a query", "write it exactly as the tokens' iss claim does")
    return text


def _claim(text: str) -> str:
    if not re.fullmatch(CLAIM_PATTERN[1:-1], text):
        raise refuse("is not the name of a claim", 'write for example "groups" or "realm_access.roles"')
    return text


Claim = Annotated[str, AfterValidator(_claim), WithJsonSchema({"type": "string", "pattern": CLAIM_PATTERN})]


def _key_file(path: Path) -> Path:
    try:
        parse(read_file(path))
    except BadKeySet as error:
        raise refuse(str(error), "name a file with the issuer's public keys as a JWK set (RFC 7517)") from None
    return path


def _key_set(found: dict[str, Any]) -> dict[str, Any]:
    try:
        parse(encode(found))
    except (BadKeySet, TypeError, ValueError) as error:
        why = str(error) if isinstance(error, BadKeySet) else "is no JWK set"
        raise refuse(why, "write the issuer's public keys as {keys: [...]}") from None
    return found


def _leeway(seconds: float) -> float:
    if seconds > MAX_LEEWAY:
        raise refuse("is longer than 5m", "set the clocks instead")
    return seconds


class JwtIssuer(Section):
    """One issuer whose tokens are accepted. Its keys: `jwks`, `jwks_file`, `jwks_url`, or found by `discovery`."""

    issuer: Annotated[Url, AfterValidator(_issuer)] = Field(
        description="The issuer, exactly as its tokens name it in iss, with or without a slash at the end."
    )
    audiences: Annotated[tuple[Visible, ...], AfterValidator(_some)] = Field(
        description="For whom tokens must be (aud), one of these: what the issuer calls this gateway.",
    )
    jwks_url: Url | None = Field(default=None, description="Where the issuer publishes its keys.")
    jwks_file: Annotated[Path, AfterValidator(_key_file)] | None = Field(
        default=None, description="Its keys in a file, relative to the manifest's folder; read again when it changes."
    )
    jwks: Annotated[dict[str, Any], AfterValidator(_key_set)] | None = Field(
        default=None, description="Its keys, written here as a JWK set."
    )
    discovery: Url | None = Field(
        default=None,
        description="The document that says where the keys are; default: the issuer with "
        "/.well-known/openid-configuration, or /.well-known/oauth-authorization-server before its path.",
    )
    provider: Provider = Field(
        default="generic", description="The product that the issuer is: sets the defaults of what is read and where."
    )
    algorithms: Annotated[tuple[Algorithm, ...], AfterValidator(_some)] = Field(
        default=ALGORITHMS, description="The signatures that are accepted; default: all public-key ones."
    )
    groups_claim: Claim | None = Field(
        default=None, description="The claim with the caller's groups; dots lead into objects (realm_access.roles)."
    )
    subject_claim: Claim | None = Field(default=None, description="The claim that names the caller; default: sub.")
    scopes_claim: Claim | None = Field(default=None, description="The claim with scopes; default: scope, else scp.")
    required_scopes: tuple[Scope, ...] = Field(
        default=(), description="Scopes without which a token is refused with 403."
    )
    scopes_supported: tuple[Scope, ...] = Field(
        default=(), description="Scopes that clients are told to ask for; default: required_scopes."
    )
    leeway: Annotated[Duration, AfterValidator(_leeway)] = Field(
        default=30.0, json_schema_extra=written("30s"), description="By how much clocks may differ, at most 5m."
    )
    max_age: Duration | None = Field(default=None, description="Tokens issued (iat) longer ago are refused.")
    client_id: Visible | None = Field(
        default=None,
        description="A public client that is registered at the issuer by hand: given to clients that want to register.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("jwks_url", "jwks_file", "jwks", "discovery") if getattr(self, name) is not None]
        if len(given) > 1:
            names = " and ".join(f'"{name}"' for name in given)
            raise refuse(f"has {names}", "the keys come from one place: keep one of them")
        return self

    @property
    def preset(self) -> Preset:
        return PRESETS[self.provider]

    @property
    def groups_at(self) -> str:
        return self.groups_claim or self.preset.groups

    @property
    def subject_at(self) -> str:
        return self.subject_claim or self.preset.subject

    @property
    def scopes_at(self) -> tuple[str, ...]:
        return (self.scopes_claim,) if self.scopes_claim else self.preset.scopes

    @property
    def keys_at(self) -> str | None:
        """The URL of the keys, where it need not be discovered."""
        if self.jwks_url is not None or self.discovery is not None or not self.preset.keys:
            return self.jwks_url
        return self.issuer.rstrip("/") + "/" + self.preset.keys.lstrip("/")

    @property
    def adapted(self) -> bool:
        """Whether the gateway stands between clients and this issuer's authorization server."""
        return self.preset.adapted or self.client_id is not None

    @property
    def offered_scopes(self) -> tuple[str, ...]:
        return self.scopes_supported or self.required_scopes


def _issuers(issuers: tuple[JwtIssuer, ...]) -> tuple[JwtIssuer, ...]:
    first: dict[str, int] = {}
    found = [
        Refusal("is used twice", "give each issuer one entry", (place, "issuer"), (other, "issuer"))
        for place, issuer in enumerate(issuers)
        if (other := first.setdefault(issuer.issuer, place)) != place
    ]
    if found:
        raise refuse_all(found)
    if len(issuers) > MAX_ISSUERS:
        raise refuse(f"has more than {MAX_ISSUERS} issuers", "put a broker before them")
    return issuers


Issuers = Annotated[tuple[JwtIssuer, ...], AfterValidator(_issuers)]


Network = IPv4Network | IPv6Network


def _network(value: object) -> Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        if not isinstance(value, str):
            raise ValueError
        network = ip_network(value)
    except ValueError:
        raise refuse("must be a network or an address", 'write for example "10.0.0.0/8" or "127.0.0.1"') from None
    if network.prefixlen == 0:
        raise refuse("is every address there is", "name the addresses of the proxies alone")
    return network


def _header(text: str) -> str:
    if not re.fullmatch(HEADER_PATTERN[1:-1], text):
        raise refuse("is not a header name", "use letters, digits and -")
    if text.lower() in ("authorization", "x-api-key", "api-key", "x-goog-api-key", "host", "origin"):
        raise refuse("means something else", 'write for example "x-client-subject"')
    return text.lower()


class TrustedProxies(Section):
    """Proxies that check client certificates, and say whose it was in a header that they take away from clients."""

    header: Annotated[str, AfterValidator(_header), WithJsonSchema({"type": "string", "pattern": HEADER_PATTERN})] = (
        Field(description="The header with the certificate's subject. The proxy must replace what clients send in it.")
    )
    networks: Annotated[
        tuple[Annotated[Network, PlainValidator(_network), WithJsonSchema({"type": "string"})], ...],
        AfterValidator(_some),
    ] = Field(alias="from", description="The proxies' addresses. From others the header counts nothing.")
    groups: tuple[Visible, ...] = Field(default=(), description="Groups of whoever comes this way.")
