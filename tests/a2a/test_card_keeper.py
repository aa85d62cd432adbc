"""a2a/card_keeper.py: cards over real connections to a scripted agent."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fedgate.a2a.card_in import Card
from fedgate.a2a.card_keeper import MAX_VALIDATOR, CardKeeper, CardSource, Demands
from fedgate.a2a.instance import Instance, Setup
from fedgate.a2a.interfaces import Interface, place
from fedgate.a2a.values import Speech
from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamInvalid, UpstreamRefused
from fedgate.core.tasks import Tasks
from tests.a2a.agent_kit import CARD_PATH, OLD_PATH, Etagged, Process, header, http, running, sdk_card, served
from tests.a2a.signed_cards import OURS, THEIRS, key_set, public, signed
from tests.core.http_peer import opened

pytestmark = pytest.mark.anyio

J1, R3 = Speech("1.0", "jsonrpc"), Speech("0.3", "rest")


class Fetching:
    def __init__(self, instance: Instance, source: CardSource, clock: ManualClock) -> None:
        self.instance = instance
        self.source = source
        self.clock = clock

    @property
    def name(self) -> str | None:
        return self.source.card.name if self.source.card else None


@asynccontextmanager
async def fetching(process: Process, demands: Demands | None = None, *, base: str = "") -> AsyncIterator[Fetching]:
    clock, tasks = ManualClock(), Tasks("test")
    async with running(process), opened() as client:
        where = place(process.url + base)
        setup = Setup("scout", "1", where, 20.0, headers=((b"authorization", b"Bearer t"),))
        instance = Instance(setup, clock)
        try:
            yield Fetching(instance, CardSource(instance, where, demands or Demands(), client, clock, tasks), clock)
        finally:
            await tasks.aclose()


async def test_a_card_is_fetched_with_the_manifests_headers_and_says_where_to_go() -> None:
    process = Process(served(sdk_card((("http://127.0.0.1/rpc", "JSONRPC", "1.0"),))))
    async with fetching(process) as it:
        answer = await it.source.refresh()
        assert (answer.status, it.name, it.source.problem) == (200, "Scout", "")
        assert it.instance.speeches == (Interface(J1, "/rpc"),)
        assert header(process.asked[0].headers, b"authorization") == b"Bearer t"


async def test_a_card_that_did_not_change_is_not_sent_again() -> None:
    process = Etagged(served(sdk_card()))
    async with fetching(process) as it:
        await it.source.refresh()
        card = it.source.card
        answer = await it.source.refresh()
        assert (answer.status, answer.body, it.source.card is card) == (304, served(sdk_card()), True)
        assert [header(each.headers, b"if-none-match") for each in process.asked] == [None, b'"one"']


async def test_a_new_card_takes_the_place_of_the_old_one() -> None:
    process = Etagged(served(sdk_card()))
    async with fetching(process) as it:
        await it.source.refresh()
        process.etag = '"two"'
        process.answers[CARD_PATH] = http(200, served(sdk_card((("http://x/new", "JSONRPC", "1.0"),), name="New")))
        await it.source.refresh()
        assert (it.name, it.instance.speeches) == ("New", (Interface(J1, "/new"),))


async def test_last_modified_is_sent_back_too() -> None:
    process = Process()
    process.answers[CARD_PATH] = http(200, served(sdk_card()), "last-modified: Sat, 28 Nov 2026 10:00:00 GMT")
    async with fetching(process) as it:
        await it.source.refresh()
        await it.source.refresh()
        assert header(process.asked[1].headers, b"if-modified-since") == b"Sat, 28 Nov 2026 10:00:00 GMT"


async def test_an_endless_etag_is_not_kept() -> None:
    process = Process()
    process.answers[CARD_PATH] = http(200, served(sdk_card()), f'etag: "{"x" * MAX_VALIDATOR}"')
    async with fetching(process) as it:
        await it.source.refresh()
        await it.source.refresh()
        assert header(process.asked[1].headers, b"if-none-match") is None


async def test_where_headers_tell_the_process_every_answer_is_whole() -> None:
    process = Etagged(served(sdk_card()))
    async with fetching(process, Demands(conditional=False)) as it:
        assert [(await it.source.refresh()).status for _ in range(2)] == [200, 200]


async def test_many_who_ask_at_once_share_one_fetch() -> None:
    process = Process(served(sdk_card()))
    async with fetching(process) as it:
        answers = await asyncio.gather(*(it.source.refresh() for _ in range(5)))
        assert ([answer.status for answer in answers], process.paths) == ([200] * 5, [CARD_PATH])


async def test_a_card_at_the_old_place_is_found_and_asked_for_there_from_then_on() -> None:
    process = Process()
    process.answers[OLD_PATH] = http(200, served(sdk_card()))
    async with fetching(process) as it:
        await it.source.refresh()
        await it.source.refresh()
        assert (it.name, process.paths) == ("Scout", [CARD_PATH, OLD_PATH, OLD_PATH])


async def test_a_card_that_moves_is_found_again() -> None:
    process = Process()
    process.answers[OLD_PATH] = http(200, served(sdk_card()))
    async with fetching(process) as it:
        await it.source.refresh()
        process.answers = {CARD_PATH: http(200, served(sdk_card(name="Moved")))}
        await it.source.refresh()
        assert it.name == "Moved"


async def test_a_base_path_holds_the_card() -> None:
    process = Process()
    process.answers["/a/x" + CARD_PATH + "?k=1"] = http(200, served(sdk_card((("http://in/", "JSONRPC", "1.0"),))))
    async with fetching(process, base="/a/x?k=1") as it:
        await it.source.refresh()
        assert it.instance.speeches == (Interface(J1, "/a/x?k=1"),)


# Errors.


async def test_a_good_card_stays_when_a_later_one_cannot_be_had() -> None:
    process = Process(served(sdk_card()))
    async with fetching(process) as it:
        await it.source.refresh()
        for answer in (http(404), http(401), http(302), http(200, b"<html>"), http(429)):
            process.answers[CARD_PATH] = answer
            await it.source.refresh()
            assert (it.name, it.source.problem) == ("Scout", "")
        process.answers[CARD_PATH] = http(503)
        with pytest.raises(UpstreamInvalid, match="asked for its card, it answers HTTP 503"):
            await it.source.refresh()
        await process.stop()
        with pytest.raises(UpstreamRefused):
            await it.source.refresh()
        assert (it.name, it.source.problem) == ("Scout", "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http(404), "asked for its card, it answers HTTP 404"),
        (
            http(403),
            "asked for its card, it refuses the gateway's credentials (HTTP 403); set its headers in the manifest",
        ),
        (http(308), "asked for its card, it redirects elsewhere (HTTP 308); put its final address into the manifest"),
        (http(200, b"<html>"), "its card is no JSON object"),
        (http(304), "asked for its card, it "),
    ],
)
async def test_without_any_card_the_instance_is_unfit_and_it_is_said_why(answer: bytes, why: str) -> None:
    process = Process()
    process.answers[CARD_PATH] = answer
    async with fetching(process) as it:
        await it.source.refresh()
        assert it.source.problem.startswith(why)
        assert it.source.problem.endswith("; give the URL of its card, or say how it speaks (speaks)")
        assert it.instance.speeches == ()


async def test_an_unfit_instance_becomes_fit_with_its_card() -> None:
    process = Process()
    async with fetching(process) as it:
        await it.source.refresh()
        process.answers[CARD_PATH] = http(200, served(sdk_card()))
        await it.source.refresh()
        assert (it.source.problem, it.name) == ("", "Scout")


async def test_who_says_how_it_speaks_needs_no_card() -> None:
    async with fetching(Process(), Demands(speaks=(R3,))) as it:
        await it.source.refresh()
        assert (it.source.problem, it.instance.speeches) == ("", (Interface(R3, "/"),))


async def test_a_card_without_a_way_that_we_speak_makes_the_instance_unfit_for_as_long_as_it_stays() -> None:
    process = Etagged(served(sdk_card((("h:1", "GRPC", "1.0"),))))
    async with fetching(process) as it:
        for _ in range(2):
            await it.source.refresh()
            assert it.source.problem.startswith("its card lists no interface that the gateway speaks")


async def test_what_is_odd_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    process = Process(served(sdk_card((("http://elsewhere/", "JSONRPC", "1.0"),))))
    async with fetching(process) as it:
        with caplog.at_level(logging.WARNING):
            for name in ("a", "b"):
                process.answers[CARD_PATH] = http(
                    200, served(sdk_card((("http://elsewhere/", "JSONRPC", "1.0"),), name=name))
                )
                await it.source.refresh()
    assert caplog.messages == [
        f"agent scout, instance 1: its card names http://elsewhere; {process.url} of the manifest is used"
    ]


async def test_its_age_counts_from_the_last_answer() -> None:
    process = Process(served(sdk_card()))
    async with fetching(process) as it:
        assert it.source.is_older_than(60.0)
        await it.source.refresh()
        it.clock.advance(59.0)
        assert not it.source.is_older_than(60.0)
        it.clock.advance(1.0)
        assert it.source.is_older_than(60.0)


# Signatures.


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(public(OURS, "one")))
    return file


def renew(keys: Path, to: bytes | None) -> None:
    """Another key set, or none any more."""
    if to is None:
        keys.unlink()
    else:
        keys.write_bytes(to)


async def test_a_signed_card_is_taken(keys: Path) -> None:
    process = Process(served(signed(sdk_card())))
    async with fetching(process, Demands(verify=keys)) as it:
        await it.source.refresh()
        assert (it.name, it.source.problem) == ("Scout", "")


async def test_an_unsigned_card_is_not_and_nor_is_its_instance(keys: Path) -> None:
    process = Process(served(sdk_card()))
    async with fetching(process, Demands(verify=keys)) as it:
        await it.source.refresh()
        assert (it.name, it.source.problem) == (None, "its card is not signed by a key of card.verify")
        assert it.instance.speeches == ()


async def test_no_card_is_as_bad_as_an_unsigned_one_even_if_it_is_known_how_to_speak(keys: Path) -> None:
    async with fetching(Process(), Demands(verify=keys, speaks=(J1,))) as it:
        await it.source.refresh()
        assert it.source.problem.endswith("and card.verify wants one that is signed")
        assert it.instance.speeches == ()


async def test_a_card_whose_signature_breaks_makes_its_instance_unfit_until_it_is_good_again(keys: Path) -> None:
    good, bad = served(signed(sdk_card())), served(signed(sdk_card(), THEIRS))
    process = Process(good)
    async with fetching(process, Demands(verify=keys)) as it:
        await it.source.refresh()
        process.answers[CARD_PATH] = http(200, bad)
        for _ in range(2):
            await it.source.refresh()
            assert it.source.problem == "its card is not signed by a key of card.verify"
        process.answers[CARD_PATH] = http(404)
        await it.source.refresh()
        assert it.source.problem == "its card is not signed by a key of card.verify"
        process.answers[CARD_PATH] = http(200, good)
        await it.source.refresh()
        assert it.source.problem == ""


async def test_a_broken_signature_is_looked_at_again_although_its_etag_stays(keys: Path) -> None:
    process = Etagged(served(signed(sdk_card(), THEIRS, "two")))
    async with fetching(process, Demands(verify=keys)) as it:
        await it.source.refresh()
        assert it.source.problem
        renew(keys, key_set(public(OURS, "one"), public(THEIRS, "two")))
        await it.source.refresh()
        assert (it.source.problem, it.name) == ("", "Scout")


async def test_members_that_no_signature_covers_give_no_interface(keys: Path) -> None:
    card = {**json.loads(served(signed(sdk_card()))), "url": "http://127.0.0.1/evil", "protocolVersion": "0.3"}
    async with fetching(Process(json.dumps(card).encode()), Demands(verify=keys)) as it:
        await it.source.refresh()
        assert it.instance.speeches == (Interface(J1, "/"),)


async def test_keys_that_cannot_be_read_any_more_fail_closed(keys: Path) -> None:
    async with fetching(Process(served(signed(sdk_card()))), Demands(verify=keys)) as it:
        renew(keys, None)
        await it.source.refresh()
        assert it.source.problem == "its card cannot be verified: the file of card.verify cannot be read"


# The card of the agent.


def card(name: str) -> Card:
    return Card(name.encode(), name, "", "", ())


def instance(*, ready: bool) -> Instance:
    made = Instance(Setup("scout", "1", place("http://h"), 20.0), ManualClock())
    if ready:
        made.reached(made.asked())
    return made


async def test_the_card_of_the_first_ready_instance_is_the_agents_and_the_last_one_stands() -> None:
    keeper = CardKeeper()
    changes: list[str | None] = []
    keeper.on_card = lambda: changes.append(keeper.card.name if keeper.card else None)
    ready, away = instance(ready=True), instance(ready=False)
    rounds: list[list[tuple[Instance, Card | None]]] = [
        [(away, card("a")), (away, card("b"))],
        [(away, card("a")), (ready, None), (ready, card("c"))],
        [(ready, card("a")), (ready, card("c"))],
        [(ready, card("a")), (away, card("c"))],
        [(away, card("a")), (away, card("c"))],
        [],
    ]
    for pairs in rounds:
        keeper.update(pairs)
    assert changes == ["c", "a"]
    assert keeper.card is not None
