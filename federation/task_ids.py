"""Ids of tasks (extension `io.modelcontextprotocol/tasks`) as clients of the gateway see them. Pure.

A task lives on one server; its id is wrapped so that it names that server and is good for
the caller who started it alone: `t.SERVER.ID.MAC`. Nothing is remembered; the check is a
keyed digest over owner, server and id.
"""

import base64
import binascii
import hashlib
import hmac

from ..core.rawjson import Fields, encode, fields, raw, text

METHODS = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
EXTENSION = "io.modelcontextprotocol/tasks"
_MAC = 16
LONGEST = 4096


class TaskIds:
    """Wraps and unwraps with one key (32 bytes); another key makes all ids unknown."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def wrap(self, owner: str, server: str, task: str) -> str:
        """The id that this owner is given for `task` of `server`."""
        encoded = base64.urlsafe_b64encode(task.encode()).rstrip(b"=").decode()
        return f"t.{server}.{encoded}.{self._mac(owner, server, task)}"

    def unwrap(self, owner: str, exposed: str) -> tuple[str, str] | None:
        """The server and its own id; `None` for anything that this owner was not given."""
        parts = exposed.split(".")
        if len(exposed) > LONGEST or len(parts) != 4 or parts[0] != "t":
            return None
        try:
            task = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        good = hmac.compare_digest(self._mac(owner, parts[1], task), parts[3])
        return (parts[1], task) if good and self.wrap(owner, parts[1], task) == exposed else None

    def _mac(self, owner: str, server: str, task: str) -> str:
        said = f"{owner}\0{server}\0{task}".encode()
        return hashlib.blake2b(said, key=self._key, digest_size=_MAC).hexdigest()

    def map_result(self, owner: str, server: str, result: bytes) -> bytes:
        """A result that speaks of a task, with the id that the client knows."""
        members: Fields = fields(result)
        task = text(members.get("taskId"))
        if task is None:
            return result
        return encode({**members, "taskId": raw(self.wrap(owner, server, task))})


def is_task(method: str, result: bytes) -> bool:
    """Whether a result is a task, or tells of one."""
    if b'"taskId"' not in result:
        return False
    return method in METHODS or text(fields(result).get("resultType")) == "task"
