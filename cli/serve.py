"""`fedgate serve`: the gateway of a manifest, in the foreground."""

import os
import shlex
from argparse import Namespace

from pydantic import ValidationError

from ..gateway.app import CannotOpenStore
from ..gateway.serve import CannotListen, Origin
from ..gateway.settings import parse_listen
from ..manifest.load import load
from ..manifest.model import Manifest
from .running import foreground
from .source import paths, read
from .stop import BAD_MANIFEST, OK, USAGE, Stop


def run(arguments: Namespace) -> int:
    """Serve until a signal comes."""
    manifest = read(arguments.manifests)
    listen = arguments.listen
    if listen is not None:
        manifest = listening_on(manifest, listen)
    files = paths(arguments.manifests)

    def again() -> Manifest:
        found = load(files, os.environ)
        return found if listen is None else listening_on(found, listen)

    try:
        origin = Origin(again, lambda: files)
        foreground(manifest, log_level=arguments.log_level, json=arguments.json, origin=origin)
    except CannotListen as error:
        hint = shlex.join(["fedgate", "serve", *arguments.manifests, "--listen", "127.0.0.1:0"])
        raise Stop(str(error), BAD_MANIFEST, hint) from error
    except CannotOpenStore as error:
        raise Stop(str(error), BAD_MANIFEST, shlex.join(["fedgate", "check", *arguments.manifests])) from error
    return OK


def listening_on(manifest: Manifest, text: str) -> Manifest:
    """The same manifest with another address, under the same rules: beyond loopback, callers need keys."""
    try:
        listen = parse_listen(text)
    except ValueError as error:
        why = 'write "HOST:PORT", such as 127.0.0.1:8080 or [::1]:8080'
        raise Stop(f'--listen "{text}" {error}: {why}', USAGE, "fedgate serve --help") from error
    sections = {name: getattr(manifest, name) for name in Manifest.model_fields}
    sections["gateway"] = manifest.gateway.model_copy(update={"listen": listen})
    try:
        return Manifest.model_validate(sections)
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        said = "; ".join(f"{refusal.what}: {refusal.why}" for refusal in context.get("refusals", ()))
        raise Stop(f'--listen "{text}" {said}', USAGE, "fedgate serve --listen 127.0.0.1:8080") from error
