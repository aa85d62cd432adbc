"""From a request that is bound to the reply of a provider: chooses, walks, replies. The heart of this part.

Above: `endpoint`. Below: `attempts` (who is asked), `attempt` (how), `ledger` (what it cost).
"""

from collections.abc import AsyncIterator

from ..core.call import SSE, Call, Header, Reply
from .attempt import JSON_BODY, Attempt, Streaming, Whole
from .attempts import AllFailed, Means, Walk, Won
from .call import Http
from .errors import ModelError, to_error
from .facts import Facts
from .ledger import Ledger, dropped_header
from .rendering import Wire
from .stream_relay import StreamBody
from .values import Asked, Decision, Failure

STREAM_HEADERS: tuple[Header, ...] = (SSE, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
ARRAY_HEADERS: tuple[Header, ...] = (JSON_BODY, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


class Relay:
    """For all routes."""

    def __init__(self, http: Http, means: Means, ledger: Ledger) -> None:
        self._http = http
        self._means = means
        self._ledger = ledger

    async def relay(self, call: Call, facts: Facts) -> Reply:
        """Raises `ModelError` if no target answered, `ClientError` if none can be chosen."""
        record, asked = call.record, facts.asked
        decision, route = self._means.chooser.choose(facts, facts.route)
        attempt = Attempt(self._http, self._means, call, asked, route)
        started = self._means.clock.monotonic()
        walk: Walk[Whole | Streaming] = Walk(self._means, decision, route, asked.model, attempt)
        try:
            won = await walk.run()
        except AllFailed as failed:
            providers = dict(self._means.providers)
            headers = self._ledger.failed(record, decision, providers, asked.model, failed.misses)
            raise self._error(call, failed, headers) from failed
        finally:
            record.upstream_seconds += self._means.clock.monotonic() - started
        answer = won.answer
        told = answer.told if isinstance(answer, Whole) else answer.pieces.told
        self._means.chooser.kept(facts, decision, won.target, told)
        return self._reply(call, asked, decision, won)

    def _error(self, call: Call, failed: AllFailed, headers: tuple[Header, ...]) -> ModelError:
        wire: Wire = call.record.wire
        wire.headers = headers
        return to_error(worst(failed))

    def _reply(self, call: Call, asked: Asked, decision: Decision, won: Won[Whole | Streaming]) -> Reply:
        answer = won.answer
        headers = self._ledger.chosen(call.record, decision, won)
        if isinstance(answer, Whole):
            self._ledger.answered(call, won, answer.told, 200)
            if answer.dropped:
                headers += dropped_header(answer.dropped)
            return Reply(200, answer.headers + headers, answer.body)
        kind = ARRAY_HEADERS if asked.array else STREAM_HEADERS
        return Reply(
            200,
            (*kind, *answer.headers, *headers, *dropped_header(answer.pieces.dropped)),
            self._body(call, won, answer),
        )

    def _body(self, call: Call, won: Won[Whole | Streaming], streaming: Streaming) -> AsyncIterator[bytes]:
        slot = won.slot

        def ended(body: StreamBody, failure: Failure | None, left: bool) -> None:
            if failure is not None:
                slot.lost(failure)
            elif left:
                slot.left()
            else:
                slot.won()
            self._ledger.streamed(call, won, streaming.pieces.told, body.content_at)
            self._ledger.answered(call, won, streaming.pieces.told, 200, failure)

        slot.answering()
        return StreamBody(
            won.provider.name, streaming.answer, streaming.pieces, streaming.held, self._means.clock, ended
        )


def worst(failed: AllFailed) -> Failure:
    """What the caller is told: the last failure that came from a provider, else the last one at all."""
    spoken = [miss.failure for miss in failed.misses if miss.failure.sort not in ("busy", "unfit")]
    return spoken[-1] if spoken else failed.misses[-1].failure
