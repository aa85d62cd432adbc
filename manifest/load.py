"""Files to a `Manifest`: read, parse, merge, resolve, validate, and say everything that is wrong at once.

Above stand `cli/` and `gateway/`, which get a manifest or a `ManifestError`. A file that
cannot be parsed ends it (the rest would only look incomplete); all else is collected.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..access.settings import AccessSettings
from ..core.values import MANIFEST, Refusal
from ..federation.settings import McpSettings
from ..gateway.settings import GatewaySettings
from .claude import native
from .explain import Explainer
from .interpolate import Interpolation
from .merge import merge
from .model import Manifest, conflicts, strangers
from .parse_json import parse_json
from .parse_yaml import parse_yaml
from .problems import ManifestError, Problem
from .read import read
from .rebase import rebase
from .tree import Malformed, Node, Source


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
    rebase(root, data, env)
    try:
        return Manifest.model_validate(data, context=MANIFEST)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    explainer = Explainer(root, interpolation.broken)
    problems.extend(explainer.errors(errors))
    if all(error["loc"] for error in errors):
        problems.extend(explainer.refusals((), _conflicts(data)))
    return None


def _conflicts(data: dict[str, Any]) -> Iterator[Refusal]:
    """The rules over two sections, which the model does not reach when anything else is wrong."""
    with suppress(ValidationError):
        gateway = GatewaySettings.model_validate(data.get("gateway") or {}, context=MANIFEST)
        access = AccessSettings.model_validate(data.get("access") or {}, context=MANIFEST)
        yield from conflicts(gateway, access)
    with suppress(ValidationError):
        servers = McpSettings.model_validate(data.get("mcp") or {}, context=MANIFEST)
        yield from strangers(servers, data.get("agents") or {})
