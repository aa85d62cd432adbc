"""One record of the session table, and the port of what hangs on it while the process lives."""

from typing import Any, Protocol

import msgspec


class Attachment(Protocol):
    """The live half of a record: streams, calls under way."""

    def ended(self) -> None:
        """The record is gone. Must not block; clean-up that waits is started by the attachment's owner."""
        ...

    @property
    def busy(self) -> bool:
        """Whether something is under way, so that the record is not idle."""
        ...


class Session(msgspec.Struct, eq=False):
    """One record. Times: `created` on the wall clock, `seen` on the monotonic one."""

    shelf: str
    """Where it stands: the protocol, and behind a dot which of its things this is."""
    id: str
    """Empty for a record that was restored, until its owner shows the id: only `key` is stored."""
    owner: str
    view: str
    created: float
    seen: float
    turns: int = 0
    data: dict[str, Any] = {}
    """What the protocol must find again: small, and what JSON can hold (bytes as base64)."""
    attachment: Attachment | None = None
    pins: dict[str, str] = {}
    """Upstream → what the session is bound to there."""
    key: str = ""
    """What the table knows it by: the id, or its digest where records are stored."""
    gone: bool = False
    """It is not found any more: it has ended, or the table is closed. Whoever holds on to a record looks here."""

    @property
    def protocol(self) -> str:
        return self.shelf.partition(".")[0]

    @property
    def busy(self) -> bool:
        return self.attachment is not None and self.attachment.busy
