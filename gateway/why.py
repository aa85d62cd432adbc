"""May this one do that, and why: identity, what the name leads to, each rule, the limits. Nothing is sent.

The answer is for administrators: it says what callers are not told. It holds no credential. Above: `POST
/admin/why`, `fedgate why`. Below: the judge, the endpoints, the limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ..a2a.cards import is_seen, may_use
from ..a2a.endpoint import A2aEndpoint, Bound
from ..access import claims
from ..access.callers import Callers
from ..access.judge import Judge
from ..access.jwks import CannotVerify
from ..access.jws import Refused
from ..access.rules import Told
from ..console.why import Question, parse
from ..core.call import ANONYMOUS, Call, Principal
from ..core.errors import BadRequest, ClientError
from ..core.ports import Telling
from ..federation.endpoint import McpEndpoint
from ..governance.limits import Limits
from ..llm.endpoint import LlmEndpoint
from ..manifest.model import Manifest
from . import supposed
from .authorize import DENIED, public

_KINDS = ("key", "jwt", "mtls")


@dataclass(frozen=True)
class Parts:
    """What is asked."""

    manifest: Manifest
    callers: Callers
    judge: Judge
    limits: Limits
    mcp: McpEndpoint
    a2a: Callable[[], A2aEndpoint]
    llm: Callable[[], LlmEndpoint]


class Who(msgspec.Struct, frozen=True):
    """Who asks, or why it is nobody."""

    principal: Principal
    admitted: bool = True
    why: str = ""


class Matter(msgspec.Struct, frozen=True):
    """What the question leads to. `call` is `None` where there is no such thing at all."""

    call: Call | None
    route: dict[str, Any]
    known: bool = False
    """Whether the caller may know of it."""
    unknown: str = ""
    """What a caller is told who may not, or whom there is nothing for."""
    groups: str = ""
    """Why the caller's groups do not let it."""


class Explain:
    """The port of `console.why`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, body: bytes) -> dict[str, Any]:
        """To a question as `POST /admin/why` takes it. Raises `BadRequest`."""
        return await self(parse(body))

    async def __call__(self, question: Question) -> dict[str, Any]:
        """Raises `BadRequest`."""
        who = await self._who(question.who)
        answer: dict[str, Any] = {"identity": _identity(who), "asked": _asked(question)}
        if not who.admitted:
            return {**answer, **_nothing(who.why)}
        matter, telling = self._matter(question, who.principal)
        if matter.call is None:
            return {**answer, "route": matter.route, **_nothing(matter.unknown, matter.unknown)}
        call, own = matter.call, telling.variables(matter.call)
        verdict = self._parts.judge.verdict(call, own)
        allowed = verdict.allowed and matter.known
        why = matter.groups or verdict.reason
        told = "" if allowed else public(verdict) if matter.known else matter.unknown
        return {
            **answer,
            "route": matter.route,
            "rules": [_rule(each) for each in self._parts.judge.told(call, own)],
            "limits": [msgspec.to_builtins(each) for each in await self._parts.limits.standings(call, lambda: own)],
            "known": matter.known,
            "allowed": allowed,
            "why": why if not verdict.allowed or allowed or matter.groups else f"{DENIED}: it is hidden by a rule",
            "told": told,
        }

    # Who.

    async def _who(self, said: str | dict[str, Any]) -> Who:
        if isinstance(said, dict):
            return self._claimed(said)
        if said == ANONYMOUS.id:
            open_ = self._parts.manifest.anonymous
            return Who(ANONYMOUS, open_, "" if open_ else "callers must say who they are")
        for key in self._parts.manifest.access.keys:
            if key.id == said:
                return Who(Principal(key.id, "key", key.groups, dict(key.metadata)))
        try:
            known = await self._parts.callers.know(said.encode())
        except (Refused, CannotVerify) as error:
            return Who(ANONYMOUS, False, str(error))
        if known.lacking:
            return Who(known.principal, False, f"the token lacks the scopes {', '.join(known.lacking)}")
        return Who(known.principal)

    def _claimed(self, said: dict[str, Any]) -> Who:
        """Claims of a configured issuer are read as its tokens are; other facts are taken as they are."""
        for issuer in self._parts.manifest.access.jwt:
            if said.get("iss") == issuer.issuer:
                given = {"aud": list(issuer.audiences), "exp": 2.0, "iat": 1.0, **said}
                try:
                    bearer = claims.read(given, issuer, 1.0 if "exp" not in said else float(given["exp"]) - 1)
                except (Refused, TypeError, ValueError) as error:
                    return Who(ANONYMOUS, False, str(error))
                lacking = f"the token lacks the scopes {', '.join(bearer.lacking)}" if bearer.lacking else ""
                return Who(bearer.principal, not lacking, lacking)
        if "iss" in said:
            return Who(ANONYMOUS, False, "no issuer of access.jwt is the iss of these claims")
        return Who(_principal(said), True, "as it was given: no issuer vouches for it")

    # What.

    def _matter(self, question: Question, principal: Principal) -> tuple[Matter, Telling]:
        parts = self._parts
        if question.tool:
            return self._tool(question, principal), parts.mcp
        if question.agent:
            return self._agent(question, principal), parts.a2a()
        return self._model(question, principal), parts.llm()

    def _tool(self, question: Question, principal: Principal) -> Matter:
        mcp = self._parts.mcp
        call = supposed.blank("mcp", f"/mcp/{question.view}".removesuffix("/"), principal, question.view)
        owner = supposed.whose(mcp, question.view, question.tool)
        try:
            found: Call | None = supposed.of_tool(mcp, call, question.tool, question.arguments)
            unknown = ""
        except ClientError as error:
            found, unknown = None, error.message
        if owner is None or not owner.server:
            where = f"the view {question.view!r}" if question.view else "the catalog"
            route = {"found": False, "why": f"no tool of {where} has this name"}
            return Matter(found, route, found is not None, unknown)
        server = mcp.hub.servers[owner.server]
        route = {"found": True, "server": owner.server, "tool": owner.name, "state": server.state}
        if found is None and server.listing is None:
            # Nobody has listed its tools yet: what is said is what will be so, if it has this one.
            route["why"] = "the server was not reached: whether it has this tool is not known"
            found = supposed.of_route(call, owner.server, owner.name, question.arguments)
            return Matter(found, route, mcp.shows(call, owner), unknown)
        known = found is not None
        return Matter(
            found or supposed.of_route(call, owner.server, owner.name, question.arguments), route, known, unknown
        )

    def _agent(self, question: Question, principal: Principal) -> Matter:
        name, a2a = question.agent, self._parts.a2a()
        call = supposed.blank("a2a", f"/a2a/{name}", principal)
        agent = a2a.agents.find(name)
        unknown = f"there is no agent {name[:128]!r} here"
        if agent is None:
            return Matter(None, {"found": False, "why": unknown}, unknown=unknown)
        instances = [{"name": each.name, "state": each.state} for each in agent.instances.values()]
        route = {"found": True, "agent": name, "instances": instances}
        member = may_use(agent, principal)
        groups = "" if member else f"agent {name} is for the groups {', '.join(agent.settings.groups)}"
        known = member and is_seen(agent, self._parts.judge.of(call))
        return Matter(supposed.of_agent(call, Bound(agent), question.arguments), route, known, unknown, groups)

    def _model(self, question: Question, principal: Principal) -> Matter:
        llm = self._parts.llm()
        call = supposed.blank("llm", "/v1/chat/completions", principal)
        try:
            found = supposed.of_model(llm, call, question.model, question.arguments)
        except ClientError as error:
            return Matter(None, {"found": False, "why": error.message}, unknown=error.message)
        name = found.target
        settings = llm.routes.by_name[name].settings
        targets = [f"{each.provider}/{each.model or question.model}" for each in settings.targets]
        route: dict[str, Any] = {"found": True, "route": name, "strategy": settings.strategy, "targets": targets}
        if settings.rules:
            route["rules"] = [{"when": each.when, "route": each.route} for each in settings.rules]
        known = name in llm.seen_by(call).by_name
        return Matter(found, route, known, f"there is no model {question.model[:128]!r} here")


def _principal(said: Mapping[str, Any]) -> Principal:
    groups, metadata = said.get("groups", []), said.get("metadata", {})
    kind = said.get("kind", "jwt")
    if not isinstance(groups, list) or not isinstance(metadata, dict) or kind not in _KINDS:
        raise BadRequest('"as" takes {"id" or "sub": text, "groups": [...], "metadata": {...}, "kind": key|jwt|mtls}')
    id_ = str(said.get("id") or said.get("sub") or "somebody")[:255]
    texts = {str(name): str(each) for name, each in metadata.items()}
    return Principal(id_, kind, tuple(map(str, groups)), texts, claims=dict(said))


def _identity(who: Who) -> dict[str, Any]:
    principal = who.principal
    return {
        "admitted": who.admitted,
        "id": principal.id,
        "kind": principal.kind,
        "groups": list(principal.groups),
        "why": who.why,
    }


def _asked(question: Question) -> dict[str, Any]:
    kind = "tool" if question.tool else "agent" if question.agent else "model"
    operation = {"tool": supposed.TOOL, "agent": supposed.SEND, "model": supposed.CHAT}[kind]
    return {"kind": kind, "name": getattr(question, kind), "view": question.view, "operation": operation}


def _nothing(why: str, told: str = "") -> dict[str, Any]:
    return {"rules": [], "limits": [], "known": False, "allowed": False, "why": why, "told": told or why}


def _rule(told: Told) -> dict[str, Any]:
    rule = told.rule
    return {
        "rule": rule.label,
        "kind": rule.kind,
        "expression": rule.program.text,
        "held": told.held,
        "why": told.why,
    }
