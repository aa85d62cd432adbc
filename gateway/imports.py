"""Sides of the gateway by what they need: each is imported by the function that names it, and by nobody else.

A manifest that says nothing of agents or models does not pay for them. What it does speak of is imported before it
is served (`prepare`), so that neither a start nor a reload stalls a call. Above: `app.py`, `pages.py`, `reload.py`.
Below: the sides.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..federation.openapi_settings import OpenApiServer
from ..manifest.model import Manifest

if TYPE_CHECKING:
    from .agents import AgentSide
    from .asgi_exchange import Application
    from .models import ModelSide
    from .pages import Shown
    from .why import Explain, Parts


def agent_side() -> "type[AgentSide]":
    from .agents import AgentSide

    return AgentSide


def model_side() -> "type[ModelSide]":
    from .models import ModelSide

    return ModelSide


def pages() -> "Callable[[Shown, frozenset[str], Callable[[], object]], Application]":
    from .pages import pages

    return pages


def explainer() -> "tuple[type[Explain], type[Parts]]":
    from .why import Explain, Parts

    return Explain, Parts


def wants_agents(manifest: Manifest) -> bool:
    """A key that cards are signed with is read at the start, used or not: a wrong one is to be known then. And a
    store's records are found only on shelves that were declared before it was opened."""
    return bool(manifest.agents or manifest.gateway.signing_key or manifest.sessions.file)


def wants_models(manifest: Manifest) -> bool:
    models = manifest.models
    return bool(models.routes or models.providers or manifest.sessions.file)


def prepare(manifest: Manifest) -> Manifest:
    """The manifest; all that serving it needs is imported. Takes a while: for a thread, where something is served."""
    if wants_agents(manifest):
        agent_side()
    if wants_models(manifest):
        model_side()
    if any(isinstance(each, OpenApiServer) for each in manifest.mcp.servers.values()):
        from ..federation import openapi_connection  # noqa: F401 - its connections will
    return manifest
