"""The section of a server that is an HTTP API with an OpenAPI document.

Values only; what may hold a credential (addresses, headers) is left out of `repr`.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ..core.apart import Apart
from ..core.auth_settings import UpstreamAuth, auth_field
from ..core.http_values import Target
from ..core.values import Plain, Url, refuse
from .server_settings import AnyServer, Headers, host_and_port


def is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _document(text: str) -> str:
    if not text.strip():
        raise refuse("must not be empty", "name the OpenAPI document")
    if "://" in text and not is_url(text):
        raise refuse("must be a file or an http or https URL", "write ./NAME.yaml or https://HOST/PATH")
    try:
        Target.parse(text if is_url(text) else "http://h")
    except ValueError as error:
        raise refuse("must be a file or an http or https URL", str(error)) from error
    return text


Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class OpenApiServer(AnyServer):
    """An HTTP API, each operation of which becomes a tool."""

    openapi: Annotated[Plain, AfterValidator(_document), WithJsonSchema({"type": "string", "minLength": 1})] = Field(
        repr=False,
        description="Its OpenAPI 3.0 or 3.1 document: a file, relative to the manifest's folder, or a URL.",
    )
    base_url: Url | None = Field(
        default=None,
        repr=False,
        description="Where the API is, in place of the servers that the document names. Its query goes with each call.",
    )
    include: tuple[Pattern, ...] = Field(
        default=(), description="The tools that are offered, by name with * and ?; default: all."
    )
    exclude: tuple[Pattern, ...] = Field(default=(), description="The tools that are not offered.")
    headers: Headers = Field(default={}, repr=False, description="Headers sent with each call, such as Authorization.")
    auth: Apart[UpstreamAuth | None] = auth_field()

    @model_validator(mode="before")
    @classmethod
    def _one_address(cls, data: Any) -> Any:
        if isinstance(data, dict) and (data.get("url") is not None or data.get("command") is not None):
            raise refuse('has "openapi" beside "url" or "command"', "base_url is the address of the API itself")
        return data

    @property
    def endpoint(self) -> str:
        """What logs call it: `host:port`, or the document's file name while that is all there is."""
        url = self.base_url or (self.openapi if is_url(self.openapi) else "")
        return host_and_port(url) if url else Path(self.openapi).name
