"""llm/encoding.py: compressed answers are unpacked within a bound."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from fedgate.core.call import Header
from fedgate.core.errors import UpstreamInvalid
from fedgate.llm.encoding import STEP, decoded

pytestmark = pytest.mark.anyio

DATA = b"Hello there! " * 1000


class Answer:
    def __init__(self, encoding: bytes, *chunks: bytes) -> None:
        self.status = 200
        self.headers: tuple[Header, ...] = ((b"content-encoding", encoding), (b"x", b"y"))
        self.closed = False
        self._chunks = list(chunks)

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)

    async def read(self, limit: int) -> bytes:
        return b"".join(self._chunks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop(0)

    async def aclose(self) -> None:
        self.closed = True


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = [(b"gzip", gzip.compress(DATA)), (b"x-gzip", gzip.compress(DATA)), (b" GZIP ", gzip.compress(DATA))]
PACKED += [(b"deflate", zlib.compress(DATA)), (b"deflate", raw_deflate(DATA))]


@pytest.mark.parametrize(("encoding", "packed"), PACKED)
async def test_a_body_is_unpacked_whole_and_in_pieces(encoding: bytes, packed: bytes) -> None:
    assert await decoded(Answer(encoding, packed)).read(100_000) == DATA
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    assert b"".join([chunk async for chunk in decoded(Answer(encoding, *pieces))]) == DATA


async def test_what_is_not_encoded_is_the_answer_itself() -> None:
    answer = Answer(b"identity", DATA)
    assert decoded(answer) is answer


async def test_the_encoding_is_gone_from_the_headers() -> None:
    unpacked = decoded(Answer(b"gzip", gzip.compress(DATA)))
    assert unpacked.headers == ((b"x", b"y"),)
    assert unpacked.header(b"content-encoding") is None
    await unpacked.aclose()


async def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(UpstreamInvalid, match="longer than 1000 bytes"):
        await decoded(Answer(b"gzip", bomb)).read(1000)
    sizes = [len(chunk) async for chunk in decoded(Answer(b"gzip", bomb))]
    assert max(sizes) <= STEP


@pytest.mark.parametrize(
    ("packed", "sentence"), [(b"no gzip", "damaged"), (gzip.compress(DATA)[:-9], "cut short"), (b"", "cut short")]
)
async def test_a_damaged_body_is_no_answer(packed: bytes, sentence: str) -> None:
    with pytest.raises(UpstreamInvalid, match=sentence):
        await decoded(Answer(b"gzip", packed)).read(100_000)


def test_what_nobody_can_read_is_no_answer() -> None:
    with pytest.raises(UpstreamInvalid, match="encoded as 'br'"):
        decoded(Answer(b"br", DATA))
