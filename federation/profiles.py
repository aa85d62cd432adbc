"""From the `mcp` section to views: the aggregate, each server alone, and the profiles. Pure.

Above: `hub.py`. Below: settings and views.
"""

from typing import Any

from .profile_settings import Override, Picked, Profile
from .settings import McpSettings
from .views import Edit, Pick, View, pick


def views(settings: McpSettings, info: dict[str, Any]) -> dict[str, View]:
    """Every view under its path segment; the aggregate under the empty one. `info`: the gateway's own name."""
    servers = {name: server for name, server in settings.servers.items() if not server.disabled}
    aggregate = View(
        naming=settings.naming,
        info=info,
        search=settings.search,
        search_over=settings.search_over,
        about={name: server.description for name, server in servers.items() if server.description},
    )
    found = {"": aggregate}
    found |= {name: View("never", name, info) for name in servers}
    return found | {name: _profile(profile, aggregate) for name, profile in settings.profiles.items()}


def _profile(profile: Profile, aggregate: View) -> View:
    """The aggregate with less in it. Names are given among the servers of the profile alone."""
    return View(
        naming=aggregate.naming,
        info=aggregate.info,
        servers=profile.servers,
        picks={
            kind: _pick(picked)
            for kind, picked in (
                ("tools", profile.tools),
                ("prompts", profile.prompts),
                ("resources", profile.resources),
            )
            if picked.include or picked.exclude
        },
        edits={name: _edit(override) for name, override in profile.tools.override.items()},
        search=profile.search or aggregate.search,
        search_over=aggregate.search_over,
        about=aggregate.about,
    )


def _pick(picked: Picked) -> Pick:
    return pick(picked.include, picked.exclude)


def _edit(override: Override) -> Edit:
    return Edit(override.name, override.title, override.description)
