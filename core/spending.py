"""What a model call is expected to cost, before anybody knows: for limits and budgets. Values only."""

import msgspec


class Expected(msgspec.Struct, frozen=True):
    """Tokens. An estimate: what was really used is told with the answer."""

    input: int
    """Of what the model is to read."""
    output: int = 0
    """Of what it may write, as far as it is worth reserving."""
    most: int | None = None
    """The most that it may write, if the caller said so."""
