"""What is other in a new manifest, for people: names that came, went or changed, and what needs a restart. Pure.

Values are never told: they may be secrets. Above: `reload.py`. Below: the manifest.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

from ..manifest.model import Manifest

FIXED = ("gateway", "sessions", "telemetry", "limits_store")
"""Sections that are read when the gateway starts: another value is kept for the next start."""
MAX_NAMES = 100
"""Names told of one kind of change."""


class Changed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one section, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Differences(msgspec.Struct, frozen=True):
    """`restart`: settings (as dotted paths) whose new value counts from the next start on."""

    sections: dict[str, Changed]
    restart: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sections or self.restart)

    def __str__(self) -> str:
        parts = []
        for section, each in self.sections.items():
            said = [
                f"{sign}{name}"
                for sign, names in (("+", each.added), ("-", each.removed), ("~", each.changed))
                for name in names
            ]
            parts.append(f"{section} {' '.join(said)}")
        if self.restart:
            parts.append(f"after a restart: {' '.join(self.restart)}")
        return "; ".join(parts) or "nothing"


def differences(old: Manifest, new: Manifest) -> Differences:
    """By section, and what needs a restart."""
    sections = {name: _named(before, after) for name, (before, after) in _pairs(old, new).items()}
    found = {name: each for name, each in sections.items() if each != Changed()}
    return Differences(found, tuple(_restart(old, new)))


def effective(old: Manifest, new: Manifest) -> Manifest:
    """The new manifest with the old value wherever another one needs a restart. Raises `ValidationError` if these do
    not go together."""
    sections: dict[str, Any] = {name: getattr(new, name) for name in Manifest.model_fields}
    sections |= {name: getattr(old, name) for name in FIXED if name in sections}
    sections["mcp"] = new.mcp.model_copy(update={"fingerprints": old.mcp.fingerprints})
    return Manifest.model_validate(sections)


def _restart(old: Manifest, new: Manifest) -> list[str]:
    found = []
    for section in FIXED:
        before, after = getattr(old, section, None), getattr(new, section, None)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            names = [name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)]
            found += [f"{section}.{name}" for name in names]
        elif before != after:
            found.append(section)
    if old.mcp.fingerprints != new.mcp.fingerprints:
        found.append("mcp.fingerprints")
    return found


def _pairs(old: Manifest, new: Manifest) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return {name: (_things(old)[name], _things(new)[name]) for name in _things(old)}


def _things(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """Every section that is made of things with names; what else it says stands under `(settings)`."""
    access, mcp, models = manifest.access, manifest.mcp, manifest.models
    return {
        "mcp.servers": mcp.servers,
        "mcp.profiles": mcp.profiles,
        "mcp": _rest(mcp, "servers", "profiles", "fingerprints"),
        "agents": manifest.agents,
        "models.providers": models.providers,
        "models.routes": models.routes,
        "models": _rest(models, "providers", "routes"),
        "access.keys": {each.id: each for each in access.keys},
        "access.jwt": {each.issuer: each for each in access.jwt},
        "access.rules": {str(number): each for number, each in enumerate(access.rules, 1)},
        "access": _rest(access, "keys", "jwt", "rules"),
        "limits": {each.name: each for each in manifest.limits},
    }


def _rest(section: BaseModel, *without: str) -> dict[str, Any]:
    return {name: getattr(section, name) for name in type(section).model_fields if name not in without}


def _named(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changed:
    return Changed(
        tuple(name for name in new if name not in old)[:MAX_NAMES],
        tuple(name for name in old if name not in new)[:MAX_NAMES],
        tuple(name for name in new if name in old and old[name] != new[name])[:MAX_NAMES],
    )
