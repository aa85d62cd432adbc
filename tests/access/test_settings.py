import hashlib
from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.access.settings import AccessSettings, ApiKey
from fedgate.core.values import Refusal

KEY = "k-0123456789"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()


def refusals(model: Any, value: object) -> list[Refusal]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    found = [refusal for error in caught.value.errors() for refusal in error["ctx"]["refusals"]]
    assert KEY not in str(found)
    assert KEY not in str(caught.value)
    return found


def test_nobody_is_configured_by_default() -> None:
    assert AccessSettings() == AccessSettings(keys=(), jwt=(), trusted_proxies=None, anonymous=None, admins=())


def test_a_key_and_its_digest_are_the_same_to_the_check() -> None:
    plain = ApiKey.model_validate({"id": "alice", "key": KEY, "groups": ["eng"], "metadata": {"team": "core"}})
    hashed = ApiKey.model_validate({"id": "alice", "key_sha256": DIGEST.upper()})
    assert plain.digest == hashed.digest == bytes.fromhex(DIGEST)
    assert hashed.key_sha256 == DIGEST
    assert (plain.groups, plain.metadata) == (("eng",), {"team": "core"})


def test_a_key_is_never_shown() -> None:
    settings = AccessSettings.model_validate({"keys": [{"id": "alice", "key": KEY}]})
    assert KEY not in repr(settings) + str(settings) + str(settings.model_dump())


def test_settings_with_equal_keys_are_equal() -> None:
    one, same, other = (
        AccessSettings.model_validate({"keys": [{"id": "a", "key": key}]}) for key in (KEY, KEY, KEY + "x")
    )
    assert one == same != other


def test_exactly_one_form_of_a_key_is_given() -> None:
    assert refusals(ApiKey, {"id": "a"})[0].what == 'needs "key" or "key_sha256"'
    assert refusals(ApiKey, {"id": "a", "key": None})[0].what == 'needs "key" or "key_sha256"'
    assert refusals(ApiKey, {"id": "a", "key": KEY, "key_sha256": DIGEST})[0].what == 'has both "key" and "key_sha256"'


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("", "is shorter than 8 characters"),
        ("1234567", "is shorter than 8 characters"),
        ("1234 5678", "cannot be sent in a header"),
        ("12345678\n", "cannot be sent in a header"),
        ("12345678é", "cannot be sent in a header"),
        ("x" * 513, "cannot be sent in a header"),
    ],
)
def test_a_key_that_cannot_serve_is_refused(key: str, what: str) -> None:
    assert refusals(ApiKey, {"id": "a", "key": key})[0].what == what


@pytest.mark.parametrize("digest", ["", "abc", "g" * 64, DIGEST + "0", DIGEST + "\n"])
def test_a_digest_has_64_hexadecimal_digits(digest: str) -> None:
    assert refusals(ApiKey, {"id": "a", "key_sha256": digest}) == [
        Refusal("must be 64 hexadecimal digits", "take the output of: printf %s YOUR_KEY | sha256sum")
    ]


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 129, "a\n"])
def test_an_id_fits_logs_and_rules(name: str) -> None:
    assert refusals(ApiKey, {"id": name, "key": KEY})[0].what == "must be a short id"


def test_an_id_is_not_that_of_anonymous_callers() -> None:
    assert refusals(ApiKey, {"id": "anonymous", "key": KEY})[0].what == "is reserved"


def test_an_empty_group_or_admin_is_refused() -> None:
    assert refusals(ApiKey, {"id": "a", "key": KEY, "groups": [" "]})[0].what == "must not be empty"
    assert refusals(AccessSettings, {"admins": [""]})[0].what == "must not be empty"


def test_equal_ids_and_equal_keys_are_refused_all_at_once() -> None:
    keys = [
        {"id": "a", "key": KEY},
        {"id": "b", "key_sha256": DIGEST},
        {"id": "a", "key": KEY},
    ]
    assert refusals(AccessSettings, {"keys": keys}) == [
        Refusal("is the same key again", "give each caller a key of its own", ("keys", 1, "key_sha256"), ("keys", 0)),
        Refusal("is used twice", "give each key an id of its own", ("keys", 2, "id"), ("keys", 0, "id")),
        Refusal("is the same key again", "give each caller a key of its own", ("keys", 2, "key"), ("keys", 0)),
    ]
