"""bench/issuer.py, with PyJWT as the judge of its token."""

import jwt

from bench.issuer import ALGORITHM, AUDIENCE, GROUPS, ISSUER, SUBJECT, issue


def test_the_token_is_good_for_whoever_has_the_issuers_public_key() -> None:
    issued = issue()
    (entry,) = issued.keys["keys"]
    key = jwt.PyJWK(entry)
    claims = jwt.decode(issued.token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["sub"], claims["groups"]) == (SUBJECT, list(GROUPS))
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_no_private_key_is_among_what_is_published_and_no_token_in_what_is_printed() -> None:
    issued = issue()
    assert "d" not in issued.keys["keys"][0]
    assert issued.token not in repr(issued)


def test_every_issuer_has_a_key_of_its_own() -> None:
    assert issue().keys != issue().keys
