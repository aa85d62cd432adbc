"""Which requests are one conversation: the key that its client gives it, else what it begins with. Pure.

Keys are named by their callers, so they are worth something only together with the caller and the route. Above:
`conversations`. Below: `facts`.
"""

from hashlib import blake2b, sha256

import msgspec

from ..core.rawjson import sub, text, value
from .facts import Facts

HEADERS = (b"x-claude-code-session-id", b"session-id", b"session_id", b"x-session-id", b"x-session-affinity")
"""Headers in which clients name their sessions: Claude Code, Codex (either spelling), others."""
LONGEST = 512
"""Characters of a key; a longer one names nothing."""
_BEFORE_SESSION = "_session_"
_pack = msgspec.msgpack.Encoder().encode


def previous(facts: Facts) -> str:
    """The response that the request goes on from; empty if it brings all of its conversation along."""
    if facts.asked.format != "responses":
        return ""
    return text(facts.asked.members.get("previous_response_id")) or ""


def keeps(facts: Facts) -> bool:
    """Whether the provider keeps its response, so that a request may go on from it."""
    return facts.asked.format == "responses" and bytes(facts.asked.members.get("store", b"")) != b"false"


def key_of(facts: Facts) -> str:
    """What tells one conversation of a caller from another; empty if nothing does."""
    headers = facts.call.request.headers
    for name in HEADERS:
        if name in headers and (said := _fit(headers[name].decode("latin-1"))):
            return f"header:{said}"
    members = facts.asked.members
    user = text(sub(members, "metadata").get("user_id")) if "metadata" in members else None
    if user and (said := _fit(session_of(user))):
        return f"user:{said}"
    if "prompt_cache_key" in members and (said := _fit(text(members["prompt_cache_key"]) or "")):
        return f"cache:{said}"
    begun = facts.opening
    return f"opening:{_of_many(begun)}" if begun else ""


def session_of(user: str) -> str:
    """The session in Claude Code's `metadata.user_id`, which is an object as text, or once had it at its end."""
    if user.startswith("{"):
        try:
            said = value(user.encode("utf-8", "replace"))
        except ValueError:
            return user
        found = said.get("session_id") if isinstance(said, dict) else None
        return found if isinstance(found, str) and found else user
    return user.rpartition(_BEFORE_SESSION)[2] or user


def record_id(owner: str, scope: str, key: str) -> str:
    """What the session table knows it by: nothing that somebody else could name."""
    return digest(owner.encode("utf-8", "replace"), scope.encode(), key.encode("utf-8", "replace"))


def digest(*parts: bytes) -> str:
    """Parts are told apart by their lengths."""
    return blake2b(b"".join([b"%d:%b" % (len(part), part) for part in parts]), digest_size=16).hexdigest()


def _of_many(parts: tuple[bytes, ...]) -> str:
    """The same for long ones, for which this is three times as fast. MessagePack writes the lengths."""
    return sha256(_pack(parts)).hexdigest()[:32]


def _fit(said: str) -> str:
    """Empty for what names nothing."""
    said = said.strip()
    return said if len(said) <= LONGEST else ""
