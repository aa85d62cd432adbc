"""From path, headers and body to what was asked. Pure.

Reads the few members that decide where a request goes; everything else stays the bytes it was. Above:
`endpoint`. Below: `places`, `splice`.
"""

from urllib.parse import unquote

from ..core.call import Request
from ..core.errors import BadRequest
from ..core.rawjson import Fields, Raw, sub, text
from . import splice
from .places import Place
from .values import Asked

MAX_QUERY = 4096
"""Characters of a query that are looked at."""
MAX_MODEL = 256
"""Characters of a model's name."""
_KEYS = frozenset({"key", "api_key", "api-key", "access_token"})
NO_KEY_IN_QUERY = (
    "the address must not carry a key, which ends up in logs: send it as x-goog-api-key, x-api-key or Authorization"
)


def read(place: Place, request: Request, body: bytes) -> Asked:
    """What a POST asks. Raises `BadRequest` with what is wrong."""
    query = check_query(request.query) if request.query else {}
    body, members = splice.members(body)
    splice.check_once(body, members, "model")
    model = place.model or _model(members)
    if place.format == "gemini":
        array = place.stream and query.get("alt") != "sse"
        return Asked(place.format, place.operation, model, place.stream, array, body=body, members=members)
    return Asked(
        place.format,
        place.operation,
        model,
        "stream" in members and _flag(members["stream"], "stream") and place.operation == "chat",
        wants_usage=place.format != "openai" or ("stream_options" in members and _wants_usage(members)),
        max_tokens=_count(members),
        body=body,
        members=members,
        query="beta=true" if query.get("beta") == "true" else "",
    )


def check_query(query: bytes) -> dict[str, str]:
    """The query's parameters. Raises `BadRequest` for one that carries a key."""
    if not query:
        return {}
    if has_key(query):
        raise BadRequest(NO_KEY_IN_QUERY)
    return dict(_parameters(query))


def has_key(query: bytes) -> bool:
    """Whether one of the parameters is a credential."""
    return any(name.lower() in _KEYS for name, _ in _parameters(query)) if query else False


def _parameters(query: bytes) -> list[tuple[str, str]]:
    text_ = query[:MAX_QUERY].decode("latin-1")
    return [(unquote(name), unquote(value_)) for name, _, value_ in (part.partition("=") for part in text_.split("&"))]


def _model(members: Fields) -> str:
    if "model" not in members:
        return ""
    model = text(members["model"])
    if model is None or not model or len(model) > MAX_MODEL or not model.isprintable():
        raise BadRequest(f"model must be the name of a model: 1 to {MAX_MODEL} characters")
    return model


def _wants_usage(members: Fields) -> bool:
    options = sub(members, "stream_options")
    return "include_usage" in options and _flag(options["include_usage"], "stream_options.include_usage")


def _flag(member: Raw, name: str) -> bool:
    raw = bytes(member)
    if raw not in (b"true", b"false", b"null"):
        raise BadRequest(f"{name} must be true or false")
    return raw == b"true"


def _count(members: Fields) -> int | None:
    for key in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if key in members and (digits := bytes(members[key])).isdigit() and len(digits) <= 15:
            return int(digits)
    return None
