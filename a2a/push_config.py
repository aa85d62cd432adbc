"""Push configurations in requests: read, and pointed at the gateway.

An agent must not call a client's URL itself, so that URL, its token and its authentication are
replaced in what the agent is sent. Everything else stays the bytes it was. Pure; where the
configuration stands:

    version  binding   inline, below `configuration`   to create one
    1.0      both      taskPushNotificationConfig      the params (the body) themselves
    0.3      jsonrpc   pushNotificationConfig          pushNotificationConfig
    0.3      rest      pushNotification                config.pushNotificationConfig, or pushNotificationConfig

What has two spellings, or the name of another version, is refused: an agent might read what the
gateway has not. Above: the endpoint, `push_answers`, `push_table`. Below: `members`, `errors`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..core.rawjson import NULL, Fields, Raw, fields, join, raw, text, value
from .errors import invalid_params
from .members import Level
from .operations import PUSH_CREATE, SENDS
from .values import Asked, Speech, Version

MAX_URL = 2048
"""Characters of a callback URL."""
MAX_SECRET = 8192
"""Characters of a token, and of credentials: what servers take in one header line."""
MAX_SCHEMES = 16
"""Authentication schemes of one configuration."""

_INLINE = {
    Speech("1.0", "jsonrpc"): "taskPushNotificationConfig",
    Speech("1.0", "rest"): "taskPushNotificationConfig",
    Speech("0.3", "jsonrpc"): "pushNotificationConfig",
    Speech("0.3", "rest"): "pushNotification",
}
OBJECT = "pushNotificationConfig"
"""What 0.3 wraps a configuration in."""
_SENT = Level("params", "configuration")
_CREATED = Level("params", "config", OBJECT)
_CONFIGURATION = Level("configuration", *dict.fromkeys(_INLINE.values()))
_CONFIG = Level("the push configuration", "id", "taskId", "url", "token", "authentication")
_AUTHENTICATION = Level("authentication", "scheme", "schemes", "credentials")
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_IN_HEADER = re.compile(r"[!-~](?:[ -~]*[!-~])?")


class PushConfig(msgspec.Struct, frozen=True):
    """What a client asked for. Its `repr` shows nothing of it: URL, token and credentials may all be secret."""

    url: str
    id: str = ""
    task: str = ""
    """Empty where the configuration does not name one (inline ones seldom do)."""
    token: str = ""
    """Goes back to the client as `X-A2A-Notification-Token`."""
    authentication: str = ""
    """The JSON of the member, as the client wrote it; empty if there is none."""
    version: Version = "1.0"
    """Whose form `authentication` has."""
    authorization: str = ""
    """Goes back to the client as `Authorization`: scheme and credentials, if both were given."""

    def __repr__(self) -> str:
        return f"<PushConfig {self.id!r}>"


def read(asked: Asked) -> PushConfig | None:
    """The configuration in a request to send, stream or create a configuration; none if there is none.

    `A2aError` (invalid params) for what is doubtful, or cannot be called.
    """
    path = _path(asked)
    if path is None:
        return None
    found = asked.params
    for key in path:
        found = fields(found)[key]
    return _read(asked.speech.version, found, asked.ids.task)


def replaced(asked: Asked, url: str, token: str) -> Asked:
    """The request with the gateway's URL and token in its configuration (which `read` has found), for the agent.

    The token stands in `authentication` too, as `Bearer`: agents differ in which of the two they send.
    """
    path = _path(asked)
    if path is None:
        return asked
    config = {"url": url, "token": token, "authentication": _issued(asked.speech.version, token)}
    params = edited(asked.params, path, lambda members: members | config)
    body = params
    if asked.speech.binding == "jsonrpc":
        body = join({**fields(asked.body), "params": Raw(params)})
    return msgspec.structs.replace(asked, params=Raw(params), body=body)


def edited(raw_object: Raw, path: tuple[str, ...], edit: Callable[[Fields], Mapping[str, Any]]) -> bytes:
    """The object with what `path` leads to changed by `edit`, and all else the bytes it was."""
    members: dict[str, Any] = fields(raw_object)
    if not path:
        return join(edit(members))
    return join({**members, path[0]: Raw(edited(members[path[0]], path[1:], edit))})


def camel(key: str) -> str:
    """`snake_case`, the other spelling that ProtoJSON takes, as camelCase."""
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def schemes_of(members: Fields) -> list[str]:
    """The `schemes` of an `authentication` of 0.3."""
    try:
        found = value(members.get("schemes", NULL))
    except ValueError:
        return []
    return [each for each in found[:MAX_SCHEMES] if isinstance(each, str)] if isinstance(found, list) else []


def _issued(version: Version, token: str) -> Raw:
    scheme = {"scheme": "Bearer"} if version == "1.0" else {"schemes": ["Bearer"]}
    return raw({**scheme, "credentials": token})


# Where a configuration stands.


def _path(asked: Asked) -> tuple[str, ...] | None:
    """The members that lead to the configuration, as they are spelled; none if there is no configuration."""
    if asked.operation in SENDS:
        return _inline_path(asked)
    if asked.operation == PUSH_CREATE:
        return () if asked.speech.version == "1.0" else _created_path(asked.params, asked.speech)
    return None


def _inline_path(asked: Asked) -> tuple[str, ...] | None:
    if not len(asked.params):
        return None
    configuration = _SENT.read(asked.params).get("configuration")
    if configuration is None:
        return None
    found, name = _CONFIGURATION.read(configuration), _INLINE[asked.speech]
    for other in found.keys() - {name}:
        raise invalid_params(f'configuration has "{other}"; in this version and binding its name is "{name}"')
    if name not in found:
        return None
    return _spelled(asked.params, "configuration"), _spelled(configuration, name)


def _created_path(params: Raw, speech: Speech) -> tuple[str, ...]:
    found = _CREATED.read(params)
    if speech.binding == "rest" and "config" in found:
        if OBJECT in found:
            raise invalid_params("there are two push configurations; use one")
        _required(_CREATED.read(found["config"]))
        return _spelled(params, "config"), _spelled(found["config"], OBJECT)
    _required(found)
    return (_spelled(params, OBJECT),)


def _required(members: Fields) -> None:
    if OBJECT not in members:
        raise invalid_params(f'"{OBJECT}" is missing: it must be an object with a "url"')


def _spelled(raw_object: Raw, name: str) -> str:
    """The key as it is written; `Level` has made sure that there is one."""
    return next(key for key, member in fields(raw_object).items() if camel(key) == name and member != NULL)


# What it says.


def _read(version: Version, config: Raw, task: str) -> PushConfig:
    members = _CONFIG.read(config)
    token = _secret("token", members)
    authentication = members.get("authentication")
    return PushConfig(
        url=_url(members),
        id=text(members.get("id")) or "",
        task=text(members.get("taskId")) or task,
        token=token,
        authentication="" if authentication is None else bytes(authentication).decode(errors="replace"),
        version=version,
        authorization="" if authentication is None else _authorization(authentication),
    )


def _url(members: Fields) -> str:
    url = text(members.get("url"))
    if not url:
        raise invalid_params('the push configuration must have a "url"')
    if len(url) > MAX_URL:
        raise invalid_params(f"the url of the push configuration is longer than {MAX_URL} characters")
    return url


def _secret(name: str, members: Fields) -> str:
    member = members.get(name)
    if member is None:
        return ""
    found = text(member)
    if found is None or (found and _IN_HEADER.fullmatch(found) is None) or len(found) > MAX_SECRET:
        raise invalid_params(
            f"{name} of the push configuration must be a string that fits into a header: visible ASCII, "
            f"at most {MAX_SECRET} characters"
        )
    return found


def _authorization(authentication: Raw) -> str:
    members = _AUTHENTICATION.read(authentication)
    credentials = _secret("credentials", members)
    scheme = text(members.get("scheme")) or next(iter(schemes_of(members)), "")
    if not scheme or not credentials:
        return ""
    if _SCHEME.fullmatch(scheme) is None:
        raise invalid_params("the authentication scheme of the push configuration must be one word, such as Bearer")
    return f"{scheme} {credentials}"
