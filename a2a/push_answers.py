"""Push configurations in answers: shown to their clients as they wrote them.

What an agent answers to create, get and list holds the gateway's URL and token; the client's own
are put back, in the version that the answer has. Pure. Above: the endpoint. Below:
`push_config`, `errors`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.rawjson import NULL, Fields, Raw, fields, is_object, items, join, raw, text
from .errors import invalid_agent_response
from .operations import PUSH_LIST
from .push_config import OBJECT, PushConfig, camel, edited, schemes_of
from .values import Speech, Version

Client = Callable[[str], PushConfig | None]
"""What stands behind a URL of the gateway; `None` if that URL is not known."""


def shown(body: bytes, speech: Speech, operation: str, client: Client) -> bytes:
    """A whole answer to create, get or list, as the client may see it. Errors stay as they are.

    `client` knows what stands behind the gateway's URLs. A configuration it does not know loses its secrets: they
    are not this client's. `A2aError` (invalid agent response) if the answer has another form.
    """
    try:
        members = fields(body) if body.lstrip()[:1] == b"{" else {}
        if members.get("error", NULL) != NULL:
            return body
        if speech.binding == "rest":
            return _shown(Raw(body), speech.version, operation, client)
        return join({**members, "result": Raw(_shown(members["result"], speech.version, operation, client))})
    except (ValueError, KeyError) as error:
        raise invalid_agent_response("the agent's answer is no push configuration") from error


def _shown(found: Raw, version: Version, operation: str, client: Client) -> bytes:
    def config(each: Raw) -> bytes:
        path = () if version == "1.0" else (_wrapping(each),)
        return edited(each, path, lambda members: _own(members, version, client))

    def several(each: Raw) -> Raw:
        return Raw(b"[%b]" % b",".join(map(config, items(each))))

    if operation != PUSH_LIST:
        return config(found)
    if not is_object(found):  # 0.3 JSON-RPC
        return bytes(several(found))
    members = fields(found)
    return join({key: several(member) if key == "configs" else member for key, member in members.items()})


def _wrapping(each: Raw) -> str:
    return next((key for key in fields(each) if camel(key) == OBJECT), OBJECT)


def _own(members: Fields, version: Version, client: Client) -> Mapping[str, Any]:
    known = client(text(members.get("url")) or "")
    own: dict[str, Any] = {}
    if known is not None:
        own = {"url": known.url, "token": known.token, "authentication": _authentication(known, version)}
        own = {key: member for key, member in own.items() if member}
    # In their places, if they are there; behind the others, if not.
    kept = {key: own.get(key, member) for key, member in members.items() if key in own or key not in _SECRETS}
    return kept | own


_SECRETS = frozenset({"token", "authentication"})


def _authentication(known: PushConfig, version: Version) -> Raw | None:
    if not known.authentication:
        return None
    if known.version == version:
        return Raw(known.authentication.encode())
    members = fields(known.authentication.encode())
    schemes = schemes_of(members) or [text(members.get("scheme")) or ""]
    named: dict[str, Any] = {"schemes": schemes} if version == "0.3" else {"scheme": schemes[0]}
    return raw(named | {key: member for key, member in members.items() if key == "credentials"})
