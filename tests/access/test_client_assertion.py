"""What the gateway signs to prove who it is, judged by PyJWT; and what it does not sign with."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from jwt.types import Options

from fedgate.access.client_assertion import LIFETIME, BadKey, Signer
from tests.access.issuer import private

UNTIMED: Options = {"verify_exp": False, "verify_iat": False}
NOW = 1_800_000_000.9


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    written: bytes = key.private_bytes(  # type: ignore[attr-defined]
        Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
    )
    return written


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512"])
def test_a_server_that_knows_the_public_key_believes_it(algorithm: str) -> None:
    key = private(algorithm)
    signer = Signer(pem(key))
    made = signer.assertion("me", "https://idp", NOW, "n1")
    found = jwt.decode(made, key.public_key(), [algorithm], audience="https://idp", options=UNTIMED)
    since = int(NOW)
    expected = {"iss": "me", "sub": "me", "aud": "https://idp", "iat": since, "exp": since + LIFETIME, "jti": "n1"}
    assert found == expected
    assert jwt.get_unverified_header(made) == {"alg": algorithm, "typ": "JWT"}
    assert repr(signer) == f"<Signer {algorithm}>"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"s3cret",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
    ],
)
def test_what_is_no_key_to_sign_with_is_told_without_a_word_of_it(text: bytes) -> None:
    with pytest.raises(BadKey) as bad:
        Signer(text)
    assert str(bad.value).startswith("is no ")
    assert "s3cret" not in str(bad.value)
