"""Requests with credentials that are got for each of them: whose they are, and what happens when they are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from fedgate.core.call import Caller, Header, Principal
from fedgate.core.errors import UpstreamDenied
from fedgate.federation.http_wire import HttpWire
from tests.federation.connections import world
from tests.federation.upstreams import Seen, Upstream, http, result, upstream

pytestmark = pytest.mark.anyio

ALICE, BOB = Caller(Principal("alice")), Caller(Principal("bob"))


class Tokens:
    """Credentials that are numbered by their attempt: `alice-1`, `gateway-1`..."""

    per_caller = True
    owned = frozenset({b"authorization"})

    def __init__(self, *, renewable: bool = True) -> None:
        self.number = 1
        self.renewable = renewable

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        who = caller.principal.id if caller is not None else "gateway"
        return ((b"authorization", f"{who}-{self.number}".encode()),)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        assert (b"authorization", f"{sent[-1][1].partition(b'-')[0].decode()}-{self.number}".encode()) in sent
        self.number += 1
        return self.renewable


@asynccontextmanager
async def wire(tokens: Tokens) -> AsyncIterator[tuple[Upstream, HttpWire]]:
    async with upstream("modern") as one, world() as made:
        fixed = made.wire(one, authorization="fixed", x="1")
        yield one, replace(fixed, credentials=tokens)


def shown(one: Upstream) -> list[str | None]:
    return [each.header("authorization") for each in one.seen]


async def test_each_request_is_made_in_its_callers_name() -> None:
    async with wire(Tokens()) as (one, own):
        for each in (own, own.on_behalf_of(ALICE), own.on_behalf_of(BOB), own.on_behalf_of(ALICE).on_behalf_of(None)):
            response = await each.post(b'{"jsonrpc":"2.0","id":1,"method":"ping"}', (), 5.0)
            await response.read(1000)
        assert shown(one) == ["gateway-1", "alice-1", "bob-1", "alice-1"]
        assert {each.header("x") for each in one.seen} == {"1"}


async def denied(_seen: Seen) -> bytes:
    return http(401, b"{}")


@pytest.mark.parametrize(("renewable", "sent"), [(True, ["alice-1", "alice-2"]), (False, ["alice-1"])])
async def test_what_is_refused_is_tried_once_more_with_others_at_most(renewable: bool, sent: list[str]) -> None:
    async with wire(Tokens(renewable=renewable)) as (one, own):
        one.on["tools/call"] = denied
        response = await own.on_behalf_of(ALICE).post(b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', (), 5.0)
        assert (response.status, shown(one)) == (401, sent)
        with pytest.raises(UpstreamDenied, match="refuses the caller's credentials"):
            own.refusal(response.status, await response.read(1000))


async def test_a_token_that_was_revoked_is_replaced_without_anybody_noticing() -> None:
    async def once(seen: Seen) -> bytes:
        return http(401, b"{}") if seen.header("authorization") == "gateway-1" else http(200, result(seen, {}))

    async with wire(Tokens()) as (one, own):
        one.on["tools/list"] = once
        response = await own.post(b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}', (), 5.0)
        assert (response.status, await response.read(1000)) == (200, b'{"jsonrpc":"2.0","id":7,"result":{}}')


async def test_a_wire_shows_no_credential_in_its_repr() -> None:
    async with wire(Tokens()) as (_, own):
        shown_too = repr(own.on_behalf_of(Caller(Principal("alice"), b"secret-token", {b"x": b"secret-header"})))
        assert "secret" not in shown_too
        assert "fixed" not in shown_too
