"""The stage that says who calls, from the credential in the request's headers.

Keys are accepted where the clients of each protocol put them; never in the query, which
ends up in logs and referrers. A wrong key is refused even where no key is needed: the
caller believes to be somebody. Challenges follow RFC 6750 section 3. Above: `rescue`;
below: everything that asks for `call.principal`.
"""

from collections.abc import Callable

from ..core.call import ANONYMOUS, Call, Handler, Reply, Request, replace
from ..core.errors import BadRequest, Unauthorized
from .keys import KeyRing

LONGEST = 8192
"""Bytes of a credential; beyond, it is refused unread."""

_BARE_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
_HOW = "send `Authorization: Bearer KEY` or `x-api-key: KEY`"


def _never(_call: Call) -> bool:
    return False


class Identify:
    """`anonymous`: may a request without a credential pass. `is_open`: what anybody may ask, whatever it carries."""

    def __init__(
        self,
        keys: KeyRing,
        anonymous: bool,
        *,
        is_open: Callable[[Call], bool] = _never,
        realm: str = "fedgate",
    ) -> None:
        self._keys = keys
        self._anonymous = anonymous
        self._is_open = is_open
        self._challenge = f'Bearer realm="{realm}"'

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        if self._is_open(call):
            return await inner(call)  # what it carries is not meant for us
        presented = self._presented(call.request)
        if presented is None:
            if not self._anonymous:
                raise self._refusal(f"This gateway needs an API key: {_HOW}.", wrong=False)
            principal = ANONYMOUS
        else:
            found = self._keys.find(presented)
            if found is None:
                raise self._refusal("The API key is not known to this gateway.")
            principal = found
        call.record.principal = principal
        return await inner(replace(call, principal=principal))

    def _presented(self, request: Request) -> bytes | None:
        """The one credential, however many headers carry it; None if there is none."""
        headers = request.headers
        given = {name: headers[name].strip() for name in _BARE_HEADERS if name in headers}
        if (authorization := headers.get(b"authorization")) is not None:
            given[b"authorization"] = self._bearer(authorization)
        if not given:
            return None
        presented, *others = set(given.values())
        if others:
            raise BadRequest(f"{_names(given)} carry different credentials: send one of them.")
        if not presented:
            raise self._refusal(f"{_names(given)} is empty: {_HOW}.")
        if len(presented) > LONGEST:
            raise self._refusal(f"The credential is longer than {LONGEST} bytes.")
        return presented

    def _bearer(self, value: bytes) -> bytes:
        scheme, _, token = value.strip().partition(b" ")
        if scheme.lower() not in (b"bearer", b""):
            raise self._refusal(f"Authorization is not of the Bearer scheme: {_HOW}.", wrong=False)
        return token.strip()

    def _refusal(self, sentence: str, *, wrong: bool = True) -> Unauthorized:
        """`wrong`: a credential was given and is no good; else RFC 6750 wants no error code."""
        challenge = self._challenge
        if wrong:
            challenge += f', error="invalid_token", error_description="{sentence}"'
        return Unauthorized(sentence, headers=((b"www-authenticate", challenge.encode()),))


def _names(given: dict[bytes, bytes]) -> str:
    return " and ".join(name.decode() for name in given)
