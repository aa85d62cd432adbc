"""AWS Signature Version 4 for one request with a body of bytes. Pure.

Our own because the maintained signers are heavy (botocore) or need a later Python. Checked against
AWS's published vectors and botocore. Above: `provider_bedrock`. Below: the standard library.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

import msgspec

ALGORITHM = "AWS4-HMAC-SHA256"


class AwsKey(msgspec.Struct, frozen=True):
    """Credentials and where they are used."""

    id: str
    secret: str
    token: str = ""
    """Of temporary credentials."""
    region: str = ""
    service: str = "bedrock"

    def __repr__(self) -> str:
        return f"AwsKey({self.region}/{self.service})"


def sign(key: AwsKey, host: str, path: str, headers: dict[str, str], body: bytes, now: float) -> dict[str, str]:
    """Headers to add to a POST: `x-amz-date`, `authorization`, and `x-amz-security-token` for temporary credentials.

    `path` is what stands in the request line, query included. `headers` (lower case) are signed too;
    those that a proxy may change should not be among them.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": stamp}
    if key.token:
        added["x-amz-security-token"] = key.token
    signed = {**headers, "host": host, **added}
    names = ";".join(sorted(signed))
    scope = f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"
    request = canonical("POST", path, signed, hashlib.sha256(body).hexdigest())
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = _hmac(_signing_key(key.secret, stamp[:8], key.region, key.service), text).hex()
    authorization = f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**added, "authorization": authorization}


def canonical(method: str, path: str, headers: dict[str, str], digest: str) -> str:
    """The canonical request: what both sides hash."""
    where, _, query = path.partition("?")
    # Outside of S3 the path that was sent is encoded once more.
    lines = [method, quote(where, safe="/-_.~"), _canonical_query(query)]
    lines += [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    return "\n".join((*lines, "", ";".join(sorted(headers)), digest))


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(sorted(f"{name}={value}" for name, _, value in pairs))


@lru_cache(64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
