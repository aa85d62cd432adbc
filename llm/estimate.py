"""How many tokens a request has, where nobody has counted them: by its size, and by what its models counted before.

Bytes per token depend on the family of the model; what providers report of answered requests corrects that, model by
model. Media sent along cost what they cost, not their size. Pure but for what was learnt. Above: `routing`,
`counting`. Below: `values`.
"""

import re
from collections import OrderedDict

import msgspec

from ..core.rawjson import Raw
from .values import Asked

TOKENS_PER_MEDIUM = 1500
"""Of an image of usual size."""
MEDIUM = 2048
"""Bytes of base64 from which on a text is one."""
MAX_STRINGS = 20_000
"""Texts of a request that are looked at for media; what comes after them counts by its size."""
WEIGHT = 0.1
"""Of one more report against all before it."""
LEAST, MOST = 0.25, 4.0
"""Corrections beyond these are no tokens of ours: a provider that counts something else."""
MIN_LEARNT = 200
"""Estimated tokens below which a request teaches nothing: what providers add to every request would weigh too much."""
MAX_LEARNT = 64 * 1024
"""Bytes of a request above which measuring it again costs more than it teaches."""
EVERY = 8
"""Requests of a model known already, of which one is learnt from."""
MAX_MODELS = 1024
"""Models of which something is remembered; callers may name any."""

_COUNTED = ("system", "messages", "tools", "input", "instructions", "contents", "systemInstruction", "functions")
_FAMILIES: tuple[tuple[str, float], ...] = (
    ("claude", 3.4),
    ("gemini", 4.0),
    ("gpt", 4.0),
    ("o1", 4.0),
    ("o3", 4.0),
    ("o4", 4.0),
    ("grok", 4.0),
    ("llama", 3.9),
    ("mistral", 3.5),
)
"""Bytes of English prose and code in JSON that make a token, by what a model's name contains."""
USUAL = 3.8
"""Of any other model."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]+")
_SAMPLE = 1024


class Size(msgspec.Struct, frozen=True):
    """`text`: bytes of what the model reads; `media`: what of it is sent along as something else."""

    text: int
    media: int = 0


def measure(asked: Asked) -> Size:
    """The size of a request, media told apart."""
    text = media = 0
    for key in _COUNTED:
        member = asked.members.get(key)
        if member is not None:
            found = _measured(member)
            text += found.text
            media += found.media
    return Size(text, media)


def _measured(member: Raw) -> Size:
    """Strings are told apart by their quotation marks alone: an escaped one ends a piece of text too early, no more."""
    raw = bytes(member)
    size, media, at = len(raw), 0, 0
    if size < MEDIUM:
        return Size(size)
    for _ in range(MAX_STRINGS):
        end = raw.find(b'"', at)
        if end < 0:
            break
        if end - at >= MEDIUM and _BASE64.fullmatch(raw, end - _SAMPLE, end):
            media += 1
            size -= end - at
        at = end + 1
    return Size(size, media)


def bytes_per_token(model: str) -> float:
    name = model.lower()
    return next((size for word, size in _FAMILIES if word in name), USUAL)


def tokens(size: Size, model: str = "", correction: float = 1.0) -> int:
    """At least one."""
    text = max(1, round(size.text / bytes_per_token(model) * correction))
    return text + size.media * TOKENS_PER_MEDIUM


class Estimates:
    """Estimates that learn, by target (`provider/model`)."""

    def __init__(self) -> None:
        self._corrections: OrderedDict[str, float] = OrderedDict()
        self._told = 0

    def __len__(self) -> int:
        return len(self._corrections)

    def of(self, size: Size, target: str, model: str) -> int:
        return tokens(size, model, self._corrections.get(target, 1.0))

    def correction(self, target: str) -> float:
        return self._corrections.get(target, 1.0)

    def learn(self, asked: Asked, target: str, model: str, reported: int) -> None:
        """The provider has read `reported` tokens of this request."""
        if not 0 < len(asked.body) <= MAX_LEARNT or reported <= 0:
            return
        self._told += 1
        if target in self._corrections and self._told % EVERY:
            return
        size = measure(asked)
        guessed = tokens(size, model)
        if size.media or guessed < MIN_LEARNT:
            return
        seen = min(max(reported / guessed, LEAST), MOST)
        known = self._corrections.get(target)
        self._corrections[target] = seen if known is None else known + WEIGHT * (seen - known)
        self._corrections.move_to_end(target)
        if len(self._corrections) > MAX_MODELS:
            self._corrections.popitem(last=False)
