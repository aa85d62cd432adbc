"""The gateway's key signs as RFC 7515 says, and can be told from its public half alone."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWK, PyJWKSet, api_jws
from jwt.exceptions import InvalidSignatureError

from fedgate.a2a.signing_key import BadKey, SigningKey

JKU = "https://gw.example.com/.well-known/jwks.json"

# RFC 6979 A.2.5: the key of the P-256 examples.
SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    hiding = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hiding)


def compact(signed: dict[str, str], payload: bytes) -> str:
    middle = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    return f"{signed['protected']}.{middle}.{signed['signature']}"


def test_another_implementation_verifies_the_signature_with_the_key_of_the_set() -> None:
    key = SigningKey()
    keys = PyJWKSet.from_json(key.jwks().decode())
    signed = key.sign(b"payload", JKU)
    assert api_jws.decode(compact(signed, b"payload"), keys[key.id], ["ES256"]) == b"payload"
    with pytest.raises(InvalidSignatureError):
        api_jws.decode(compact(signed, b"Payload"), keys[key.id], ["ES256"])


def test_the_protected_header_names_the_algorithm_the_key_and_where_it_is_found() -> None:
    key = SigningKey()
    header = json.loads(base64.urlsafe_b64decode(key.sign(b"x", JKU)["protected"] + "=="))
    assert header == {"alg": "ES256", "kid": key.id, "typ": "JOSE", "jku": JKU}


def test_the_key_set_holds_the_public_half_alone() -> None:
    (public,) = json.loads(SigningKey().jwks())["keys"]
    assert set(public) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (public["kty"], public["crv"], public["alg"], public["use"]) == ("EC", "P-256", "ES256", "sig")


def test_the_same_file_gives_the_same_key_and_the_same_signatures() -> None:
    file = pem(ec.derive_private_key(SECRET, ec.SECP256R1()))
    one, other = SigningKey(file), SigningKey(file)
    assert one.id == other.id
    assert one.jwks() == other.jwks()
    assert one.sign(b"x", JKU) == other.sign(b"x", JKU)
    assert SigningKey().id != SigningKey().id


def test_the_keys_name_is_its_thumbprint() -> None:
    key = SigningKey()
    (public,) = json.loads(key.jwks())["keys"]
    assert PyJWK(public).key_id == key.id
    assert len(base64.urlsafe_b64decode(key.id + "=")) == 32


def test_nothing_of_the_secret_is_in_its_repr() -> None:
    key = SigningKey()
    assert repr(key) == f"<SigningKey {key.id}>"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "is no private key in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is no private key in PEM form"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "is encrypted"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "is no P-256 key"),
        (pem(rsa.generate_private_key(65537, 2048)), "is no P-256 key"),
    ],
    ids=["empty", "garbage", "encrypted", "P-384", "RSA"],
)
def test_a_file_that_cannot_sign_is_refused_with_the_reason(file: bytes, why: str) -> None:
    with pytest.raises(BadKey, match=why):
        SigningKey(file)
