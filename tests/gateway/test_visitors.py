"""Who administers: an administrator by key; this machine only while nobody has to say who they are."""

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from fedgate.access.hosts import HostPolicy
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.core.call import ANONYMOUS, Principal
from fedgate.core.errors import ClientError, Forbidden, Misdirected, Unauthorized
from fedgate.gateway.visitors import Head, Visitors

KEYS = (
    ApiKey(id="root", key=SecretStr("the-root-key")),
    ApiKey(id="op", key=SecretStr("operator-key"), groups=("admins",)),
    ApiKey(id="user", key=SecretStr("user-key"), groups=("users",)),
)
HERE, THERE = "127.0.0.1", "192.0.2.1"


def visitors(*keys: ApiKey) -> Visitors:
    return Visitors(KeyRing(keys), frozenset({"root", "admins"}), HostPolicy(True, None, ()))


def request(address: str | None = HERE, /, **headers: str) -> Request:
    sent = {"host": "localhost", **headers}
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
    return Request({"type": "http", "headers": lines, "client": (address, 5000) if address else None})


def refused(by: Visitors, asked: Request) -> ClientError:
    with pytest.raises(ClientError) as error:
        by.admin(asked)
    return error.value


@pytest.mark.parametrize("address", [HERE, THERE])
@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({"authorization": "Bearer the-root-key"}, "root"),
        ({"x_api_key": "operator-key"}, "op"),
        ({"authorization": "Bearer the-root-key", "x_forwarded_for": "192.0.2.9"}, "root"),
    ],
)
def test_an_administrator_administers_from_anywhere(address: str, headers: dict[str, str], who: str) -> None:
    assert visitors(*KEYS).admin(request(address, **headers)).id == who


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_administers_while_nobody_has_to_say_who_they_are(address: str) -> None:
    assert visitors().admin(request(address)) == ANONYMOUS


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x_api_key": "wrong"}])
def test_with_keys_this_machine_needs_one_too(headers: dict[str, str]) -> None:
    error = refused(visitors(*KEYS), request(HERE, **headers))
    assert isinstance(error, Unauthorized)
    assert error.headers == ((b"www-authenticate", b'Bearer realm="fedgate"'),)
    assert error.message == "administration needs the key of a caller in access.admins"


def test_a_key_that_is_no_administrators_is_not_enough() -> None:
    error = refused(visitors(*KEYS), request(HERE, authorization="Bearer user-key"))
    assert isinstance(error, Forbidden)
    assert error.message == "administration is for callers in access.admins, and user is not one"


@pytest.mark.parametrize("address", [THERE, "::ffff:192.0.2.1", "testclient", None])
def test_without_keys_nobody_else_administers(address: str | None) -> None:
    assert isinstance(refused(visitors(), request(address)), Unauthorized)


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for"])
def test_what_a_proxy_on_this_machine_passes_on_comes_from_elsewhere(header: str) -> None:
    assert isinstance(refused(visitors(), request(HERE, **{header: "192.0.2.9"})), Unauthorized)


def test_a_wrong_key_is_refused_even_where_none_is_needed() -> None:
    assert isinstance(refused(visitors(), request(HERE, authorization="Bearer anything")), Unauthorized)


@pytest.mark.parametrize(
    ("headers", "kind"), [({"host": "evil.example"}, Misdirected), ({"origin": "https://evil.example"}, Forbidden)]
)
def test_a_foreign_page_cannot_administer_through_a_browser_of_this_machine(
    headers: dict[str, str], kind: type[ClientError]
) -> None:
    assert isinstance(refused(visitors(), request(HERE, **headers)), kind)


def test_somebody_whom_an_issuer_calls_like_an_administrators_key_is_none() -> None:
    judge = visitors()
    assert judge.is_admin(Principal(id="root", kind="key"))
    assert not judge.is_admin(Principal(id="root", kind="jwt"))
    assert judge.is_admin(Principal(id="x", kind="jwt", groups=("admins",)))


def test_whether_somebody_may_administer_can_be_asked() -> None:
    judge = visitors(*KEYS)
    asked = {"the-root-key": True, "operator-key": True, "user-key": False, "wrong": False}
    assert {key: judge.may_administer(request(THERE, x_api_key=key)) for key in asked} == asked
    assert (judge.may_administer(request()), visitors().may_administer(request())) == (False, True)


@pytest.mark.parametrize("address", [HERE, THERE, None])
@pytest.mark.parametrize("key", ["the-root-key", "user-key"])
def test_the_head_of_a_scope_is_judged_as_starlettes_request(address: str | None, key: str) -> None:
    lines = [(b"host", b"localhost"), (b"authorization", b"Bearer " + key.encode()), (b"authorization", b"Bearer no")]
    scope = {"type": "http", "headers": lines, "client": (address, 5000) if address else None}
    for judge in (visitors(), visitors(*KEYS)):
        assert judge.may_administer(Head(scope)) == judge.may_administer(Request(scope))
        assert judge.may_look(Head(scope)) == judge.may_look(Request(scope))
