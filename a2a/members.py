"""JSON objects that ids stand in, read so that nobody behind the gateway can read them otherwise.

Of two equal members some readers take the first and some the last; ProtoJSON knows two
spellings of each name; others (Go, .NET) do not care for case. Whoever sends `contextId: mine`
and `context_id: theirs` wants the gateway to see one conversation and the agent another. So a
`Level` names the members that matter, takes either spelling of the protocol, and refuses
doubles of any member and every other spelling of those that matter. Above: `ids`, `inbound`.
Below: `core.rawjson`, `errors`.
"""

import re

import msgspec

from ..core.rawjson import NULL, Fields, Raw, fields, repeats, value, well_formed
from .errors import A2aError, invalid_params, invalid_request, parse_error
from .operations import MAX_ID, check_id

MAX_NAME = 64
"""Characters of a member's name that is looked at for odd spellings: none of ours is half as long."""
PUNCTUATION = 4
"""Bytes of a member besides its name and value: two quotes, a colon, and a comma or half of the braces."""
HARMLESS = 256
"""Names that are remembered as none of ours, for each kind of object: clients use few, and always the same."""

_string = msgspec.json.Decoder(str)
_HUMP = re.compile("(?=[A-Z])")


class Level:
    """One kind of object. `where` says in sentences which, `names` are the members that matter, in camelCase."""

    def __init__(self, where: str, *names: str) -> None:
        self.where = where
        self._known = {name: name for name in names} | {_HUMP.sub("_", name).lower(): name for name in names}
        self._folded = {_fold(name): name for name in names}
        self._harmless: set[str] = set()

    def read(self, raw: Raw | bytes) -> Fields:
        """The members that matter, by their camelCase names; `null` is absent. `A2aError` for anything doubtful."""
        try:
            members = fields(raw)
        except ValueError as error:
            raise invalid_params(f"{self.where} must be an object") from error
        return self.pick(raw, members)

    def pick(self, whole: Raw | bytes, members: Fields) -> Fields:
        """As `read`, of an object that was taken apart already."""
        known, harmless, size = self._known, self._harmless, 1
        found: Fields = {}
        for key, member in members.items():
            size += len(key) + len(member) + PUNCTUATION
            if key in known:
                name = known[key]
                if name in found:
                    raise invalid_params(f'{self.where} has "{name}" in two spellings; use one')
                found[name] = member
            elif key not in harmless:
                self._check_name(key)
        if len(whole) > size and _repeats(bytes(whole), members, len(whole) - size):
            raise invalid_params(f"a member stands twice in {self.where}; name each once")
        if NULL in found.values():
            return {name: member for name, member in found.items() if member != NULL}
        return found

    def knows(self, key: str) -> bool:
        """Whether a member of this name matters, in either spelling."""
        return key in self._known

    def _check_name(self, key: str) -> None:
        if len(key) > MAX_NAME:
            return
        meant = self._folded.get(_fold(key))
        if meant is not None:
            raise invalid_params(f'{self.where} has "{key}"; the name is "{meant}"')
        if len(self._harmless) < HARMLESS:
            self._harmless.add(key)


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()


def _repeats(whole: bytes, members: Fields, room: int) -> bool:
    """As `rawjson.repeats`, with a short way for the white space that Python's encoder puts in by default.

    `room`: bytes beyond those of the members without white space, in which others could stand.
    """
    if room == 2 * len(members) - 1:
        spaced = b", ".join([b'"%b": %b' % (key.encode(), member) for key, member in members.items()])
        if whole == b"{%b}" % spaced:
            return False
    return repeats(whole, members)


def top(body: bytes) -> tuple[bytes, Fields]:
    """A body that must be one JSON object, and its members. `A2aError` (parse error, invalid request) if it is not.

    Half surrogates that no strict reader takes are made U+FFFD: the body that is given back is the one that was
    looked at, and it alone may be sent on.
    """
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        raise parse_error(f"the body is not UTF-8: {error.reason}") from error
    try:
        return body, fields(body)
    except ValueError as error:
        if (mended := well_formed(body)) == body:
            raise _no_object(body) from error
    try:
        return mended, fields(mended)
    except ValueError as error:
        raise _no_object(mended) from error


def _no_object(body: bytes) -> A2aError:
    try:
        found = value(body)
    except ValueError:
        return parse_error("the body is not JSON" if body else "the body is empty; send a JSON object")
    if isinstance(found, list):
        return invalid_request("batches are not supported; send one request at a time")
    return invalid_request("the body must be a JSON object")


def text(members: Fields, name: str, where: str, limit: int = MAX_ID) -> str:
    """The id under `name`; empty if there is none. `A2aError` for what is no string, or too long for an id."""
    raw = members.get(name)
    if raw is None:
        return ""
    try:
        found = _string.decode(raw)
    except ValueError as error:
        start = bytes(raw)[:MAX_NAME].decode(errors="replace")
        raise invalid_params(f"{where}.{name} must be a string, not {start}") from error
    if len(found) > limit or not found.isprintable():
        check_id(found, f"{where}.{name}", limit)
    return found
