"""llm/sigv4.py: signatures as AWS and botocore make them."""

from datetime import UTC, datetime

import pytest

from fedgate.llm.sigv4 import AwsKey, canonical, sign

KEY = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region="us-east-1")
HOST = "bedrock-runtime.us-east-1.amazonaws.com"
NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("path", "token", "body", "signature"),
    [
        (
            "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
            "",
            b'{"a":1}',
            "40b98e100d7acec1b7cc2f55f0d8f1366b493b43d2f790afa1e29a66772c8315",
        ),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream",
            "tok",
            b"",
            "de398766dd16ae84020c30b6e5a00b3b10451068422c0b8cd4a47bef35bffe95",
        ),
        ("/x?b=2&a=1", "", b"hi", "376172e297205ec0344817918e798d45105a32af1a7d63b9efa3ed36f624ddcd"),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(path: str, token: str, body: bytes, signature: str) -> None:
    key = AwsKey(KEY.id, KEY.secret, token, KEY.region)
    added = sign(key, HOST, path, {"content-type": "application/json"}, body, NOW)
    names = "content-type;host;x-amz-date" + (";x-amz-security-token" if token else "")
    assert added == {
        "x-amz-date": "20250102T030405Z",
        **({"x-amz-security-token": token} if token else {}),
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250102/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}",
    }


def test_awss_published_vector_for_a_plain_post_holds() -> None:
    # "post-vanilla" of the Signature Version 4 test suite.
    key = AwsKey(KEY.id, KEY.secret, "", "us-east-1", "service")
    now = datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC).timestamp()
    added = sign(key, "example.amazonaws.com", "/", {}, b"", now)
    assert added["authorization"].endswith("Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")


def test_the_canonical_request_is_that_of_the_specification() -> None:
    text = canonical("POST", "/a%3Ab?z=1&y=", {"host": "h", "x-b": " two   words "}, EMPTY)
    assert text == f"POST\n/a%253Ab\ny=&z=1\nhost:h\nx-b:two words\n\nhost;x-b\n{EMPTY}"


def test_a_key_does_not_show_its_secret() -> None:
    assert repr(KEY) == "AwsKey(us-east-1/bedrock)"
