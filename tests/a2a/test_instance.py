"""a2a/instance.py: which epoch an instance is in, and when it may be spoken to."""

import socket
import ssl
from collections.abc import Callable
from errno import ECONNREFUSED, EHOSTUNREACH, ENETUNREACH

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.identity import epoch_of
from fedgate.a2a.instance import MAX_LEFT, NEXT, Instance, Setup, mint_epoch, refuses
from fedgate.a2a.interfaces import place
from fedgate.core.clock import ManualClock
from fedgate.core.errors import (
    GatewayError,
    Overloaded,
    UpstreamBroken,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)

PLACE = place("http://10.0.0.7:9101/base?key=secret")


class Seen:
    """An instance under a manual clock, and what it called."""

    def __init__(self, epoch: str = "", **setup: object) -> None:
        self.clock = ManualClock(1000.0)
        numbers = iter(range(100))
        self.it = Instance(
            Setup(agent="scout", name="s1", place=PLACE, lost_after=20.0, epoch=epoch),
            self.clock,
            lambda: f"e{next(numbers)}",
        )
        self.epochs: list[str] = []
        self.states: list[tuple[str, str]] = []
        self.doubts = 0
        self.it.on_epoch = lambda instance: self.epochs.append(instance.epoch)
        self.it.on_change = lambda instance: self.states.append((instance.state, instance.reason))
        self.it.on_doubt = self._doubt

    def _doubt(self) -> None:
        self.doubts += 1

    def reach(self, identity: str = "") -> None:
        self.it.reached(self.it.asked(), identity)

    def lose(self) -> None:
        self.it.missed("timed out")
        self.clock.advance(20.0)
        self.it.tick()


def ready(epoch: str = "") -> Seen:
    seen = Seen(epoch)
    seen.reach()
    seen.states.clear()
    return seen


# States.


def test_every_state_has_every_move() -> None:
    states = ("starting", "ready", "unreachable", "lost")
    assert set(NEXT) == {(state, event) for state in states for event in ("reached", "missed", "expired")}


def test_a_new_instance_is_starting_and_gets_nothing() -> None:
    it = Seen().it
    assert (it.state, it.reason, it.usable, it.open, it.known) == ("starting", "not reached yet", False, False, False)


def test_an_answered_probe_makes_it_ready() -> None:
    seen = Seen()
    seen.reach()
    assert (seen.it.state, seen.it.reason, seen.it.usable, seen.it.open) == ("ready", "", True, True)
    assert seen.states == [("ready", "")]


def test_a_second_answered_probe_changes_nothing() -> None:
    seen = ready()
    seen.reach()
    assert (seen.states, seen.epochs) == ([], ["e0"])


@pytest.mark.parametrize("start", [Seen, ready])
def test_a_missed_probe_makes_it_unreachable_at_once(start: Callable[[], Seen]) -> None:
    seen = start()
    seen.it.missed("timed out")
    assert (seen.it.state, seen.it.reason, seen.it.usable, seen.it.open) == ("unreachable", "timed out", False, False)


def test_it_is_lost_when_it_was_unreachable_for_so_long_and_not_before() -> None:
    seen = ready()
    seen.it.missed("timed out")
    seen.clock.advance(19.75)
    seen.it.missed("timed out")
    seen.it.tick()
    assert seen.it.state == "unreachable"
    seen.clock.advance(0.25)
    seen.it.tick()
    assert (seen.it.state, seen.it.reason) == ("lost", "timed out")
    seen.it.missed("timed out again")
    assert (seen.it.state, seen.it.reason) == ("lost", "timed out again")


def test_an_answer_in_between_begins_the_time_anew() -> None:
    seen = ready()
    seen.it.missed("timed out")
    seen.clock.advance(19.0)
    seen.reach()
    seen.it.missed("timed out")
    seen.clock.advance(19.0)
    seen.it.tick()
    assert seen.it.state == "unreachable"


def test_an_instance_that_was_never_reached_is_lost_too() -> None:
    seen = Seen()
    seen.lose()
    assert seen.it.state == "lost"


@pytest.mark.parametrize("start", [Seen, ready])
def test_time_alone_loses_nobody(start: Callable[[], Seen]) -> None:
    seen = start()
    before = seen.it.state
    seen.clock.advance(10_000.0)
    seen.it.tick()
    assert seen.it.state == before


def test_since_is_when_the_state_began() -> None:
    seen = ready()
    seen.clock.advance(5.0)
    seen.it.missed("timed out")
    seen.clock.advance(5.0)
    seen.it.missed("timed out in another way")
    assert seen.it.since == 1005.0


def test_a_draining_instance_keeps_its_conversations_and_gets_no_new_ones() -> None:
    it = ready().it
    it.draining = True
    assert (it.usable, it.open) == (True, False)


def test_an_instance_that_left_dns_keeps_its_conversations_and_gets_no_new_ones() -> None:
    it = ready().it
    it.withdrawn = True
    assert (it.usable, it.open) == (True, False)


# Epochs.


def test_the_first_answer_settles_the_first_epoch() -> None:
    seen = Seen()
    assert seen.epochs == []
    seen.reach()
    assert (seen.epochs, seen.it.label, seen.it.known) == (["e0"], "s1#e0", True)


def test_an_epoch_of_an_earlier_run_goes_on() -> None:
    seen = Seen("kept")
    assert seen.it.known
    seen.reach()
    assert (seen.it.label, seen.epochs) == ("s1#kept", [])


@pytest.mark.parametrize("times", [1, 3])
def test_a_timeout_is_no_new_epoch(times: int) -> None:
    seen = ready("kept")
    for _ in range(times):
        seen.it.missed("timed out")
    seen.reach()
    assert (seen.it.label, seen.epochs) == ("s1#kept", [])


def test_a_lost_instance_that_never_refused_returns_in_its_epoch() -> None:
    seen = ready("kept")
    seen.lose()
    seen.reach()
    assert (seen.it.state, seen.it.label) == ("ready", "s1#kept")


def test_refusing_and_coming_back_is_a_new_epoch() -> None:
    seen = ready("kept")
    seen.it.refused("it refused the connection")
    assert (seen.it.state, seen.it.label, seen.it.usable) == ("unreachable", "s1#kept", False)
    seen.reach()
    assert (seen.it.state, seen.it.label, seen.epochs) == ("ready", "s1#e0", ["e0"])


def test_refusing_while_starting_ends_the_epoch_of_the_earlier_run() -> None:
    seen = Seen("kept")
    seen.it.refused("it refused the connection")
    seen.reach()
    assert seen.it.label == "s1#e0"


def test_a_refusal_is_not_forgotten_by_what_comes_between() -> None:
    seen = ready("kept")
    seen.it.refused("it refused the connection")
    seen.it.missed("it answers HTTP 503")
    seen.clock.advance(60.0)
    seen.it.tick()
    assert seen.it.state == "lost"
    seen.reach()
    assert seen.it.label == "s1#e0"


def test_many_refusals_are_one_new_epoch() -> None:
    seen = ready("kept")
    for _ in range(5):
        seen.it.refused("it refused the connection")
    seen.reach()
    seen.reach()
    assert seen.epochs == ["e0"]


def test_an_answer_to_a_probe_from_before_the_refusal_settles_nothing() -> None:
    seen = ready("kept")
    asked = seen.it.asked()
    seen.it.refused("it refused the connection")
    seen.it.reached(asked)
    assert (seen.it.state, seen.it.label) == ("unreachable", "s1#kept")
    seen.reach()
    assert (seen.it.state, seen.it.label) == ("ready", "s1#e0")


def test_the_epoch_is_told_before_the_instance_is_ready() -> None:
    seen = ready("kept")
    seen.it.refused("it refused the connection")
    told: list[str] = []
    seen.it.on_epoch = lambda instance: told.append(instance.state)
    seen.reach()
    assert told == ["unreachable"]


# Identities.


def test_a_reported_identity_names_the_epoch() -> None:
    seen = Seen()
    seen.reach("pod-1")
    assert (seen.it.epoch, seen.epochs) == (epoch_of("pod-1"), [epoch_of("pod-1")])


def test_the_same_identity_is_the_same_epoch_in_another_run() -> None:
    seen = Seen(epoch_of("pod-1"))
    seen.reach("pod-1")
    assert seen.epochs == []


def test_another_identity_after_a_restart_of_the_gateway_is_a_new_epoch() -> None:
    seen = Seen(epoch_of("pod-1"))
    seen.reach("pod-2")
    assert seen.epochs == [epoch_of("pod-2")]


def test_another_identity_is_a_new_epoch_without_any_refusal() -> None:
    seen = Seen()
    seen.reach("pod-1")
    seen.reach("pod-2")
    assert (seen.it.state, seen.it.epoch) == ("ready", epoch_of("pod-2"))


def test_traffic_that_shows_another_identity_ends_the_epoch_at_once() -> None:
    seen = Seen()
    seen.reach("pod-1")
    seen.it.identified("pod-1")
    seen.it.identified("")
    assert seen.it.epoch == epoch_of("pod-1")
    seen.it.identified("pod-2")
    assert seen.epochs == [epoch_of("pod-1"), epoch_of("pod-2")]


def test_traffic_cannot_settle_an_epoch_that_a_refusal_has_ended() -> None:
    seen = Seen()
    seen.reach("pod-1")
    seen.it.refused("it refused the connection")
    seen.it.identified("pod-2")
    assert (seen.it.epoch, seen.it.usable) == (epoch_of("pod-1"), False)


def test_a_process_that_restarts_under_its_old_identity_is_another_one() -> None:
    seen = Seen()
    seen.reach("pod-1")
    for number in (1, 2):
        seen.it.refused("it refused the connection")
        seen.reach("pod-1")
        assert seen.it.epoch == f"{epoch_of('pod-1')}-e{number}"
    seen.reach("pod-1")
    assert len(seen.epochs) == 3


def test_refusing_and_coming_back_as_another_is_the_other_epoch() -> None:
    seen = Seen()
    seen.reach("pod-1")
    seen.it.refused("it refused the connection")
    seen.reach("pod-2")
    assert seen.epochs == [epoch_of("pod-1"), epoch_of("pod-2")]


def test_an_epoch_that_has_ended_does_not_return_with_its_identity() -> None:
    seen = Seen()
    for identity in ("pod-1", "pod-2", "pod-1"):
        seen.reach(identity)
    assert seen.epochs == [epoch_of("pod-1"), epoch_of("pod-2"), f"{epoch_of('pod-1')}-e1"]


def test_only_so_many_ended_epochs_are_remembered() -> None:
    seen = Seen()
    for number in range(MAX_LEFT + 2):
        seen.reach(f"pod-{number}")
    seen.reach("pod-2")
    assert seen.it.epoch == f"{epoch_of('pod-2')}-e1"
    seen.reach("pod-0")
    assert seen.it.epoch == epoch_of("pod-0")


# What traffic sees.


def from_cause(cause: BaseException | None) -> UpstreamRefused:
    error = UpstreamRefused("no connection")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "cause",
    [
        None,
        ConnectionRefusedError(ECONNREFUSED, "refused"),
        OSError("Multiple exceptions: [Errno 111], [Errno 111]"),
        ConnectionResetError("closed at once"),
        UpstreamInvalid("the proxy answered 502"),
    ],
)
def test_no_listener_is_a_refusal_and_so_is_what_is_in_doubt(cause: BaseException | None) -> None:
    assert refuses(from_cause(cause))


@pytest.mark.parametrize(
    "cause",
    [
        socket.gaierror(socket.EAI_NONAME, "unknown"),
        ssl.SSLCertVerificationError("expired"),
        TimeoutError("timed out"),
        OSError(EHOSTUNREACH, "no route"),
        OSError(ENETUNREACH, "no network"),
    ],
)
def test_a_broken_network_says_nothing_of_the_process(cause: BaseException) -> None:
    assert not refuses(from_cause(cause))


def test_a_refused_request_ends_use_at_once_and_asks_for_a_probe() -> None:
    seen = ready()
    seen.it.failed(from_cause(ConnectionRefusedError()))
    assert (seen.it.state, seen.it.usable, seen.doubts) == ("unreachable", False, 1)


@pytest.mark.parametrize("error", [UpstreamBroken("cut"), from_cause(socket.gaierror())])
def test_a_broken_request_asks_for_a_probe_and_changes_nothing(error: GatewayError) -> None:
    seen = ready()
    seen.it.failed(error)
    assert (seen.it.state, seen.doubts, seen.epochs) == ("ready", 1, ["e0"])


@pytest.mark.parametrize("error", [UpstreamTimeout("slow"), UpstreamInvalid("odd"), Overloaded("full")])
def test_a_slow_or_odd_answer_changes_nothing(error: GatewayError) -> None:
    seen = ready()
    seen.it.failed(error)
    assert (seen.it.state, seen.doubts) == ("ready", 0)


# Names.


def test_an_epoch_is_kept_under_agent_name_and_address_without_the_query() -> None:
    assert Seen().it.key == "scout/s1@http://10.0.0.7:9101/base"


def test_its_repr_shows_no_address() -> None:
    assert repr(ready().it) == "<Instance scout/s1#e0 ready, 0 in flight>"


def test_minted_epochs_are_all_different() -> None:
    assert len({mint_epoch() for _ in range(100)}) == 100


MOVES = st.sampled_from(["reach", "reach-a", "reach-b", "stale", "refused", "missed", "time", "traffic-a"])


@given(st.lists(MOVES, max_size=30))
def test_whatever_happens_no_epoch_returns_after_a_refusal_and_nothing_is_sent_before_a_probe(moves: list[str]) -> None:
    seen = Seen()
    ended: set[str] = set()
    refused = False
    for move in moves:
        epoch = seen.it.epoch
        match move:
            case "reach" | "reach-a" | "reach-b":
                seen.reach(move.partition("-")[2])
                assert not refused or seen.it.epoch != epoch
                refused = False
            case "stale":
                seen.it.reached(seen.it.asked() - 1)
            case "refused":
                seen.it.refused("it refused the connection")
                refused = True
            case "missed":
                seen.it.missed("timed out")
            case "time":
                seen.clock.advance(20.0)
                seen.it.tick()
            case _:
                seen.it.identified("a")
        if seen.it.epoch != epoch:
            ended.add(epoch)
        assert seen.it.epoch not in ended
        assert not (refused and seen.it.usable)
