"""Whether a model can carry a request: its window, tools, images. From the manifest, else the built-in catalog. Pure.

What is not known of a model is no obstacle. How long a request is can only be estimated, so a target that may be too
small is passed over where there is another, and a request is refused only if it is far too long for all of them.
Above: `routing`. Below: `catalog`, `facts`.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from .catalog import CATALOG
from .facts import Facts
from .values import Model

EXCESS = 1.5
"""How much longer than a model's window a request must seem to be, before no model is asked."""
SMALLEST_TOKEN = 1.5
"""Bytes of a body that make a token at least: a body that fits by that need not be looked at."""
MAX_KNOWN = 1024
"""Models whose capabilities are remembered; callers may name any."""
_VENDOR = re.compile(r"(?:(?:us|eu|apac|jp|au|ca|global)\.)?(?:[a-z0-9]+\.)(?=[a-z])")
_UNKNOWN = Model()


def bare(model: str) -> str:
    """A model's own name, without who offers it where: `us.anthropic.claude-...`, `openai/gpt-...`, `models/...`."""
    name = model.lower().rpartition("/")[2]
    found = _VENDOR.match(name)
    return name[found.end() :] if found else name


def built_in(model: str) -> Model:
    """What the catalog knows."""
    name = bare(model)
    return next((known for beginning, known in CATALOG if name.startswith(beginning)), _UNKNOWN)


def joined(said: Model | None, known: Model) -> Model:
    """What is said first, and where nothing is said, what is known."""
    if said is None:
        return known
    pairs = ((name, getattr(said, name)) for name in Model.__struct_fields__)
    return msgspec.structs.replace(known, **{name: value for name, value in pairs if value is not None})


class Capabilities:
    """Of all models. `said`: provider -> model -> what the manifest says."""

    def __init__(self, said: Mapping[str, Mapping[str, Model]]) -> None:
        self._said = said
        self._known: OrderedDict[tuple[str, str], Model] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, provider: str, model: str) -> Model:
        found = self._known.get((provider, model))
        if found is None:
            found = self._known[provider, model] = joined(self._said.get(provider, {}).get(model), built_in(model))
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return found


def lack(facts: Facts, model: Model, tokens: Callable[[], int], *, excess: float = 1.0) -> str:
    """Why the model cannot carry the request; empty if nothing is known against it. `tokens`: its estimated length."""
    if model.tools is False and facts.has_tools:
        return "calls no tools"
    if model.images is False and facts.has_images:
        return "sees no images"
    if model.context is None or len(facts.asked.body) <= model.context * SMALLEST_TOKEN:
        return ""
    length = tokens()
    if length > model.context * excess:
        return f"has room for {model.context} tokens, and the request has about {length}"
    return ""


def shortcoming(facts: Facts, model: Model) -> str:
    """What the model would leave undone, or be refused for, though it can carry the request; empty for nothing."""
    if model.reasoning is False and facts.wants_reasoning:
        return "does not think"
    if model.structured is False and facts.wants_schema:
        return "keeps to no schema"
    if model.max_output is not None and (facts.max_tokens or 0) > model.max_output:
        return f"writes at most {model.max_output} tokens"
    return ""
