"""What servers may ask clients, and whether a client said that it can be asked. Pure."""

from ..core.rawjson import Raw, fields

CAPABILITY = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
"""Method of a server's request → the client capability that allows it."""


def answerable(method: str, capabilities: Raw) -> bool:
    """Whether a client with these capabilities may be asked this. A mode it does not have is its own to refuse."""
    needed = CAPABILITY.get(method)
    if needed is None:
        return False
    try:
        return needed in fields(capabilities)
    except ValueError:
        return False
