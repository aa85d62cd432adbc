"""The `mcp` section: the MCP servers behind the gateway and how their names are joined.

Values only, compared by `==` when a manifest is loaded again: a server whose settings are
equal keeps running. Shapes as in Claude's `mcpServers` are accepted entry by entry (`type`,
`disabled`); what other clients add to that file is handled in `manifest/claude.py`.
What may hold a credential (args, env, headers, url) is left out of `repr`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, WithJsonSchema, model_validator

from ..core.apart import Apart
from ..core.auth_settings import UpstreamAuth, auth_field
from ..core.values import REFUSED, Duration, Name, Plain, Refusal, Section, Url, refuse, refuse_all, written
from .agent_settings import AgentServer
from .openapi_settings import OpenApiServer
from .profile_settings import PinFile, Profile, Search, profile_problems
from .server_settings import AnyServer, Headers, host_and_port

Era = Literal["auto", "legacy", "modern"]
Transport = Literal["auto", "http", "sse"]

STDIO, HTTP, OPENAPI, AGENT = "<stdio>", "<http>", "<openapi>", "<agent>"
"""Union tags; they stand in pydantic's error paths, so they are nothing a key could be called."""

_TRANSPORT_OF_TYPE = {"http": "http", "streamable-http": "http", "streamableHttp": "http", "sse": "sse"}


def _command(text: str) -> str:
    if not text.strip():
        raise refuse("must not be empty", "name the program to start")
    return text


def _folder(path: Path) -> Path:
    if "\0" in str(path):
        raise refuse("must not contain a NUL character", "no folder is called so")
    return path


def _env(env: dict[str, str]) -> dict[str, str]:
    bad = [name for name in env if not name or "=" in name or "\0" in name]
    if bad:
        raise refuse_all(Refusal("is not a variable name", "a name is not empty and has no =", (name,)) for name in bad)
    return env


class _McpServer(AnyServer):
    era: Era = Field(
        default="auto",
        description="Which protocol era is spoken to it; auto asks the server. modern is 2026-07-28 on.",
    )


class StdioServer(_McpServer):
    """A server that the gateway starts and speaks to by standard input and output."""

    command: Annotated[Plain, AfterValidator(_command), WithJsonSchema({"type": "string", "minLength": 1})] = Field(
        description="The program. With a slash in it, relative to the manifest's folder; else looked up in PATH."
    )
    args: tuple[Plain, ...] = Field(default=(), repr=False, description="Its arguments.")
    env: Annotated[dict[str, Plain], AfterValidator(_env)] = Field(
        default={}, repr=False, description="Environment variables, added to a short list of harmless ones."
    )
    cwd: Annotated[Path, AfterValidator(_folder)] | None = Field(
        default=None,
        description="Its working directory, relative to the manifest's folder; default: the gateway's.",
    )
    process: Literal["shared", "per_session"] = Field(
        default="shared",
        description="shared: one process serves all sessions; per_session: each session has its own.",
    )
    max_processes: int = Field(
        default=32, ge=1, le=512, description="With per_session: processes at a time; the longest idle one goes first."
    )
    idle: Duration = Field(
        default=600.0,
        json_schema_extra=written("10m"),
        description="With per_session: a process that was not used for so long is ended.",
    )
    type: Literal["stdio"] = Field(default="stdio", description="As in Claude's mcpServers; may be left out.")

    @model_validator(mode="before")
    @classmethod
    def _not_both(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("url") is not None:
            raise refuse('has both "command" and "url"', "a server is started or reached: keep one of them")
        return data

    @property
    def endpoint(self) -> str:
        """What logs call it: the program's name."""
        return Path(self.command).name


class HttpServer(_McpServer):
    """A server that is reached by HTTP."""

    url: Url = Field(repr=False, description="Its endpoint, such as http://127.0.0.1:9001/mcp.")
    headers: Headers = Field(
        default={}, repr=False, description="Headers sent with each request, such as Authorization."
    )
    auth: Apart[UpstreamAuth | None] = auth_field()
    transport: Transport = Field(
        default="auto",
        description="http: streamable HTTP; sse: the old HTTP+SSE; auto tries them in this order.",
    )
    type: Literal["http", "streamable-http", "streamableHttp", "sse"] | None = Field(
        default=None, description="As in Claude's mcpServers: another spelling of transport."
    )

    @model_validator(mode="before")
    @classmethod
    def _type_is_transport(cls, data: Any) -> Any:
        # Settled here, so that readers know one field and equal servers compare equal however they are spelled.
        transport = _TRANSPORT_OF_TYPE.get(data["type"]) if _names_type(data) else None
        if transport is None:
            return data
        if data.get("transport") not in (None, "auto", transport):
            raise refuse_all([Refusal('says something else than "transport"', "keep one of them", ("type",))])
        rest = {key: value for key, value in data.items() if key != "type"}
        return {**rest, "transport": transport}

    @property
    def endpoint(self) -> str:
        """What logs call it: `host:port`."""
        return host_and_port(self.url)


def _names_type(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("type"), str)


_KINDS: dict[str, type[AnyServer]] = {STDIO: StdioServer, HTTP: HttpServer, OPENAPI: OpenApiServer, AGENT: AgentServer}


def _kind(entry: Any) -> str | None:
    if isinstance(entry, BaseModel):
        return next((tag for tag, kind in _KINDS.items() if isinstance(entry, kind)), None)
    if not isinstance(entry, dict):
        return None
    if entry.get("agent") is not None:
        return AGENT
    if entry.get("openapi") is not None:
        return OPENAPI
    if entry.get("command") is not None:
        return STDIO
    if entry.get("url") is not None:
        return HTTP
    if entry.get("type") == "stdio":
        return STDIO
    return HTTP if _names_type(entry) and entry["type"] in _TRANSPORT_OF_TYPE else None


Server = Annotated[
    Annotated[StdioServer, Tag(STDIO)]
    | Annotated[HttpServer, Tag(HTTP)]
    | Annotated[OpenApiServer, Tag(OPENAPI)]
    | Annotated[AgentServer, Tag(AGENT)],
    Discriminator(
        _kind,
        custom_error_type=REFUSED,
        custom_error_message="{what}",
        custom_error_context={
            "what": 'needs "command", "url", "openapi" or "agent"',
            "why": "command is the program to start, url the address of a running server, openapi an API's document",
        },
    ),
]


class McpSettings(Section):
    """The MCP servers and the catalog made of them."""

    naming: Literal["always", "on_collision", "never"] = Field(
        default="always",
        description="When tools are called server__tool: always, only where names collide, or never.",
    )
    servers: dict[Name, Server] = Field(default={}, description="The servers, each under its name.")
    profiles: Apart[dict[Name, Profile]] = Field(default={}, description="Views of the catalog, served at /mcp/NAME.")
    search: Search = Field(
        default="auto",
        description="Whether clients get two tools that search and call instead of the whole list. "
        "auto: as soon as the list costs more than search_over.",
    )
    search_over: int = Field(
        default=64_000, ge=1, description="Tokens (estimated) above which search: auto searches; half of 128k."
    )
    warn_tokens: int = Field(
        default=25_000, ge=0, description="Tokens (estimated) of a tool list above which a warning is logged; 0: never."
    )
    fingerprints: PinFile | None = Field(
        default=None, description="A file that keeps accepted tool definitions across restarts; see pin."
    )

    @property
    def agents(self) -> dict[str, str]:
        """The servers that are agents of this gateway, each with the agent's name."""
        return {name: server.agent for name, server in self.servers.items() if isinstance(server, AgentServer)}

    @model_validator(mode="after")
    def _profiles_fit(self) -> Self:
        found = list(profile_problems(self.profiles, self.servers))
        if found:
            raise refuse_all(found)
        return self
