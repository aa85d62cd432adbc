"""federation/openapi_shown.py: what an API is shown, in whose name, and what happens when it is refused."""

import pytest

from fedgate.core.call import Caller, Header, Principal
from fedgate.core.errors import Forbidden, UpstreamDenied
from fedgate.federation.openapi_answer import HttpAnswer
from fedgate.federation.openapi_shown import Showing

pytestmark = pytest.mark.anyio

ALICE = Caller(Principal("alice"), b"secret-token")
FIXED: tuple[Header, ...] = ((b"authorization", b"fixed"), (b"x", b"1"))


class Tokens:
    """Numbered by their attempt: `alice-1`, `gateway-1`..."""

    owned = frozenset({b"authorization"})

    def __init__(self, *, per_caller: bool = True, renewable: bool = True) -> None:
        self.per_caller = per_caller
        self.renewable = renewable
        self.number = 1
        self.asked: list[str] = []

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        who = caller.principal.id if caller is not None and self.per_caller else "gateway"
        if who == "nobody":
            raise Forbidden("call with an access token")
        self.asked.append(who)
        return ((b"authorization", f"{who}-{self.number}".encode()),)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        assert dict(sent)[b"authorization"].endswith(b"-%d" % self.number)
        self.number += 1
        return self.renewable


class Api:
    """Takes what is in `good`; keeps what it was shown."""

    def __init__(self, *good: bytes, status: int = 401) -> None:
        self.good = good
        self.status = status
        self.seen: list[bytes] = []

    async def __call__(self, headers: tuple[Header, ...]) -> HttpAnswer:
        shown = dict(headers)
        assert shown.get(b"x") == b"1"
        assert len(shown) == len(headers)
        self.seen.append(shown.get(b"authorization", b""))
        return HttpAnswer(200 if self.seen[-1] in self.good else self.status, (), b"", 10)


async def test_without_credentials_the_manifests_headers_are_all_and_a_refusal_is_the_apis_answer() -> None:
    api = Api()
    assert (await Showing(FIXED).ask(api, ALICE)).status == 401
    assert api.seen == [b"fixed"]
    await Showing(FIXED).check()


async def test_each_caller_is_shown_as_itself_and_the_gateway_as_itself() -> None:
    showing, api = Showing(FIXED, Tokens()), Api(b"alice-1", b"gateway-1")
    assert (await showing.ask(api, ALICE)).status == 200
    assert (await showing.ask(api, None)).status == 200
    assert api.seen == [b"alice-1", b"gateway-1"]


async def test_a_caller_for_whom_there_is_nothing_is_refused_and_nothing_is_sent() -> None:
    api = Api()
    with pytest.raises(Forbidden, match="access token"):
        await Showing(FIXED, Tokens()).ask(api, Caller(Principal("nobody")))
    assert api.seen == []


async def test_a_token_that_was_revoked_is_replaced_without_anybody_noticing() -> None:
    api = Api(b"alice-2")
    assert (await Showing(FIXED, Tokens()).ask(api, ALICE)).status == 200
    assert api.seen == [b"alice-1", b"alice-2"]


@pytest.mark.parametrize(
    ("tokens", "caller", "seen", "whose"),
    [
        (Tokens(), ALICE, [b"alice-1", b"alice-2"], "the caller's"),
        (Tokens(renewable=False), ALICE, [b"alice-1"], "the caller's"),
        (Tokens(), None, [b"gateway-1", b"gateway-2"], "the gateway's"),
        (Tokens(per_caller=False), ALICE, [b"gateway-1", b"gateway-2"], "the gateway's"),
    ],
)
async def test_what_is_refused_is_tried_once_more_at_most_and_is_an_error_then(
    tokens: Tokens, caller: Caller | None, seen: list[bytes], whose: str
) -> None:
    api = Api()
    with pytest.raises(UpstreamDenied) as caught:
        await Showing(FIXED, tokens).ask(api, caller)
    assert api.seen == seen
    assert str(caught.value) == f"it refuses {whose} credentials (HTTP 401); see its auth in the manifest"


async def test_what_the_caller_may_not_do_is_the_apis_own_answer() -> None:
    api = Api(status=403)
    assert (await Showing(FIXED, Tokens()).ask(api, ALICE)).status == 403
    assert api.seen == [b"alice-1"]


@pytest.mark.parametrize(("per_caller", "asked"), [(False, ["gateway"]), (True, [])])
async def test_only_a_token_that_every_request_needs_is_looked_for_beforehand(
    per_caller: bool, asked: list[str]
) -> None:
    tokens = Tokens(per_caller=per_caller)
    await Showing(FIXED, tokens).check()
    assert tokens.asked == asked


async def test_nothing_of_it_is_in_its_repr() -> None:
    assert repr(Showing(FIXED, Tokens())) == "<Showing 2 headers and Tokens>"
    assert repr(Showing()) == "<Showing 0 headers and nothing>"
