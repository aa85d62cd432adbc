"""How the gateway shows itself to an upstream beyond fixed headers: the `auth` of a server, agent or provider.

Values only, on pydantic, as `core.values`. Secrets are left out of `repr`. Above: the `settings.py` of every
part with upstreams; `access/credentials.py` acts on it.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from .header_settings import FRAMING
from .values import Duration, Refusal, Section, Url, refuse, refuse_all, written

SCOPE_PATTERN = r"^[!#-\[\]-~]{1,256}$"
"""A scope token (RFC 6749 3.3)."""
HEADER_PATTERN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"
MAX_HEADERS = 32
"""Headers that may be forwarded to one upstream."""

CLIENT, EXCHANGE, FORWARD = "<client_credentials>", "<token_exchange>", "<forward>"
"""Union tags; they stand in pydantic's error paths, so they are nothing a key could be called."""


def _scope(text: str) -> str:
    if not re.fullmatch(SCOPE_PATTERN[1:-1], text):
        raise refuse("is not a scope", "scopes are visible ASCII without spaces, quotes and backslashes; list each one")
    return text


Scope = Annotated[str, AfterValidator(_scope), WithJsonSchema({"type": "string", "pattern": SCOPE_PATTERN})]


def _visible(text: str) -> str:
    if not re.fullmatch(r"[ -~]{1,2048}", text):
        raise refuse("must be visible ASCII", "write it as the authorization server knows it")
    return text


Visible = Annotated[str, AfterValidator(_visible), WithJsonSchema({"type": "string", "minLength": 1})]


def _secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise refuse("is empty", 'write it as "${NAME}" or "${file:/path}"')
    return secret


class _Tokens(Section):
    """What is said of any authorization server that gives the gateway tokens."""

    issuer: Url | None = Field(
        default=None, description="The authorization server, whose metadata names the token endpoint (RFC 8414, OIDC)."
    )
    token_url: Url | None = Field(default=None, description="The token endpoint itself, in place of issuer.")
    client_id: Visible = Field(description="What the gateway is called there.")
    client_secret: Annotated[SecretStr, AfterValidator(_secret)] = Field(
        description='Its secret, best as "${NAME}" or "${file:/path}"; for private_key_jwt its private key (PEM).'
    )
    client_auth: Literal["basic", "post", "private_key_jwt"] = Field(
        default="basic",
        description="How the gateway proves who it is: with the secret in the Authorization header or in the form, "
        "or with a statement that it signs (RFC 7523).",
    )
    scopes: tuple[Scope, ...] = Field(default=(), description="Scopes to ask for.")
    audience: Visible | None = Field(default=None, description="For whom the token is to be, as the server names it.")
    resource: Url | None = Field(default=None, description="For whom the token is to be, as a URL (RFC 8707).")
    lifetime: Duration = Field(
        default=300.0,
        json_schema_extra=written("5m"),
        description="How long a token is used whose answer does not say when it expires.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.issuer is None) is (self.token_url is None):
            raise refuse('needs either "issuer" or "token_url"', "issuer is asked where its token endpoint is")
        return self


class ClientCredentials(_Tokens):
    """The gateway asks in its own name, whoever calls (RFC 6749 4.4)."""

    type: Literal["client_credentials"] = Field(description="The gateway's own token, the same for all callers.")


class TokenExchange(_Tokens):
    """The gateway asks in its caller's name: the caller's token is exchanged for one for this upstream (RFC 8693)."""

    type: Literal["token_exchange"] = Field(description="The caller's token, exchanged for one for this upstream.")
    own: Literal["client_credentials", "headers"] = Field(
        default="client_credentials",
        description="How the gateway shows itself where it asks in its own name, such as for lists: "
        "by a token of its own, or by the manifest's headers alone.",
    )


def _forwarded(names: tuple[str, ...]) -> tuple[str, ...]:
    found = [
        Refusal("cannot be forwarded", "name a header that is no framing of HTTP", (place,))
        for place, name in enumerate(names)
        if not re.fullmatch(HEADER_PATTERN[1:-1], name) or name.lower() in FRAMING
    ]
    if found:
        raise refuse_all(found)
    if not 0 < len(names) <= MAX_HEADERS:
        raise refuse(f"must name 1 to {MAX_HEADERS} headers", "each is sent on as the caller wrote it")
    return tuple(dict.fromkeys(name.lower() for name in names))


class Forward(Section):
    """Headers of the caller are sent on. Whoever runs the upstream then holds what the caller sent."""

    type: Literal["forward"] = Field(description="Headers of the caller's request, by name.")
    headers: Annotated[tuple[str, ...], AfterValidator(_forwarded)] = Field(
        description="The names. Authorization is sent only if it stands here, and is then the caller's own credential."
    )


_KINDS = {"client_credentials": CLIENT, "token_exchange": EXCHANGE, "forward": FORWARD}


def _kind(entry: Any) -> str | None:
    kind = getattr(entry, "type", None) if isinstance(entry, BaseModel) else None
    if isinstance(entry, dict):
        kind = entry.get("type")
    return _KINDS.get(kind) if isinstance(kind, str) else None


def _typed(entry: Any) -> Any:
    if _kind(entry) is None:
        raise refuse('needs "type"', "write client_credentials, token_exchange or forward")
    return entry


UpstreamAuth = Annotated[
    Annotated[ClientCredentials, Tag(CLIENT)]
    | Annotated[TokenExchange, Tag(EXCHANGE)]
    | Annotated[Forward, Tag(FORWARD)],
    Discriminator(_kind),
    BeforeValidator(_typed),
]
"""One of the ways, told apart by `type`."""


def auth_field() -> Any:
    """The field `auth` of an upstream's section."""
    return Field(
        default=None, repr=False, description="Credentials that are got for each request, beside the fixed headers."
    )
