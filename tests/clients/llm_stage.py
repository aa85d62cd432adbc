"""The stage for clients of models: a gateway process with MCP servers and models, before scripted providers.

The script is that of `stub_messages`: the tool is called as soon as it is offered; when its result has come, it is
quoted. While it is not offered yet, a harmless tool of the client's own is called, a bounded number of times.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.stub_messages import HARMLESS, MAX_WAITING_TURNS, WAITING_SECONDS
from tests.e2e.gateway import manifest_of, shared_process
from tests.llm.vendor_reading import Meant, read
from tests.llm.vendor_wire import FORMATS, Calls, Json, Says
from tests.llm.vendor_world import KEY, MODELS, Asked, Providers, providers, sections

SDK = {"command": sys.executable, "args": [str(Path(__file__).with_name("sdk_server.py"))]}


@dataclass
class Conversation:
    """One tool is to be called once. `thought`: what the model thinks meanwhile."""

    tool: str
    arguments: Json
    thought: str = ""
    waited: int = 0
    result: str | None = None
    meant: list[Meant] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Says:
        meant = read(asked)
        self.meant.append(meant)
        called = [call.id or call.name for call in meant.calls if call.name == self.tool]
        results = [text for id_, text in meant.results if not called or id_ in called or not id_]
        if called and results:
            self.result = results[-1]
            return Says(f"The tool {self.tool} answered: {self.result}", thought=self.thought)
        if self.tool in meant.tools:
            return Says("", (Calls("toolu_stub_0001", self.tool, self.arguments),), self.thought)
        idle = next((name for name in HARMLESS if name in meant.tools), None)
        if idle is None or self.waited >= MAX_WAITING_TURNS:
            return Says(f"The tool {self.tool} is not offered.")
        self.waited += 1
        time.sleep(WAITING_SECONDS)  # the client connects to its MCP servers meanwhile
        return Says("", (Calls(f"toolu_stub_wait_{self.waited}", idle, dict(HARMLESS[idle])),))


@dataclass(frozen=True)
class Stage:
    url: str
    providers: Providers


@contextmanager
def stage(folder: Path, provider: str, *, keys: bool = True, **route: Any) -> Iterator[Stage]:
    """All models are those of one provider: whatever begins with claude-, gpt- or gemini- leads to it."""
    assert provider in FORMATS
    with providers() as (base, state):
        more = sections(base)
        aliases = ["claude-*", "gpt-*", "gemini-*"]
        target = {"provider": provider, "model": MODELS[provider]}
        if not keys:
            del more["access"]
        more["models"]["routes"] = {"claude": {"targets": [target], "aliases": aliases, **route}}
        with shared_process(manifest_of({"kit": SDK}, **more), folder) as url:
            yield Stage(url, state)


__all__ = ["KEY", "Conversation", "Stage", "stage"]
