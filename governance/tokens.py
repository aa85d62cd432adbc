"""How many tokens a call has used, once it is over. Pure.

What the provider said is read off the access line's own keys, which the model's side writes when an answer ends, a
stream's included. What it did not say is estimated, so that a provider that says nothing is not for nothing, and who
hangs up before the count comes does not get around it. Above: the limit stage.
"""

from collections.abc import Mapping

from ..core.spending import Expected

READ, WRITTEN = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
BYTES_PER_TOKEN = 16
"""Of a stream that was cut: what surrounds its texts is most of it."""


def used(expected: Expected, fields: Mapping[str, object], *, sent: int | None = None) -> int:
    """`sent`: bytes that the caller was sent of a stream that did not reach its end."""
    read, written = fields.get(READ), fields.get(WRITTEN)
    tokens = read if isinstance(read, int) else expected.input
    if sent is None:
        return tokens + (written if isinstance(written, int) else expected.output)
    guessed = sent // BYTES_PER_TOKEN
    if expected.most is not None:
        guessed = min(guessed, expected.most)
    return tokens + max(guessed, written if isinstance(written, int) else 0)


def is_told(fields: Mapping[str, object]) -> bool:
    """Whether the provider has said anything of what was used."""
    return READ in fields or WRITTEN in fields
