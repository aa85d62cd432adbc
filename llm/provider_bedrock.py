"""AWS Bedrock's Converse API, by API key or by signed requests. Pure: the time is given.

Its streams are binary frames (`bedrock_frames`), not server-sent events.
"""

from .provider_wire import Order, Outgoing, Settled, head, in_path, join
from .sigv4 import AwsKey, sign
from .values import Format, Operation

STREAM = b"application/vnd.amazon.eventstream"
_SIGNED = (b"content-type",)


class Bedrock:
    """`aws`: what requests are signed with; None if there is an API key."""

    def __init__(self, settled: Settled, aws: AwsKey | None) -> None:
        self._settled = settled
        self._aws = aws

    def formats(self, _model: str, /) -> tuple[Format, ...]:
        return ("bedrock",)

    def can(self, _operation: Operation, _format: Format, /) -> bool:
        return False

    def outgoing(self, order: Order, now: float, /) -> Outgoing:
        settled = self._settled
        action = "converse-stream" if order.stream else "converse"
        path = join(settled.target, f"/model/{in_path(order.model)}/{action}")
        accept = (b"accept", STREAM if order.stream else b"application/json")
        headers = head(settled, order, accept)
        if self._aws is not None and not order.key:
            names = {name.decode(): value.decode("latin-1") for name, value in headers if name in _SIGNED}
            signed = sign(self._aws, settled.target.authority, path, names, order.body, now)
            headers += tuple((name.encode(), value.encode()) for name, value in signed.items())
        return Outgoing(path, headers, order.body)
