"""Files to a `Manifest`: read, parse, merge, resolve, validate, and say everything that is wrong at once.

Above stand `cli/` and `gateway/`, which get a manifest or a `ManifestError`. A file that
cannot be parsed ends it (the rest would only look incomplete); all else is collected.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..access.settings import AccessSettings
from ..core.values import MANIFEST, Refusal
from ..gateway.settings import GatewaySettings
from ..sessions.settings import SQLITE
from .claude import native
from .explain import Explainer
from .interpolate import Interpolation
from .merge import merge
from .model import Manifest, conflicts
from .parse_json import parse_json
from .parse_yaml import parse_yaml
from .problems import ManifestError, Problem
from .read import read
from .tree import Malformed, Node, Source, find


def load(paths: Sequence[Path], env: Mapping[str, str]) -> Manifest:
    """The manifest that these files and folders make together, with `${...}` resolved from `env`.

    Raises `ManifestError` with all problems found.
    """
    problems: list[Problem] = []
    if not paths:
        problems.append(Problem("manifest", 0, 0, "", "no file was named", "name a YAML or JSON file, or a folder"))
    sources = read(paths, problems)
    documents = _parse(sources, problems)
    if problems:
        raise ManifestError(problems)
    own = [part for document in documents for part in native(document, problems)]
    root = merge(Manifest, own, problems)
    manifest = _validate(root, env, problems) if root else Manifest()
    if problems or manifest is None:
        order = {source.name: index for index, source in enumerate(sources)}
        raise ManifestError(sorted(problems, key=lambda each: (order.get(each.file, 0), each.line, each.column)))
    return manifest


def _parse(sources: Sequence[Source], problems: list[Problem]) -> list[Node]:
    documents: list[Node] = []
    for source in sources:
        try:
            found = [parse_json(source)] if source.name.lower().endswith(".json") else parse_yaml(source)
        except Malformed as error:
            problems.append(error.problem)
            continue
        documents.extend(document for document in found if document.value is not None)
        problems.extend(
            document.source.problem(document.start, "", "a manifest is a mapping of sections", "begin with mcp:")
            for document in found
            if not isinstance(document.value, dict | None)
        )
    return documents


def _validate(root: Node, env: Mapping[str, str], problems: list[Problem]) -> Manifest | None:
    interpolation = Interpolation(env, problems)
    data = interpolation.data(root)
    _rebase(root, data, env)
    try:
        return Manifest.model_validate(data, context=MANIFEST)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    explainer = Explainer(root, interpolation.broken)
    problems.extend(explainer.errors(errors))
    if all(error["loc"] for error in errors):
        problems.extend(explainer.refusals((), _conflicts(data)))
    return None


def _conflicts(data: dict[str, Any]) -> list[Refusal]:
    """The rules over two sections, which the model does not reach when anything else is wrong."""
    try:
        gateway = GatewaySettings.model_validate(data.get("gateway") or {}, context=MANIFEST)
        access = AccessSettings.model_validate(data.get("access") or {}, context=MANIFEST)
    except ValidationError:
        return []
    return list(conflicts(gateway, access))


def _rebase(root: Node, data: dict[str, Any], env: Mapping[str, str]) -> None:
    """Files and folders are relative to the folder of the manifest file that they stand in."""
    _rebase_servers(root, data, env)
    _rebase_store(root, data, env)
    _rebase_pins(root, data, env)


def _rebase_store(root: Node, data: dict[str, Any], env: Mapping[str, str]) -> None:
    """The file of a session store."""
    section = data.get("sessions")
    store = section.get("store") if isinstance(section, dict) else None
    if isinstance(section, dict) and isinstance(store, str) and store.startswith(SQLITE) and store != SQLITE:
        folder = find(root, ("sessions", "store")).node.source.folder
        section["store"] = SQLITE + str(folder / _home(store.removeprefix(SQLITE), env))


def _rebase_pins(root: Node, data: dict[str, Any], env: Mapping[str, str]) -> None:
    """The file of accepted tool definitions."""
    section = data.get("mcp")
    path = section.get("fingerprints") if isinstance(section, dict) else None
    if isinstance(section, dict) and isinstance(path, str):
        section["fingerprints"] = str(find(root, ("mcp", "fingerprints")).node.source.folder / _home(path, env))


def _rebase_servers(root: Node, data: dict[str, Any], env: Mapping[str, str]) -> None:
    """`cwd`, a `command` with a slash, and an `openapi` document that is no URL."""
    section = data.get("mcp")
    servers = section.get("servers") if isinstance(section, dict) else None
    for name, server in servers.items() if isinstance(servers, dict) else ():
        for key in ("cwd", "command", "openapi"):
            value = server.get(key) if isinstance(server, dict) else None
            if not isinstance(value, str) or not _is_path(key, value):
                continue
            node = find(root, ("mcp", "servers", name, key)).node
            server[key] = str(node.source.folder / _home(value, env))


def _is_path(key: str, value: str) -> bool:
    if key == "openapi":
        return bool(value.strip()) and "://" not in value
    return key == "cwd" or "/" in value


def _home(path: str, env: Mapping[str, str]) -> str:
    home = env.get("HOME")
    return home + path[1:] if home and path.startswith("~/") else path
