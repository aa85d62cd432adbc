"""The one door of the administration: who may not administer sees nothing behind it, not even that it is not there.

Knows no key: whom to let in is for the assembly to say. Errors are JSON, here and behind the door. Above:
`admin.py`. Below: Starlette.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.call import Principal
from ..core.errors import GatewayError
from ..core.rawjson import encode
from .ports import Admit

_NO_STORE = {"cache-control": "no-store"}
_ADMIN = "fedgate.admin"


class Guard:
    """An ASGI application before another one, which finds the administrator by `administrator`."""

    def __init__(self, admit: Admit, inner: ASGIApp) -> None:
        self._admit = admit
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            scope[_ADMIN] = self._admit(request)
        except GatewayError as error:
            await refused(request, error)(scope, receive, send)
            return
        await self._inner(scope, receive, send)


def administrator(request: Request) -> Principal:
    """Who was let in."""
    found = request.scope[_ADMIN]
    assert isinstance(found, Principal)
    return found


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value of ours as JSON."""
    return Response(encode(body), status, {**_NO_STORE, **(headers or {})}, "application/json")


def refused(_request: Request, error: Exception) -> Response:
    """An error of the gateway as JSON."""
    assert isinstance(error, GatewayError)
    headers = {name.decode(): value.decode("latin-1") for name, value in error.headers}
    return answer(_body(error.reason, error.message), error.status, headers)


def missed(request: Request, error: Exception) -> Response:
    """What Starlette's router refuses: no such path, or not by this method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        sentence = f"there is nothing at {request.url.path[:200]}; see /admin/openapi.json"
        return answer(_body("not_found", sentence), 404)
    allowed = (error.headers or {}).get("Allow", "")
    headers = {"allow": allowed} if allowed else None
    return answer(_body("method_not_allowed", f"this address takes {allowed}"), error.status_code, headers)


def _body(reason: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"reason": reason, "message": message}}
