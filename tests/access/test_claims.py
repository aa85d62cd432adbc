"""What a token says: for us, now, by somebody; read strictly, each mistake in a sentence of its own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.access.claims import MAX_GROUPS, Bearer, claim, read
from fedgate.access.jws import Refused
from fedgate.access.jwt_settings import JwtIssuer

NOW = 1_000_000.0
ISSUER = "https://idp.example.com/"
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": "gateway", "sub": "alice", "exp": NOW + 100}


def issuer(**more: Any) -> JwtIssuer:
    return JwtIssuer.model_validate({"issuer": ISSUER, "audiences": ["gateway", "https://gw"], **more})


def bearer(changed: dict[str, Any], **more: Any) -> Bearer:
    return read({**GOOD, **changed}, issuer(**more), NOW)


def why(changed: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        bearer({name: part for name, part in changed.items() if part is not ...}, **more)
    return str(caught.value)


def test_the_bearer_is_named_by_issuer_and_subject() -> None:
    found = bearer({"groups": ["eng", "ops"], "scope": "a b a"}).principal
    assert (found.id, found.kind, found.issuer) == ("https://idp.example.com/#alice", "jwt", ISSUER)
    assert found.owner == "jwt:https://idp.example.com/#alice"
    assert (found.groups, found.scopes) == (("eng", "ops"), ("a", "b"))
    assert found.claims == {**GOOD, "groups": ["eng", "ops"], "scope": "a b a"}


@pytest.mark.parametrize("audience", ["gateway", "https://gw", ["other", "gateway"]])
def test_one_of_the_audiences_is_enough(audience: object) -> None:
    assert bearer({"aud": audience}).expires == NOW + 130


@pytest.mark.parametrize("audience", ["other", "Gateway", "gateway/", [], ["https://gw/"]])
def test_another_audience_is_refused(audience: object) -> None:
    assert why({"aud": audience}) == "The token is for another audience than this gateway (aud)."


@pytest.mark.parametrize("audience", [None, 7, {"gateway": 1}, ["gateway", 7], True])
def test_an_audience_that_is_no_text_is_refused(audience: object) -> None:
    assert why({"aud": audience}) == "The token says not, or not readably, for whom it is (aud)."


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exp": NOW - 30}, "The token has expired."),
        ({"exp": NOW - 31}, "The token has expired."),
        ({"nbf": NOW + 31}, "The token is not valid yet (nbf)."),
        ({"iat": NOW + 31}, "The token was issued in the future (iat)."),
        ({"exp": "1000100"}, "The token's exp is no date."),
        ({"exp": True}, "The token's exp is no date."),
        ({"exp": None}, "The token's exp is no date."),
        ({"exp": 1e300}, "The token's exp is no date."),
        ({"exp": float("inf")}, "The token's exp is no date."),
        ({"nbf": [1]}, "The token's nbf is no date."),
        ({"iat": "now"}, "The token's iat is no date."),
    ],
)
def test_a_token_that_does_not_count_now_is_refused(changed: dict[str, Any], said: str) -> None:
    assert why(changed) == said


def test_a_token_without_an_end_is_refused() -> None:
    with pytest.raises(Refused, match="does not say when it expires"):
        read({name: part for name, part in GOOD.items() if name != "exp"}, issuer(), NOW)


def test_clocks_may_differ_by_the_leeway() -> None:
    assert bearer({"exp": NOW - 29, "nbf": NOW + 30, "iat": NOW + 30}).expires == NOW + 1
    assert why({"exp": NOW - 29}, leeway=10.0) == "The token has expired."


def test_a_token_can_be_too_old() -> None:
    assert bearer({"iat": NOW - 60}, max_age=60.0).expires == NOW + 30
    assert why({"iat": NOW - 90}, max_age=60.0) == "The token is older than this gateway accepts (iat)."
    assert why({}, max_age=60.0) == "The token does not say when it was issued (iat)."


def test_only_time_can_mend_a_token_that_comes_too_early() -> None:
    for changed, lasting in (({"nbf": NOW + 99}, False), ({"iat": NOW + 99}, False), ({"exp": 1}, True)):
        with pytest.raises(Refused) as caught:
            bearer(changed)
        assert caught.value.lasting is lasting


@pytest.mark.parametrize(
    "changed", [{"typ": "ID"}, {"typ": "Refresh"}, {"token_use": "id"}, {"at_hash": "x"}, {"c_hash": "x"}]
)
def test_a_token_of_another_kind_by_the_same_issuer_is_refused(changed: dict[str, Any]) -> None:
    assert why(changed) == "The token is no access token: it says who logged in, or is for the issuer alone."
    assert bearer({"typ": "Bearer", "token_use": "access", "nonce": "n"}).principal.kind == "jwt"


def test_a_token_that_is_bound_to_a_key_is_not_taken_from_whoever_bears_it() -> None:
    said = "The token is bound to a key (cnf), of which this gateway cannot ask a proof."
    assert why({"cnf": {"jkt": "x"}}) == said


@pytest.mark.parametrize("subject", ["", None, 7, "a\nb", "a\x00", "x" * 256, "\u2028", ["alice"], "\x9b"])
def test_a_bearer_that_cannot_be_named_is_refused(subject: object) -> None:
    assert why({"sub": subject}) == "The token does not say readably who its bearer is (sub)."


def test_the_subject_may_stand_elsewhere() -> None:
    found = bearer({"oid": "0f", "act": {"sub": "x"}}, provider="entra").principal
    assert found.id == ISSUER + "#0f"
    assert bearer({"act": {"sub": "x"}}, subject_claim="act.sub").principal.id == ISSUER + "#x"


@pytest.mark.parametrize(
    ("claims", "more", "groups"),
    [
        ({"groups": ["a", "a", "", 7, "b"]}, {}, ("a", "b")),
        ({"groups": "one group"}, {}, ("one group",)),
        ({"groups": {"a": 1}}, {}, ()),
        ({"realm_access": {"roles": ["admin"]}}, {"provider": "keycloak"}, ("admin",)),
        ({"realm_access": ["roles"]}, {"provider": "keycloak"}, ()),
        ({"permissions": ["read:x"]}, {"provider": "auth0"}, ("read:x",)),
        ({"roles": ["App.Admin"]}, {"provider": "entra", "subject_claim": "sub"}, ("App.Admin",)),
        ({"https://example.com/roles": ["r"]}, {"groups_claim": "https://example.com/roles"}, ("r",)),
        ({"a.b": ["literal"], "a": {"b": ["path"]}}, {"groups_claim": "a.b"}, ("literal",)),
    ],
)
def test_groups_stand_where_the_issuer_puts_them(
    claims: dict[str, Any], more: dict[str, Any], groups: tuple[str, ...]
) -> None:
    assert bearer(claims, **more).principal.groups == groups


def test_groups_that_are_left_out_for_their_number_are_no_empty_list() -> None:
    over = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}}
    assert why(over) == "The token leaves out groups, which are too many for it: have the issuer send fewer."
    many = [str(number) for number in range(MAX_GROUPS + 1)]
    assert why({"groups": many}) == f"The token names more than {MAX_GROUPS} groups."


@pytest.mark.parametrize(
    ("claims", "more", "scopes"),
    [
        ({"scope": "a b"}, {}, ("a", "b")),
        ({"scp": ["a", "b"]}, {}, ("a", "b")),
        ({"scp": "a b"}, {"provider": "okta"}, ("a", "b")),
        ({"scope": "a", "scp": "b"}, {}, ("a",)),
        ({"scope": "a", "perms": ["p"]}, {"scopes_claim": "perms"}, ("p",)),
        ({"scope": 7}, {}, ()),
    ],
)
def test_scopes_are_a_text_or_a_list(claims: dict[str, Any], more: dict[str, Any], scopes: tuple[str, ...]) -> None:
    assert bearer(claims, **more).principal.scopes == scopes


def test_scopes_that_are_wanted_and_not_there_are_named() -> None:
    assert bearer({"scope": "b"}, required_scopes=["a", "b", "c"]).lacking == ("a", "c")
    assert bearer({"scope": "c b a"}, required_scopes=["a", "b", "c"]).lacking == ()


def test_a_path_ends_where_nothing_is() -> None:
    assert claim({"a": {"b": 1}}, "a.b.c") is None
    assert claim({}, "a") is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["aud", "sub", "exp", "nbf", "iat", "groups", "scope", "_claim_names"]), VALUES))
def test_no_claims_bring_it_down(claims: dict[str, Any]) -> None:
    try:
        found = bearer(claims)
    except Refused:
        return
    assert found.principal.owner.startswith("jwt:")
