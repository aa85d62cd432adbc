"""What providers do wrong, in each client format: whole answers. The exact answer that the client gets."""

import asyncio
import json
from typing import Any

import pytest

from tests.core.http_peer import until
from tests.llm import providers as scripted
from tests.llm.kit import Front, Got, front, manifest
from tests.llm.providers import SHAPES, Answer, Shape, page, provider

pytestmark = pytest.mark.anyio

EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def said(got: Got, shape: Shape) -> tuple[str, str]:
    """Kind (in the format's own words) and sentence of an error body."""
    body = got.json
    error = body["error"]
    if shape.format == "anthropic":
        assert body["type"] == "error"
    return error["status"] if shape.format == "gemini" else error["type"], error["message"]


async def answered(shape: Shape, answer: Answer, **more: Any) -> tuple[Got, Front, int]:
    async with (
        provider(answer) as up,
        front(manifest(up.base + shape.base, shape.type, **more)) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
        return got, gate, len(up.asked)


@EVERY
async def test_a_refused_credential_is_the_gateways_affair_and_no_401_for_the_client(shape: Shape) -> None:
    refusal = {"error": {"type": "authentication_error", "message": "Incorrect API key provided: sk-up"}}
    got, gate, tries = await answered(shape, scripted.json(refusal, 401))
    assert (got.status, tries) == (502, 1)
    assert said(got, shape)[1] == (
        "The provider up refused the gateway's credential (HTTP 401): check the key of models.providers.up."
    )
    assert b"sk-up" not in got.body
    assert gate.meter.of("error") == [("401", "up")]
    assert got.record.error.startswith("401: The provider up refused")


@EVERY
async def test_an_unknown_model_of_the_provider_is_a_404_in_the_providers_own_words(shape: Shape) -> None:
    refusal = {"error": {"type": "not_found_error", "message": "model: gpt", "extra": 1}}
    got, _, tries = await answered(shape, scripted.json(refusal, 404))
    assert (got.status, got.json, tries) == (404, refusal, 1)
    assert got.headers[b"x-fedgate-target"] == b"up/gpt"
    assert got.headers[b"x-fedgate-reason"] == b"only; up/gpt: 404"


@EVERY
async def test_a_bad_request_passes_in_the_providers_own_words(shape: Shape) -> None:
    refusal = {"error": {"type": "invalid_request_error", "message": "temperature: no", "param": "temperature"}}
    got, gate, tries = await answered(shape, scripted.json(refusal, 400))
    assert (got.status, got.json, tries) == (400, refusal, 1)
    assert gate.breakers.of("up", "gpt").last is None


@EVERY
async def test_429_is_retried_with_back_off_and_then_passed_on(shape: Shape) -> None:
    refusal = {"error": {"type": "rate_limit_error", "message": "slow down"}}
    got, gate, tries = await answered(shape, scripted.json(refusal, 429))
    assert (got.status, got.json, tries) == (429, refusal, 4)
    assert b"retry-after" not in got.headers
    assert gate.clock.slept == [0.75, 1.5, 3.0]
    assert gate.meter.of("retry") == [("up", "429")] * 3


@EVERY
async def test_retry_after_decides_the_wait_and_reaches_the_client(shape: Shape) -> None:
    refusal = {"error": {"type": "rate_limit_error", "message": "slow down"}}
    got, gate, tries = await answered(shape, scripted.json(refusal, 429, retry_after="7"))
    assert (got.status, tries) == (429, 4)
    assert got.headers[b"retry-after"] == b"7"
    assert gate.clock.slept == [7.0, 7.0, 7.0]


@EVERY
async def test_a_retry_after_beyond_the_longest_wait_is_not_waited_for(shape: Shape) -> None:
    got, gate, tries = await answered(shape, scripted.json({}, 429, retry_after="61"))
    assert (got.status, tries, gate.clock.slept) == (429, 1, [])
    assert got.headers[b"retry-after"] == b"61"


@EVERY
@pytest.mark.parametrize(("status", "others"), [(500, 500), (503, 503), (529, 503)])
async def test_a_failing_provider_is_asked_again_and_its_status_passes(shape: Shape, status: int, others: int) -> None:
    failure = {"error": {"type": "overloaded_error", "message": "Overloaded"}}
    got, _, tries = await answered(shape, scripted.json(failure, status), retry={"attempts": 1})
    assert (got.status, tries) == (status if shape.format == "anthropic" else others, 2)
    assert got.json == failure


@EVERY
async def test_a_retry_that_succeeds_is_all_that_the_client_sees(shape: Shape) -> None:
    async with (
        provider(scripted.json({}, 529), scripted.json(shape.whole)) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert (got.status, got.json) == (200, shape.whole)
    assert len(up.asked) == 2
    assert up.asked[0].body == up.asked[1].body


@EVERY
@pytest.mark.parametrize("status", [200, 502])
async def test_a_page_of_html_is_no_answer(shape: Shape, status: int) -> None:
    got, _, _ = await answered(shape, page(status), retry={"attempts": 0})
    assert got.status == 502
    assert said(got, shape)[1] == (
        "The provider up sent an answer that cannot be used: it is not a JSON object."
        if status == 200
        else "The provider up answered with HTTP 502."
    )


@EVERY
async def test_a_redirect_is_no_answer(shape: Shape) -> None:
    got, _, _ = await answered(shape, Answer(302, {"location": "http://127.0.0.1:1/"}))
    assert got.status == 502
    assert said(got, shape)[1] == "The provider up answered with HTTP 302, which is no answer to a model call."


@EVERY
async def test_an_answer_that_is_cut_is_asked_for_again(shape: Shape) -> None:
    raw = json.dumps(shape.whole).encode()
    cut = Answer(200, {"content-type": "application/json"}, [raw[:40]], "cut")
    async with (
        provider(cut, scripted.json(shape.whole)) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert (got.status, got.json, len(up.asked)) == (200, shape.whole, 2)


@EVERY
async def test_a_provider_that_cannot_be_reached_is_a_502(shape: Shape) -> None:
    async with front(manifest("http://127.0.0.1:1" + shape.base, shape.type)) as gate:
        got = await gate.send(shape.path, shape.body())
    assert (got.status, len(gate.clock.slept)) == (502, 3)
    assert said(got, shape)[1] == "No connection to the provider up could be made."
    assert b"127.0.0.1" not in got.body


@EVERY
async def test_a_provider_that_does_not_answer_is_a_504(shape: Shape) -> None:
    models = manifest("", shape.type)
    async with provider(scripted.nothing()) as up:
        models["providers"]["up"] |= {"base_url": up.base + shape.base, "first_byte_timeout": "50ms"}
        async with front(models) as gate:
            got = await gate.send(shape.path, shape.body())
    assert (got.status, len(up.asked)) == (504, 1)
    assert said(got, shape)[1] == "The provider up did not answer in time."


@EVERY
async def test_an_error_behind_a_200_is_an_error(shape: Shape) -> None:
    failure = {"error": {"type": "overloaded_error", "message": "no room"}}
    got, _, _ = await answered(shape, scripted.json(failure), retry={"attempts": 0})
    assert got.status == (529 if shape.format == "anthropic" else 503)
    assert got.json == failure


@EVERY
async def test_a_damaged_gzip_body_is_no_answer(shape: Shape) -> None:
    broken = scripted.json(b"not gzip at all").but(
        headers={"content-type": "application/json", "content-encoding": "gzip"}
    )
    got, _, _ = await answered(shape, broken)
    assert got.status == 502
    assert said(got, shape)[1] == "The provider up sent an answer that cannot be used: its compressed body is damaged."


@EVERY
async def test_an_encoding_that_nobody_asked_for_is_no_answer(shape: Shape) -> None:
    odd = scripted.json(shape.whole).but(headers={"content-type": "application/json", "content-encoding": "zstd"})
    got, _, _ = await answered(shape, odd)
    assert got.status == 502
    assert "encoded as 'zstd'" in said(got, shape)[1]


@EVERY
async def test_invalid_json_is_the_clients_fault(shape: Shape) -> None:
    async with front(manifest("http://127.0.0.1:1" + shape.base, shape.type)) as gate:
        got = await gate.send(shape.path, b'{"model": ')
    assert got.status == 400
    kind, sentence = said(got, shape)
    assert kind in ("invalid_request_error", "INVALID_ARGUMENT")
    assert sentence.startswith("the body is not a JSON object")


@EVERY
async def test_an_unknown_model_is_a_404_with_the_nearest_names(shape: Shape) -> None:
    models = manifest("http://127.0.0.1:1" + shape.base, shape.type)
    models["routes"] = {"sonnet": models["routes"]["m"]}
    async with front(models) as gate:
        got = await gate.send(shape.path.replace("/m:", "/sonet:"), shape.body(model="sonet"))
    assert got.status == 404
    assert said(got, shape)[1] == "there is no model 'sonet' here; did you mean sonnet?"


@EVERY
async def test_a_key_in_the_address_is_refused(shape: Shape) -> None:
    async with front(manifest("http://127.0.0.1:1" + shape.base, shape.type)) as gate:
        got = await gate.send(shape.path + "?key=AIzaSecret", shape.body())
    assert got.status == 400
    assert said(got, shape)[1].startswith("the address must not carry a key")
    assert b"AIzaSecret" not in got.body


@EVERY
async def test_a_client_that_leaves_ends_the_providers_request(shape: Shape) -> None:
    async with (
        provider(scripted.nothing()) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
        asyncio.timeout(5),
    ):
        work = asyncio.create_task(gate.send(shape.path, shape.body()))
        await until(lambda: bool(up.asked))
        work.cancel()
        await asyncio.wait([work])
        await until(lambda: bool(up.left))
        assert work.cancelled()
        assert gate.means.providers["up"].active == 0
