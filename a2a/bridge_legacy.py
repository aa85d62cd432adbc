"""The two spellings of protocol 0.3: JSON-RPC's flat objects with a `kind`, and the ProtoJSON of its REST binding.

Both say the same, one member at a time: `parts` is `content` in REST, `user` is `ROLE_USER`, a result
that is told by its `kind` stands under a member of that name. So objects are taken apart as raw
JSON, and what neither spelling knows stays as it is. Only what REST has no place for is left out:
`kind` itself and `message.referenceTaskIds`, which strict 0.3 servers refuse. ProtoJSON may be
written in snake_case and leaves default values out; both is understood.

It knows nothing of version 1.0, of ids and of HTTP. Above: the bridge. Below: `core.rawjson`.
Everything raises `ValueError` for what is no such object.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Protocol

from ..core.rawjson import NULL, Fields, Raw, fields, items, join, raw, text


class Spelling(Protocol):
    """One kind of value in its two spellings."""

    def to_rest(self, value: Raw) -> Raw: ...

    def of_rest(self, value: Raw) -> Raw: ...


class Words:
    """An enumeration: 0.3's own words, and the names (or numbers) of the proto's. Others are passed on."""

    def __init__(self, words: Iterable[tuple[str, str]], *, also: Mapping[str, str] = {}) -> None:
        pairs = list(words)
        self._to = {word: raw(name) for word, name in pairs}
        self._of = {name: raw(word) for word, name in pairs}
        self._of |= {str(number): raw(word) for number, (word, _) in enumerate(pairs)}
        self._of |= {name: raw(word) for name, word in also.items()}

    def to_rest(self, value: Raw) -> Raw:
        return self._to.get(_word(value), value)

    def of_rest(self, value: Raw) -> Raw:
        return self._of.get(_word(value), value)


def _word(value: Raw) -> str:
    return text(value) or bytes(value).decode("latin-1")


class Each:
    """An array of one kind of value."""

    def __init__(self, element: Spelling) -> None:
        self._element = element

    def to_rest(self, value: Raw) -> Raw:
        return raw([self._element.to_rest(each) for each in items(value)])

    def of_rest(self, value: Raw) -> Raw:
        return raw([self._element.of_rest(each) for each in items(value)])


class Record:
    """An object. `members` are those it has in both spellings, in the words of JSON-RPC; `renamed` says what REST
    calls some of them, `inner` how their values are spelled.

    `absent` are the values that ProtoJSON leaves out; `assumed` what JSON-RPC leaves to the agent and REST would
    take for false; `dropped` what REST does not have; `aliases` other names that REST readers accept.
    """

    def __init__(
        self,
        members: str,
        *,
        kind: str = "",
        inner: Mapping[str, Spelling] = {},
        renamed: Mapping[str, str] = {},
        aliases: Mapping[str, str] = {},
        absent: Mapping[str, object] = {},
        assumed: Mapping[str, object] = {},
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        self._kind = {"kind": raw(kind)} if kind else {}
        self._inner = inner
        self._renamed = renamed
        self._assumed = {key: raw(value) for key, value in assumed.items()}
        self._absent = {key: raw(value) for key, value in absent.items()}
        self._dropped = dropped | self._kind.keys()
        self._known = dict(aliases)
        for member in members.split():
            name = renamed.get(member, member)
            self._known |= {name: member, snake(name): member}

    def to_rest(self, value: Raw) -> Raw:
        found = fields(value)
        put: Fields = {}
        for key, member in (found | {key: each for key, each in self._assumed.items() if key not in found}).items():
            if key not in self._dropped:
                put[self._renamed.get(key, key)] = self._spelled(key, member, rest=True)
        return Raw(join(put))

    def of_rest(self, value: Raw) -> Raw:
        put: Fields = dict(self._kind)
        for key, member in fields(value).items():
            known = self._known.get(key, key)
            put[known] = self._spelled(known, member, rest=False)
        return Raw(join(put | {key: value for key, value in self._absent.items() if put.get(key, NULL) == NULL}))

    def _spelled(self, key: str, member: Raw, *, rest: bool) -> Raw:
        inner = self._inner.get(key)
        if inner is None or member == NULL:
            return member
        return inner.to_rest(member) if rest else inner.of_rest(member)


def snake(name: str) -> str:
    """`contextId` as `context_id`: ProtoJSON readers accept both."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


class FileBytes:
    """A file's content. Python's SDK packs JSON-RPC's base64 text into base64 once more; others do not.

    Written as the SDK reads it; read either way: content that is no base64 text inside was packed once.
    """

    def to_rest(self, value: Raw) -> Raw:
        return raw(b64encode(_text(value).encode()).decode())

    def of_rest(self, value: Raw) -> Raw:
        packed = _text(value)
        try:
            inside = b64decode(packed.replace("-", "+").replace("_", "/") + "=" * (-len(packed) % 4), validate=True)
            b64decode(inside, validate=True)
        except ValueError:
            return value
        return raw(inside.decode("ascii"))


def _text(value: Raw) -> str:
    found = text(value)
    if found is None:
        raise ValueError("a string was expected")
    return found


class Part:
    """A part: told by its `kind` in JSON-RPC, by the one member it has in REST. Parts of no known kind stay."""

    def to_rest(self, value: Raw) -> Raw:
        members = fields(value)
        kind = text(members.pop("kind", None))
        if kind == "file" and "file" in members:
            members["file"] = FILE.to_rest(members["file"])
        elif kind == "data" and "data" in members:
            members["data"] = Raw(join({"data": members["data"]}))
        elif kind != "text":
            return value
        return Raw(join(members))

    def of_rest(self, value: Raw) -> Raw:
        members = fields(value)
        if "kind" in members:
            return value  # some servers speak JSON-RPC's spelling in REST too
        if "file" in members:
            members["file"] = FILE.of_rest(members["file"])
            return _with_kind("file", members)
        if "data" in members:
            members["data"] = fields(members["data"]).get("data", Raw(b"{}"))
            return _with_kind("data", members)
        return _with_kind("text", members) if "text" in members else value


def _with_kind(kind: str, members: Fields) -> Raw:
    return Raw(join({"kind": raw(kind)} | members))


ROLE = Words([("agent", "ROLE_UNSPECIFIED"), ("user", "ROLE_USER"), ("agent", "ROLE_AGENT")])
STATE = Words(
    [
        ("unknown", "TASK_STATE_UNSPECIFIED"),
        ("submitted", "TASK_STATE_SUBMITTED"),
        ("working", "TASK_STATE_WORKING"),
        ("completed", "TASK_STATE_COMPLETED"),
        ("failed", "TASK_STATE_FAILED"),
        ("canceled", "TASK_STATE_CANCELLED"),
        ("input-required", "TASK_STATE_INPUT_REQUIRED"),
        ("rejected", "TASK_STATE_REJECTED"),
        ("auth-required", "TASK_STATE_AUTH_REQUIRED"),
    ],
    also={"TASK_STATE_CANCELED": "canceled"},
)
FILE = Record(
    "bytes uri mimeType name",
    renamed={"bytes": "fileWithBytes", "uri": "fileWithUri"},
    inner={"bytes": FileBytes()},
)
MESSAGE = Record(
    "messageId contextId taskId role parts metadata extensions",
    kind="message",
    renamed={"parts": "content"},
    inner={"role": ROLE, "parts": Each(Part())},
    absent={"messageId": "", "role": "agent", "parts": []},
    dropped=frozenset({"referenceTaskIds"}),
)
STATUS = Record(
    "state message timestamp",
    inner={"state": STATE, "message": MESSAGE},
    aliases={"update": "message"},
    absent={"state": "unknown"},
)
ARTIFACT = Record(
    "artifactId name description parts metadata extensions",
    inner={"parts": Each(Part())},
    absent={"artifactId": "", "parts": []},
)
TASK = Record(
    "id contextId status artifacts history metadata",
    kind="task",
    inner={"status": STATUS, "artifacts": Each(ARTIFACT), "history": Each(MESSAGE)},
    absent={"id": "", "contextId": "", "status": {"state": "unknown"}},
)
STATUS_UPDATE = Record(
    "taskId contextId status final metadata",
    kind="status-update",
    inner={"status": STATUS},
    absent={"taskId": "", "contextId": "", "status": {"state": "unknown"}, "final": False},
)
ARTIFACT_UPDATE = Record(
    "taskId contextId artifact append lastChunk metadata",
    kind="artifact-update",
    inner={"artifact": ARTIFACT},
    absent={"taskId": "", "contextId": "", "artifact": {"artifactId": "", "parts": []}},
)
PUSH_CONFIG = Record(
    "id url token authentication",
    inner={"authentication": Record("schemes credentials", absent={"schemes": []})},
    absent={"url": ""},
)
CONFIGURATION = Record(
    "acceptedOutputModes pushNotificationConfig historyLength blocking",
    renamed={"pushNotificationConfig": "pushNotification"},
    inner={"pushNotificationConfig": PUSH_CONFIG},
    absent={"blocking": False},
    assumed={"blocking": True},
)
SEND_PARAMS = Record(
    "message configuration metadata",
    inner={"message": MESSAGE, "configuration": CONFIGURATION},
    aliases={"request": "message"},
)
"""Parameters of `message/send` and `message/stream`; the SDK's REST client calls the message `request`."""
