"""The data path: every call of every protocol goes through this list, from top to bottom and back.

A stage with nothing configured is left out when the list is built. Stages that do not
exist yet are named where they will stand, because their place is part of the design.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..access.identify import Identify
from ..access.judge import Judge
from ..core.call import Handler
from ..core.ports import Endpoint, Telling
from ..core.stage import Stage, compose
from .admit import Admit
from .authorize import Authorize
from .bind import Bind, BindOne
from .observe import Observe
from .payloads import PayloadLog
from .rescue import Rescue

if TYPE_CHECKING:
    from ..governance.limits import Limits


def data_path(
    observe: Observe,
    admit: Admit,
    identify: Identify,
    endpoint: Endpoint,
    inner: Sequence[Stage] = (),
    payloads: PayloadLog | None = None,
) -> Handler:
    """The whole path of one endpoint. `inner`: its `inner_stages`."""
    stages: Sequence[Stage] = (
        observe,  # first in, last out: even a refusal gets its metrics, span and access line
        Rescue(endpoint),  # one place where errors become wire replies, in the caller's own protocol
        admit,  # room, size, host: before any work
        identify,  # who is it; from the head alone, so that strangers cannot make us read bodies
        *([payloads] if payloads is not None else []),  # what is said, for who is known, as it came and as it goes
        Bind(endpoint),  # which session, checked against who opened it
        *inner,
    )
    return compose(stages, endpoint.dispatch)


def batch_path(observe: Observe, endpoint: Endpoint, bind_one: BindOne, inner: Sequence[Stage] = ()) -> Handler:
    """What every message of a batch goes through: its caller is known; its line, route and errors are its own."""
    return compose((observe, Rescue(endpoint), bind_one, *inner), endpoint.dispatch)


def message_path(observe: Observe, endpoint: Endpoint, inner: Sequence[Stage] = ()) -> Handler:
    """What a message of the old event-stream transport goes through: its caller is known, the rest is as ever."""
    return compose((observe, Rescue(endpoint), Bind(endpoint), *inner), endpoint.dispatch)


def inner_stages(judge: Judge, telling: Telling, limits: "Limits | None" = None) -> Sequence[Stage]:
    """Policies that look at one bound operation, in this order.

    authorize: may this principal do this (rules see protocol, target, arguments)
    limit: rates and budgets: reserve before, reconcile after
    guard: content on the way in and out, streams included
    cache: may an earlier answer serve
    """
    stages: list[Stage] = [Authorize(judge, telling)] if judge else []
    if limits:
        from .limit import Limit

        stages.append(Limit(limits, telling))
    return stages
