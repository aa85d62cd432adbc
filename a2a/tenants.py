"""An agent's interface may ask for a tenant in each request (A2A 1.0, 4.4.6): the gateway says it, clients need not.

Pure. Above: `relay.py`.
"""

from urllib.parse import quote

from ..core.rawjson import fields, join, raw, sub
from .interfaces import Interface
from .values import Outgoing


def with_tenant(out: Outgoing, way: Interface) -> Outgoing:
    """The request as an interface with a tenant wants it; without one, untouched."""
    if not way.tenant or way.speech.version != "1.0":
        return out
    if way.speech.binding == "rest":
        return Outgoing(out.method, f"/{quote(way.tenant, safe='')}{out.path}", out.body)
    envelope = fields(out.body)
    params = {**sub(envelope, "params"), "tenant": raw(way.tenant)}
    return Outgoing(out.method, out.path, join({**envelope, "params": params}))
