"""llm/errors.py: what a provider's failure means for the caller."""

import pytest

from fedgate.core.errors import (
    GatewayError,
    Overloaded,
    UpstreamBroken,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)
from fedgate.llm.errors import LONGEST, in_stream, kind_of, of_error, of_status, to_error
from fedgate.llm.values import Failure


@pytest.mark.parametrize(
    ("status", "sort", "shown", "kind"),
    [
        (400, "client", 400, "invalid_request_error"),
        (401, "status", 502, "api_error"),
        (402, "status", 502, "api_error"),
        (403, "status", 502, "api_error"),
        (404, "status", 404, "not_found_error"),
        (408, "status", 408, "timeout_error"),
        (413, "client", 413, "request_too_large"),
        (422, "client", 422, "invalid_request_error"),
        (429, "status", 429, "rate_limit_error"),
        (500, "status", 500, "api_error"),
        (503, "status", 503, "overloaded_error"),
        (529, "status", 529, "overloaded_error"),
        (302, "invalid", 502, "api_error"),
        (204, "invalid", 502, "api_error"),
        (600, "invalid", 502, "api_error"),
    ],
)
def test_a_status_is_kept_where_it_means_something_to_the_caller(status: int, sort: str, shown: int, kind: str) -> None:
    failure = of_status("up", status, "", "")
    assert (failure.sort, failure.status, failure.kind, failure.provider_status) == (sort, shown, kind, status)


def test_the_callers_own_key_is_the_callers_affair() -> None:
    failure = of_status("up", 401, "authentication_error", "Incorrect key", callers_key=True)
    assert (failure.status, failure.kind, failure.message) == (401, "authentication_error", "Incorrect key")


def test_what_a_provider_says_of_the_gateways_key_stays_here() -> None:
    for status in (401, 402, 403):
        assert "sk-" not in of_status("up", status, "", "Incorrect API key: sk-123").message


def test_a_long_message_is_cut() -> None:
    assert len(of_status("up", 400, "", "x" * 5000).message) == LONGEST


@pytest.mark.parametrize(
    ("error", "sort", "status"),
    [
        (UpstreamTimeout("x"), "timeout", 504),
        (UpstreamRefused("10.0.0.1: refused"), "refused", 502),
        (UpstreamBroken("x"), "refused", 502),
        (UpstreamInvalid("it is odd"), "invalid", 502),
        (Overloaded("x"), "busy", 503),
    ],
)
def test_what_happens_on_the_way_has_a_sort(error: GatewayError, sort: str, status: int) -> None:
    failure = of_error("up", error)
    assert (failure.sort, failure.status) == (sort, status)
    assert "10.0.0.1" not in failure.message


@pytest.mark.parametrize(
    ("kind", "status"), [("overloaded_error", 529), ("rate_limit_error", 429), ("server_error", 500), ("", 500)]
)
def test_an_error_in_a_stream_has_the_status_of_its_kind(kind: str, status: int) -> None:
    assert in_stream("up", kind, "no").status == status


def test_a_wait_that_is_known_is_told_in_whole_seconds() -> None:
    failure = Failure("busy", "overloaded_error", 503, "x", retry_after=0.2)
    assert to_error(failure).headers == ((b"retry-after", b"1"),)
    told = Failure("status", "rate_limit_error", 429, "x", 429, 7.0, ((b"retry-after", b"7"),))
    assert to_error(told).headers == ((b"retry-after", b"7"),)


def test_a_kind_is_found_for_every_status() -> None:
    assert (kind_of(418), kind_of(599)) == ("invalid_request_error", "api_error")
