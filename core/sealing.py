"""A box for what leaves the process and comes back from an untrusted place: encrypted and authenticated.

AES-256-GCM under a key that lives with the process; what is inside, how long it is good for and for
whom is the caller's affair. Above: sealed request state (MCP), page tokens and callbacks (A2A).
"""

import base64
import binascii
import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Box:
    """`seal` and `open` with one key."""

    @cached_property
    def _cipher(self) -> "AESGCM":
        # With the first thing to seal: the library is heavy, and most gateways never need a box.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(AESGCM.generate_key(256))

    def seal(self, plain: bytes) -> str:
        """URL-safe text that tells nothing; another one each time."""
        nonce = os.urandom(_NONCE)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, None)).decode()

    def open(self, sealed: str, limit: int) -> bytes:
        """What was sealed. `ValueError` for what was not, or was changed, or has more than `limit` characters."""
        from cryptography.exceptions import InvalidTag

        if len(sealed) > limit:
            raise ValueError("too long")
        try:
            raw = base64.b64decode(sealed, altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], None)
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise ValueError("not sealed here") from error
