"""The stage that says who calls, from the credential in the request's headers.

Keys and tokens are accepted where the clients of each protocol put them; never in the query, which ends up in
logs and referrers. A wrong one is refused even where none is needed: the caller believes to be somebody. What
cannot be verified now is refused as such, and never let through. Above: `rescue`; below: everything that asks
for `call.principal`.
"""

from collections.abc import Callable

from ..core.call import ANONYMOUS, Call, Handler, Principal, Reply, Request, replace
from ..core.errors import BadRequest
from .callers import Callers, Known
from .challenge import Challenge
from .jws import MAX_TOKEN, Refused

LONGEST = MAX_TOKEN
"""Bytes of a credential; beyond, it is refused unread."""

_BARE_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")


def _never(_call: Call) -> bool:
    return False


class Identify:
    """`anonymous`: may a request without a credential pass. `is_open`: what anybody may ask, whatever it carries.

    `lenient`: where nobody needs a credential, an unknown one is as good as none: clients of models always send
    a key, if only for the provider.
    """

    def __init__(
        self,
        callers: Callers,
        anonymous: bool,
        *,
        challenge: Challenge | None = None,
        is_open: Callable[[Call], bool] = _never,
        lenient: bool = False,
    ) -> None:
        self._callers = callers
        self._anonymous = anonymous
        self._challenge = challenge or Challenge()
        self._is_open = is_open
        self._lenient = lenient and anonymous

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        """Raises `Unauthorized`, `Forbidden`, `BadRequest`, `CannotVerify`."""
        if self._is_open(call):
            return await inner(call)  # what it carries is not meant for us
        presented = self._presented(call.request)
        try:
            if presented is None:
                known = Known(self._without(call.request))
            else:
                known = await self._callers.know(presented)
        except Refused as error:
            if not self._lenient:
                raise self._challenge.refused(call.request, str(error)) from error
            known = Known(ANONYMOUS)
        if known.lacking:
            raise self._challenge.insufficient(call.request, self._callers.needed(known.principal))
        call.record.principal = known.principal
        return await inner(replace(call, principal=known.principal, token=known.token))

    def _without(self, request: Request) -> Principal:
        """Who calls without a credential of its own."""
        vouched = self._callers.vouched(request)
        if vouched is not None:
            return vouched
        if not self._anonymous:
            raise self._challenge.nobody(request)
        return ANONYMOUS

    def _presented(self, request: Request) -> bytes | None:
        """The one credential, however many headers carry it; None if there is none."""
        headers = request.headers
        given = {name: headers[name].strip() for name in _BARE_HEADERS if name in headers}
        if (authorization := headers.get(b"authorization")) is not None:
            given[b"authorization"] = self._bearer(request, authorization)
        if not given:
            return None
        presented, *others = set(given.values())
        if others:
            raise BadRequest(f"{_names(given)} carry different credentials: send one of them.")
        if not presented:
            raise self._challenge.refused(request, f"{_names(given)} is empty: {self._challenge.how}.")
        if len(presented) > LONGEST:
            raise self._challenge.refused(request, f"The credential is longer than {LONGEST} bytes.")
        return presented

    def _bearer(self, request: Request, value: bytes) -> bytes:
        scheme, _, token = value.strip().partition(b" ")
        if scheme.lower() not in (b"bearer", b""):
            sentence = f"Authorization is not of the Bearer scheme: {self._challenge.how}."
            raise self._challenge.stranger(request, sentence)
        return token.strip()


def _names(given: dict[bytes, bytes]) -> str:
    return " and ".join(name.decode() for name in given)
