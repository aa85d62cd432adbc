import pytest
from pydantic import ValidationError

from fedgate.access.settings import AccessSettings, ApiKey
from fedgate.core.values import Refusal
from fedgate.gateway.settings import GatewaySettings, Listen
from fedgate.manifest.model import Manifest, conflicts

OPEN = GatewaySettings(listen=Listen("0.0.0.0", 8080))
LOOPBACK = GatewaySettings()
KEYS = (ApiKey(id="a", key_sha256="0" * 64),)

NOBODY = Refusal(
    "is an address that other machines can reach, but nobody has to say who they are",
    "add access.keys or access.jwt, or listen on 127.0.0.1",
    ("gateway", "listen"),
)
ANYBODY = Refusal(
    "must not be true on an address that other machines can reach",
    "take it away, or listen on 127.0.0.1",
    ("access", "anonymous"),
)


def test_an_empty_manifest_serves_loopback_anonymously() -> None:
    assert Manifest.model_validate({}) == Manifest()
    assert Manifest().anonymous


@pytest.mark.parametrize(
    ("access", "found"),
    [
        (AccessSettings(), [NOBODY]),
        (AccessSettings(anonymous=False), [NOBODY]),
        (AccessSettings(anonymous=True), [NOBODY, ANYBODY]),
        (AccessSettings(keys=KEYS, anonymous=True), [ANYBODY]),
        (AccessSettings(keys=KEYS), []),
        (AccessSettings(keys=KEYS, anonymous=False), []),
    ],
)
def test_an_open_address_needs_keys_and_no_anonymous_callers(access: AccessSettings, found: list[Refusal]) -> None:
    assert list(conflicts(OPEN, access)) == found
    assert list(conflicts(LOOPBACK, access)) == []
    if found:
        with pytest.raises(ValidationError) as caught:
            Manifest(gateway=OPEN, access=access)
        assert caught.value.errors()[0]["ctx"]["refusals"] == found
    else:
        assert not Manifest(gateway=OPEN, access=access).anonymous


@pytest.mark.parametrize(
    ("access", "anonymous"),
    [
        (AccessSettings(), True),
        (AccessSettings(keys=KEYS), False),
        (AccessSettings(keys=KEYS, anonymous=True), True),
        (AccessSettings(anonymous=False), False),
    ],
)
def test_on_loopback_anonymous_is_what_is_said_or_that_no_key_is_configured(
    access: AccessSettings, anonymous: bool
) -> None:
    assert Manifest(access=access).anonymous is anonymous
