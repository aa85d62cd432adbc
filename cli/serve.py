"""`fedgate serve`: the gateway of a manifest, in the foreground."""

import shlex
from argparse import Namespace

from pydantic import ValidationError

from ..gateway.app import CannotOpenStore
from ..gateway.serve import CannotListen
from ..gateway.settings import parse_listen
from ..manifest.model import Manifest
from .running import foreground
from .source import read
from .stop import BAD_MANIFEST, OK, USAGE, Stop


def run(arguments: Namespace) -> int:
    """Serve until a signal comes."""
    manifest = read(arguments.manifests)
    if arguments.listen is not None:
        manifest = listening_on(manifest, arguments.listen)
    try:
        foreground(manifest, log_level=arguments.log_level, json=arguments.json)
    except CannotListen as error:
        again = shlex.join(["fedgate", "serve", *arguments.manifests, "--listen", "127.0.0.1:0"])
        raise Stop(str(error), BAD_MANIFEST, again) from error
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
