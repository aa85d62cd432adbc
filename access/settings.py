"""The `access` section: who may call, by which key or token.

Keys live here as secrets (`repr` hides them) or as digests; the check itself is in the
identify stage. `manifest/model.py` composes this section and settles `anonymous`.
"""

import hashlib
import re
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, WithJsonSchema, model_validator

from ..core.values import Refusal, Section, refuse, refuse_all
from .jwt_settings import Issuers, TrustedProxies
from .rule_settings import RuleList, wrong, wrong_pattern

__all__ = ["AccessSettings", "ApiKey", "Word", "wrong", "wrong_pattern"]

_ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}$"
_MIN_KEY, _MAX_KEY = 8, 512
_RESERVED = "anonymous"


def _id(text: str) -> str:
    if not re.fullmatch(_ID_PATTERN[1:-1], text):
        raise refuse(
            "must be a short id", "1 to 128 of letters, digits and . _ @ : + -, beginning with a letter or digit"
        )
    if text == _RESERVED:
        raise refuse("is reserved", f'"{_RESERVED}" is what callers without a key are called')
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < _MIN_KEY:
        raise refuse(f"is shorter than {_MIN_KEY} characters", "generate one, for example: openssl rand -hex 24")
    if not re.fullmatch(f"[!-~]{{1,{_MAX_KEY}}}", text):
        raise refuse("cannot be sent in a header", f"use at most {_MAX_KEY} visible ASCII characters without spaces")
    return secret


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9A-Fa-f]{64}", text):
        raise refuse("must be 64 hexadecimal digits", "take the output of: printf %s YOUR_KEY | sha256sum")
    return text.lower()


def _word(text: str) -> str:
    if not text.strip():
        raise refuse("must not be empty", "write a name, or leave the entry out")
    return text


Word = Annotated[str, AfterValidator(_word), WithJsonSchema({"type": "string", "minLength": 1})]


class ApiKey(Section):
    """One key and what its bearer is. Exactly one of `key` and `key_sha256` is given."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["key"]}, {"required": ["key_sha256"]}]})

    id: Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": _ID_PATTERN})] = Field(
        description="Stable name of the caller: what rules, limits, sessions and the access log know it by."
    )
    key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description='The key itself, at least 8 characters; best as "${NAME}" or "${file:/path}".'
    )
    key_sha256: (
        Annotated[str, AfterValidator(_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"})]
        | None
    ) = Field(default=None, description="SHA-256 of the key in hexadecimal, so that the manifest holds no secret.")
    groups: tuple[Word, ...] = Field(default=(), description="Groups that the caller belongs to.")
    metadata: dict[str, str] = Field(default={}, description="Free facts about the caller, for rules and logs.")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.key is None and self.key_sha256 is None:
            raise refuse('needs "key" or "key_sha256"', 'for example key: "${MY_KEY}"')
        if self.key is not None and self.key_sha256 is not None:
            raise refuse('has both "key" and "key_sha256"', "keep one of them")
        return self

    @property
    def digest(self) -> bytes:
        """SHA-256 of the key: 32 bytes, to compare in constant time."""
        if self.key is not None:
            return hashlib.sha256(self.key.get_secret_value().encode()).digest()
        return bytes.fromhex(self.key_sha256 or "")


class AccessSettings(Section):
    """Who may call the gateway."""

    keys: tuple[ApiKey, ...] = Field(
        default=(),
        description="API keys, sent as Authorization: Bearer KEY, x-api-key, api-key or x-goog-api-key.",
    )
    jwt: Issuers = Field(default=(), description="Issuers whose tokens are accepted (JWT: OpenID Connect, OAuth 2).")
    trusted_proxies: TrustedProxies | None = Field(
        default=None, description="Proxies that check client certificates and pass on whose it was."
    )
    anonymous: bool | None = Field(
        default=None,
        description="Whether callers without a key or token are served; by default only on loopback with neither "
        "configured.",
    )
    admins: tuple[Word, ...] = Field(
        default=(), description="Groups or ids that may read /metrics and use the administration from elsewhere."
    )

    rules: RuleList = Field(
        default=(),
        description="Who may do what: CEL expressions, each an allow (also as plain text), a deny or a require.",
    )

    @property
    def identifies(self) -> bool:
        """Whether there is any way to be somebody."""
        return bool(self.keys or self.jwt or self.trusted_proxies)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids: dict[str, int] = {}
        digests: dict[bytes, int] = {}
        found: list[Refusal] = []
        for index, key in enumerate(self.keys):
            if (first := ids.setdefault(key.id, index)) != index:
                found.append(
                    Refusal(
                        "is used twice", "give each key an id of its own", ("keys", index, "id"), ("keys", first, "id")
                    )
                )
            if (first := digests.setdefault(key.digest, index)) != index:
                field = "key" if key.key is not None else "key_sha256"
                found.append(
                    Refusal(
                        "is the same key again",
                        "give each caller a key of its own",
                        ("keys", index, field),
                        ("keys", first),
                    )
                )
        if found:
            raise refuse_all(found)
        return self
