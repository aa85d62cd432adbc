"""What a refused caller is told to do: `WWW-Authenticate` by RFC 6750 section 3 and RFC 9728 section 5.1. Pure.

Where issuers are configured, the challenge says where the resource's metadata is, and which scopes to ask for.
Above: `identify.py`. Below: `oauth_metadata.py`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.call import Header, Request
from ..core.errors import Forbidden, Unauthorized

if TYPE_CHECKING:
    from .oauth_metadata import OAuth

REALM = "fedgate"
_NAMES = "send `Authorization: Bearer KEY` or `x-api-key: KEY`"
_TOKEN = "send `Authorization: Bearer TOKEN`"


class Challenge:
    """`oauth`: what clients are told of the issuers; `None` where there are only keys."""

    def __init__(self, oauth: "OAuth | None" = None, *, keys: bool = True) -> None:
        self._oauth = oauth
        self._how = _NAMES if oauth is None else _TOKEN + (" or `x-api-key: KEY`" if keys else "")
        self._what = "an API key" if oauth is None else "an access token or an API key" if keys else "an access token"

    @property
    def how(self) -> str:
        return self._how

    def nobody(self, request: Request) -> Unauthorized:
        """No credential was given: RFC 6750 wants no error code then."""
        return self.stranger(request, f"This gateway needs {self._what}: {self._how}.")

    def stranger(self, request: Request, sentence: str) -> Unauthorized:
        """What was given is no credential for this gateway."""
        return Unauthorized(sentence, headers=(self._header(request, (), self._scopes),))

    def refused(self, request: Request, sentence: str) -> Unauthorized:
        """A credential was given and is no good."""
        error = ('error="invalid_token"', f'error_description="{quotable(sentence)}"')
        return Unauthorized(sentence, headers=(self._header(request, error, self._scopes),))

    def insufficient(self, request: Request, needed: Iterable[str]) -> Forbidden:
        """The token is good, and may not do this. `needed`: all the scopes that the operation wants."""
        scopes = tuple(needed)
        sentence = f"The token lacks a scope: this needs {', '.join(scopes)}."
        if self._oauth is not None:
            scopes = tuple(self._oauth.asked_as(scope) for scope in scopes)
        error = ('error="insufficient_scope"', f'error_description="{quotable(sentence)}"')
        return Forbidden(sentence, headers=(self._header(request, error, scopes),))

    @property
    def _scopes(self) -> tuple[str, ...]:
        return self._oauth.scopes if self._oauth is not None else ()

    def _header(self, request: Request, error: tuple[str, ...], scopes: tuple[str, ...]) -> Header:
        parts = [f'realm="{REALM}"', *error]
        if self._oauth is not None:
            host = request.header(b"host") or ""
            parts.append(f'resource_metadata="{quotable(self._oauth.metadata_url(host, _resource(request.path)))}"')
        if scopes and self._oauth is not None:
            parts.append(f'scope="{" ".join(scopes)}"')
        return b"www-authenticate", f"Bearer {', '.join(parts)}".encode()


def _resource(path: str) -> str:
    """The path of the resource: clients of the old transport typed `/sse`, and were told to post elsewhere."""
    return "/sse" if path == "/messages" else path


def quotable(text: str) -> str:
    """As a quoted string may hold it: visible ASCII without quotes and backslashes (RFC 6750 section 3)."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "'" for char in text)
