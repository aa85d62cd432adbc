"""A token's form: what is no plain signed JWT is refused before anybody looks for a key."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.access.jws import MAX_HEADER, MAX_TOKEN, Refused, looks_like_token, split
from tests.access.issuer import signed

NESTED = "The token is nested or encrypted; send a plain signed one."
TYPE = "The token's typ is not that of an access token."
CRIT = "The token needs an extension that this gateway does not know (crit, b64)."


def segment(part: object) -> bytes:
    body = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=")


def token(header: object, claims: object = {"iss": "x"}, signature: bytes = b"sig") -> bytes:
    return b".".join((segment(header), segment(claims), segment(signature)))


def why(given: bytes) -> str:
    with pytest.raises(Refused) as caught:
        split(given)
    return str(caught.value)


def test_a_signed_token_is_taken_apart_and_nothing_of_it_is_altered() -> None:
    made = signed({"iss": "https://idp", "n": 1}, kid="k1").encode()
    form = split(made)
    assert (form.algorithm, form.kid, form.claims) == ("RS256", "k1", {"iss": "https://idp", "n": 1})
    assert form.signed == made.rpartition(b".")[0]
    assert segment(form.signature) == made.rpartition(b".")[2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"crit": ["exp"]}, CRIT),
        ({"crit": []}, CRIT),
        ({"b64": False}, CRIT),
        ({"b64": True}, CRIT),
        ({"jwk": {"kty": "RSA"}}, "The token brings its own key (jwk), which proves nothing."),
        ({"cty": "JWT"}, NESTED),
        ({"enc": "A256GCM"}, NESTED),
        ({"typ": "dpop+jwt"}, TYPE),
        ({"typ": "logout+jwt"}, TYPE),
        ({"typ": 7}, TYPE),
        ({"kid": 7}, "The token's kid is not readable."),
        ({"kid": "x" * 2000}, "The token's kid is not readable."),
        ({"alg": None}, "The token's header names no algorithm."),
        ({"alg": ["RS256"]}, "The token's header names no algorithm."),
    ],
)
def test_a_header_that_asks_for_more_than_a_signature_is_refused(more: dict[str, Any], said: str) -> None:
    assert why(token({"alg": "RS256", **more})) == said


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_types_of_access_tokens_pass(kind: str) -> None:
    assert split(token({"alg": "RS256", "typ": kind})).algorithm == "RS256"


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c", "x5t"])
def test_where_a_token_says_its_key_is_does_not_matter(name: str) -> None:
    assert split(token({"alg": "RS256", name: "https://evil.example/keys"})).kid is None


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"..",
        b"a.b",
        b"a.b.c.d.e",
        token([]),
        token("x"),
        token({"alg": "RS256"}, []),
        token({"alg": "RS256"}, b"{"),
        token(b'{"alg":"RS256","alg":"none"}'),
        token({"alg": "RS256"}, b'{"iss":"a","iss":"b"}'),
        token({"alg": "RS256"}, b'{"iss":"a","\\u0069ss":"b"}'),
        token({"alg": "RS256"}, b'{"iss":"\xff"}'),
        token({"alg": "RS256"}) + b"=",
        token({"alg": "RS256"}).replace(b".", b"=.", 1),
        token({"alg": "RS256"}) + b"\n",
        b"eyJhbGciOiJSUzI1NiJ9.e30.A",
        b"eyJhbGciOiJSUzI1NiJ9.e31.AA",
        token({"alg": "RS256"}, b"[" * 5000),
    ],
)
def test_what_is_no_jwt_is_refused_as_none(given: bytes) -> None:
    assert why(given) in ("The token is no signed JWT.", "The token is no readable JWT.")


def test_a_token_or_header_beyond_its_size_is_refused_unread() -> None:
    assert why(b"a" * (MAX_TOKEN + 1)) == f"The token is longer than {MAX_TOKEN} bytes."
    assert why(token({"alg": "RS256", "x": "y" * MAX_HEADER})) == "The token is no signed JWT."


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        (b"plain-key", False),
        (b"sk.with.dots", False),
        (token({"alg": "none"}), True),
        (token({"alg": "RS256"}), True),
        (token({"kid": "x"}), False),
        (b"a" * (MAX_TOKEN + 1), False),
    ],
)
def test_a_token_is_told_from_a_key_by_its_header(given: bytes, is_one: bool) -> None:
    assert looks_like_token(given) is is_one


@given(
    st.binary(max_size=200)
    | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda p: b".".join(map(segment, p)))
)
def test_no_bytes_bring_it_down(given: bytes) -> None:
    looks_like_token(given)
    with suppress(Refused):
        split(given)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "cty", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_no_header_brings_it_down(header: dict[str, Any]) -> None:
    try:
        form = split(token(header))
    except Refused:
        return
    assert form.algorithm == header["alg"]
    assert header.keys().isdisjoint(("crit", "b64", "jwk", "cty"))
