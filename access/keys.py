"""API keys: from what a caller presents to who that is. Pure.

Keys are kept as SHA-256 digests only: neither a dump of this object nor its `repr` gives
one away. Above: `identify.py`. The entries are the manifest's (`access.keys`), which
refuses a key or an id that stands there twice.
"""

import hashlib
import hmac
from collections.abc import Iterable

from ..core.call import Principal
from .settings import ApiKey


class KeyRing:
    """All keys of a manifest, for the life of the process or until it is reloaded."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._principals = {key.digest: (key.digest, _principal(key)) for key in keys}

    def find(self, presented: bytes) -> Principal | None:
        """Whose key these bytes are. The time taken says nothing about the keys there are."""
        return self.held(hashlib.sha256(presented).digest())

    def held(self, digest: bytes) -> Principal | None:
        """Whose key has this SHA-256."""
        found = self._principals.get(digest)
        # The look-up compares digests, of which a caller can steer no prefix; the comparison
        # that decides is constant-time all the same.
        if found is None or not hmac.compare_digest(found[0], digest):
            return None
        return found[1]

    def __len__(self) -> int:
        return len(self._principals)

    def __repr__(self) -> str:
        return f"<KeyRing {len(self)} keys>"


def _principal(key: ApiKey) -> Principal:
    return Principal(id=key.id, kind="key", groups=key.groups, metadata=dict(key.metadata))
