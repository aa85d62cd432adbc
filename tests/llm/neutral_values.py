"""Neutral requests, answers and streams for property tests, and what they say, feature by feature.

`facts` takes a neutral value apart into what `llm/features.py` names. A translation is honest if every
fact that is gone afterwards belongs to a feature that the writer named.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from hypothesis import strategies as st

from fedgate.core.rawjson import EMPTY, Raw
from fedgate.llm.blocks import MAX_TOOL_NAME
from fedgate.llm.neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Finished,
    Foreign,
    Format,
    Media,
    Message,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Response,
    Sampling,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

Facts = dict[str, list[str]]

EPHEMERAL = Raw(b'{"type":"ephemeral"}')
PNG = "iVBORw0KGgoAAAANSUhEUg=="
PDF = "JVBERi0xLjQK"
SCHEMA = Raw(b'{"type":"object","properties":{"x":{"type":"number","maximum":1.50}},"additionalProperties":false}')

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: not text.isspace())
names = st.from_regex(r"[a-zA-Z0-9_-]{1,70}", fullmatch=True)
ids = st.from_regex(r"(call|toolu)_[A-Za-z0-9]{4,40}|functions\.[a-z]{3}:[0-9]", fullmatch=True)
caches = st.sampled_from([EMPTY, EMPTY, EPHEMERAL])
texts = st.builds(Text, words, caches)
arguments = st.sampled_from(["", '{"x": 1.50}', '{"city":"Zürich","n":null}', "{}"])
signatures = st.from_regex(r"[A-Za-z0-9+/]{8}==", fullmatch=True)

images = st.one_of(
    st.builds(Media, st.just("image"), st.sampled_from(["image/png", "image/jpeg"]), st.just(PNG), cache=caches),
    st.builds(Media, st.just("image"), url=st.just("https://example.com/a.png"), detail=st.sampled_from(["", "low"])),
    st.builds(Media, st.just("image"), id=st.just("file_1")),
)
files = st.one_of(
    st.builds(Media, st.just("file"), st.just("application/pdf"), st.just(PDF), name=st.just("a.pdf"), cache=caches),
    st.builds(Media, st.just("file"), st.just("text/plain"), st.just("aGFsbG8="), name=st.just("b.txt")),
    st.builds(Media, st.just("file"), url=st.just("https://example.com/a.pdf")),
    st.builds(Media, st.just("file"), id=st.just("file_2")),
)
sounds = st.one_of(
    st.builds(Media, st.just("audio"), st.just("audio/wav"), st.just("UklGRg==")),
    st.builds(Media, st.just("audio"), url=st.just("https://example.com/a.wav")),
    st.builds(Media, st.just("video"), url=st.just("https://example.com/a.mp4")),
)
media = st.one_of(images, files, sounds)
thoughts = st.one_of(
    st.builds(Thinking, words),
    st.builds(Thinking, words, signatures, format=st.just("anthropic")),
    st.builds(Thinking, sealed=signatures, format=st.just("anthropic")),
    st.builds(Thinking, words, sealed=signatures, id=st.just("rs_1"), format=st.just("responses")),
)
calls = st.builds(ToolCall, ids, names, arguments, signature=st.sampled_from(["", "", "Z2VtaW5p"]), cache=caches)
custom_calls = st.builds(ToolCall, ids, names, words, custom=st.just(True))
refusals = st.builds(Refusal, words)
foreign = st.sampled_from(
    [
        Foreign(
            "anthropic", Raw(b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":"x"}}')
        ),
        Foreign("gemini", Raw(b'{"executableCode":{}}')),
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns in an order that some format allows: calls are followed by their results."""
    messages: list[Message] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["user", "user", "assistant", "tools", "system"]))
        if kind == "user":
            content = draw(st.lists(st.one_of(texts, media), min_size=1, max_size=3))
            messages.append(Message("user", tuple(content), draw(st.sampled_from(["", "", "Ann"]))))
        elif kind == "system":
            messages.append(Message("system", (draw(texts),)))
        elif kind == "assistant":
            blocks = st.one_of(texts, texts, thoughts, refusals, foreign)
            messages.append(Message("assistant", tuple(draw(st.lists(blocks, min_size=1, max_size=3)))))
        else:
            messages += draw(_rounds())
    return tuple(messages)


@st.composite
def _rounds(draw: st.DrawFn) -> list[Message]:
    made: list[ToolCall] = draw(
        st.lists(st.one_of(calls, calls, custom_calls), min_size=1, max_size=2, unique_by=lambda call: call.id)
    )
    before = draw(st.lists(st.one_of(texts, thoughts), max_size=2))
    results = [draw(_results(call)) for call in made]
    after = draw(st.lists(texts, max_size=1))
    return [Message("assistant", (*before, *made)), Message("user", (*results, *after))]


def _results(call: ToolCall) -> st.SearchStrategy[ToolResult]:
    content = st.lists(st.one_of(texts, images), max_size=2).map(tuple)
    named = st.sampled_from(["", call.name])
    return st.builds(
        ToolResult, st.just(call.id), content, st.booleans(), named, cache=caches, custom=st.just(call.custom)
    )


tools = st.one_of(
    st.builds(Tool, names, words, st.sampled_from([EMPTY, SCHEMA]), st.sampled_from([None, True, False]), cache=caches),
    st.builds(Tool, names, words, st.just(SCHEMA), namespace=st.just("shell")),
    st.builds(Tool, names, words, custom=st.just(Raw(b'{"type":"text"}'))),
    st.just(
        Tool("web_search", foreign=Foreign("anthropic", Raw(b'{"type":"web_search_20250305","name":"web_search"}')))
    ),
)
efforts = st.sampled_from(["", "minimal", "low", "medium", "high", "xhigh", "max"])
reasonings = st.one_of(
    st.none(),
    st.builds(Reasoning, st.just("on"), efforts, st.sampled_from([None, 1024, 5000]), st.sampled_from([None, True])),
    st.builds(Reasoning, st.just("adaptive"), efforts, show=st.sampled_from([None, True, False])),
    st.just(Reasoning("off")),
    st.just(Reasoning("off", "none")),
)
formats = st.one_of(
    st.none(),
    st.just(Format()),
    st.builds(
        Format, st.just(SCHEMA), st.just("weather"), st.sampled_from(["", "d"]), st.sampled_from([None, True, False])
    ),
)


def _maybe(strategy: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.one_of(st.none(), strategy)


samplings = st.builds(
    Sampling,
    temperature=_maybe(st.sampled_from([0.0, 0.25, 1.0, 1.5])),
    top_p=_maybe(st.sampled_from([0.5, 0.99])),
    top_k=st.sampled_from([None, 40]),
    stop=st.lists(st.sampled_from(["END", "\n\n", "###"]), max_size=2, unique=True).map(tuple),
    seed=st.sampled_from([None, 42]),
    frequency_penalty=st.sampled_from([None, 0.5]),
    presence_penalty=st.sampled_from([None, -0.5]),
    logprobs=st.sampled_from([None, True]),
    top_logprobs=st.sampled_from([None, 3]),
    n=st.sampled_from([None, 1, 2]),
)


@st.composite
def requests(draw: st.DrawFn, models: Collection[str] = ("model",)) -> Request:
    declared = tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name)))
    named = [ToolChoice("named", tool.name) for tool in declared]
    choices = [None, ToolChoice(), ToolChoice("any", parallel=False), ToolChoice("none"), *named]
    return Request(
        model=draw(st.sampled_from(sorted(models))),
        messages=draw(conversations()),
        system=tuple(draw(st.lists(texts, max_size=2))),
        tools=declared,
        tool_choice=draw(st.sampled_from(choices)),
        max_tokens=draw(st.sampled_from([None, 64, 4096, 32_000])),
        sampling=draw(samplings),
        reasoning=draw(reasonings),
        format=draw(formats),
        verbosity=draw(st.sampled_from(["", "low"])),
        stream=draw(st.booleans()),
        user=draw(st.sampled_from(["", "user-1"])),
        cache_key=draw(st.sampled_from(["", "key"])),
        service_tier=draw(st.sampled_from(["", "auto", "default", "priority"])),
        metadata=draw(st.sampled_from([EMPTY, Raw(b'{"team":"core"}')])),
        previous=draw(st.sampled_from(["", "resp_1"])),
        store=draw(st.sampled_from([None, True, False])),
    )


def _media_facts(block: Media, facts: Facts) -> None:
    source = "data" if block.data else "url" if block.url else "id"
    _add(facts, f"{block.kind}.{source}", block.data or block.url or block.id)
    _add(facts, f"{block.kind}.name", block.name)
    _add(facts, f"{block.kind}.detail", block.detail)


def _add(facts: Facts, name: str, fact: object) -> None:
    if fact is None or fact in ("", b"", ()):
        return
    facts.setdefault(name, []).append(str(fact))


def _json(raw: Raw | str) -> str:
    text = bytes(raw) if isinstance(raw, Raw) else raw.encode()
    try:
        return json.dumps(json.loads(text or b"{}"), sort_keys=True)
    except ValueError:
        return text.decode()


def _block_facts(block: Block, facts: Facts) -> None:
    _add(facts, "cache_control", bytes(getattr(block, "cache", EMPTY)))
    if isinstance(block, Text | Refusal):
        _add(facts, "text", "" if block.text.isspace() else block.text)
        _add(facts, "citations", bytes(getattr(block, "citations", EMPTY)))
        _add(facts, "refusal", isinstance(block, Refusal) or None)
    elif isinstance(block, Media):
        _media_facts(block, facts)
    elif isinstance(block, Thinking):
        for name, fact in (("", block.text), (".signature", block.signature), (".sealed", block.sealed)):
            _add(facts, f"thinking{name}", fact)
        _add(facts, "thinking.id", block.id)
    elif isinstance(block, ToolCall):
        _call_facts(block, facts)
    elif isinstance(block, ToolResult):
        _add(facts, "tool_result", block.id)
        _add(facts, "tool_result.name", block.name)
        _add(facts, "tool_result.is_error", block.is_error or None)
        for each in block.content:
            _block_facts(each, facts)
            if isinstance(each, Media):
                _add(facts, "tool_result.media", f"{block.id} {each.data}{each.url}{each.id}")
    else:
        _add(facts, "foreign", f"{block.format} {bytes(block.raw)!r}")


def _call_facts(call: ToolCall, facts: Facts) -> None:
    _add(facts, "tool_call", call.name)
    _add(facts, "tool_call.id", call.id)
    _add(facts, "tool_call.custom" if call.custom else "tool_call.arguments", _json(call.arguments))
    _add(facts, "tool_call.signature", call.signature)


def _tool_facts(tool: Tool, facts: Facts) -> None:
    if tool.foreign is not None:
        _add(facts, "tool.foreign", bytes(tool.foreign.raw))
        return
    _add(facts, "tool.custom" if bytes(tool.custom) else "tool", tool.name)
    _add(facts, "tool.namespace", tool.namespace)
    if not bytes(tool.custom):
        _add(facts, "tool.description", tool.description)
        _add(facts, "tool.parameters", _json(tool.parameters) if bytes(tool.parameters) else None)
        _add(facts, "tool.strict", tool.strict)
    _add(facts, "cache_control", bytes(tool.cache))


def request_facts(request: Request) -> Facts:
    """What a request says."""
    facts: Facts = {}
    for block in _all_blocks(request):
        _block_facts(block, facts)
    begun = False
    for message in request.messages:
        _add(facts, "message.name", message.name)
        begun = begun or message.role != "system"
        for block in message.content if message.role == "system" and begun else ():
            _add(facts, "system.inline", block.text if isinstance(block, Text) else None)
    for tool in request.tools:
        _tool_facts(tool, facts)
    if request.tool_choice is not None:
        _add(facts, "tool_choice", request.tool_choice.mode if request.tool_choice.mode != "auto" else None)
        _add(facts, "tool_choice", request.tool_choice.name)
        _add(facts, "tool_choice.parallel", request.tool_choice.parallel)
    _sampling_facts(request.sampling, facts)
    _reasoning_facts(request.reasoning, facts)
    _format_facts(request.format, facts)
    for name in ("model", "max_tokens", "verbosity", "user", "cache_key", "service_tier", "previous", "stream"):
        _add(facts, name, getattr(request, name))
    _add(facts, "store", request.store or None)
    _add(facts, "metadata", bytes(request.metadata))
    return facts


def _all_blocks(request: Request) -> Iterator[Block]:
    yield from request.system
    for message in request.messages:
        yield from message.content


def _sampling_facts(sampling: Sampling, facts: Facts) -> None:
    for name in sampling.__struct_fields__:
        if name == "stop":
            for each in sampling.stop:
                _add(facts, "stop", each)
        elif name == "n":
            _add(facts, "n", sampling.n if sampling.n != 1 else None)
        else:
            _add(facts, name, getattr(sampling, name))


def _reasoning_facts(reasoning: Reasoning | None, facts: Facts) -> None:
    if reasoning is None:
        return
    _add(facts, "reasoning" if reasoning.mode == "on" else f"reasoning.{reasoning.mode}", "said")
    _add(facts, "reasoning.effort", reasoning.effort if reasoning.mode != "off" else None)
    _add(facts, "reasoning.budget", reasoning.budget)
    _add(facts, "reasoning.show", reasoning.show)


def _format_facts(wanted: Format | None, facts: Facts) -> None:
    if wanted is None:
        return
    _add(facts, "format" if bytes(wanted.schema) else "format.json_object", bytes(wanted.schema) or "any")
    for name in ("name", "description", "strict"):
        _add(facts, f"format.{name}", getattr(wanted, name))


def comparable_facts(request: Request) -> Facts:
    """The same, without names of tools that are too long for some: `restore` takes those back, in answers."""
    facts = request_facts(request)
    facts["tool_call"] = [name for name in facts.get("tool_call", []) if len(name) < MAX_TOOL_NAME]
    return facts


def with_names(request: Request, renamed: Mapping[str, Tool]) -> Request:
    """A request that was written and read again, with the names that its tools had."""
    choice = request.tool_choice
    if choice is not None and choice.name in renamed:
        choice = ToolChoice(choice.mode, renamed[choice.name].name, choice.parallel)
    tools = tuple(renamed.get(tool.name, tool) for tool in request.tools)
    return msgspec.structs.replace(request, tools=tools, tool_choice=choice)


def gone(before: Facts, after: Facts) -> set[str]:
    """Features of which something is missing afterwards."""
    return {name for name, facts in before.items() if Counter(facts) - Counter(after.get(name, []))}


def excused(name: str, dropped: Collection[str]) -> bool:
    """Whether a writer named the feature, or that which holds it."""
    if name in dropped or name.partition(".")[0] in dropped:
        return True
    if name in ("text", "thinking") and "blocks.merged" in dropped:
        return True
    kind = name.partition(".")[0]
    if kind in ("image", "file", "audio", "video"):
        holders = {"assistant.media", "system.media"}
        return bool(holders & set(dropped)) or any(each.startswith(f"{kind}.") for each in dropped)
    return False


# Answers and streams

reasons: st.SearchStrategy[Reason] = st.sampled_from(
    ["stop", "length", "tools", "filter", "refusal", "pause", "context", "error", "other"]
)
counts = st.one_of(st.none(), st.integers(0, 50))


def _plain_call(call: ToolCall) -> ToolCall:
    return ToolCall(call.id, call.name, call.arguments, signature=call.signature)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, wrote = draw(counts), draw(counts)
    base = draw(st.one_of(st.none(), st.integers(0, 1000)))
    total = None if base is None else base + (read or 0) + (wrote or 0)
    return Usage(total, draw(counts), read, wrote, draw(counts))


@st.composite
def responses(draw: st.DrawFn) -> Response:
    content: list[Block] = [*draw(st.lists(thoughts, max_size=2))]
    content += draw(st.lists(texts.map(lambda text: Text(text.text)), max_size=2))
    content += draw(st.lists(refusals, max_size=1))
    made: list[ToolCall] = draw(st.lists(calls.map(_plain_call), max_size=2, unique_by=lambda call: call.id))
    content += made
    reason = draw(reasons)
    return Response(
        id="msg_1",
        model="m",
        content=tuple(content),
        reason=reason,
        stop_sequence=draw(st.sampled_from(["", "END"])) if reason == "stop" else "",
        usage=draw(usages()),
        created=draw(st.sampled_from([0, 1_700_000_000])),
        service_tier=draw(st.sampled_from(["", "default", "priority", "batch"])),
    )


def response_facts(response: Response) -> Facts:
    """What an answer says."""
    facts: Facts = {}
    for block in response.content:
        _block_facts(block, facts)
    kinds = {type(block) for block in response.content}
    # A call ends an answer as `tools`, a refusal as `refusal`, whatever word is used.
    reason = "tools" if ToolCall in kinds else "refusal" if Refusal in kinds else response.reason
    if reason == response.reason:
        _add(facts, "reason", reason)
    _add(facts, "stop_sequence", response.stop_sequence)
    for name in ("cache_read", "cache_write", "reasoning"):
        _add(facts, f"usage.{name}", getattr(response.usage, name))
    _add(facts, "usage", response.usage.input)
    _add(facts, "usage", response.usage.output)
    _add(facts, "created", response.created or None)
    _add(facts, "service_tier", response.service_tier)
    return facts


def events_of(response: Response, cut: int = 3) -> list[Event]:
    """The answer as a stream, texts in pieces of `cut` characters."""
    events: list[Event] = [Started(response.id, response.model, response.created)]
    for index, block in enumerate(response.content):
        events += _block_events(index, block, cut)
    return [*events, Finished(response.reason, response.usage, response.stop_sequence, response.service_tier)]


def _block_events(index: int, block: Block, cut: int) -> Iterator[Event]:
    text, signed = "", None
    if isinstance(block, ToolCall):
        yield BlockStarted(index, ToolCall(block.id, block.name, signature=block.signature))
        text = block.arguments
    elif isinstance(block, Thinking) and not block.text:
        yield BlockStarted(index, block)
    elif isinstance(block, Thinking):
        yield BlockStarted(index, Thinking(id=block.id, format=block.format))
        text = block.text
        signed = Signed(index, block.signature, block.sealed) if block.signature or block.sealed else None
    else:
        yield BlockStarted(index, Refusal("") if isinstance(block, Refusal) else Text(""))
        text = block.text if isinstance(block, Text | Refusal) else ""
    yield from (TextDelta(index, text[at : at + cut]) for at in range(0, len(text), cut))
    if signed is not None:
        yield signed
    yield BlockEnded(index)


def collect(events: Iterable[Event]) -> Response:
    """The answer that a stream amounts to. Fails if the stream is not in order."""
    started: Started | None = None
    blocks: list[Block] = []
    open_: int | None = None
    for event in events:
        if isinstance(event, Started):
            assert started is None
            started = event
        elif isinstance(event, BlockStarted):
            assert open_ is None
            assert event.index == len(blocks)
            blocks.append(event.block)
            open_ = event.index
        elif isinstance(event, TextDelta | Signed):
            assert open_ == event.index
            blocks[event.index] = _grown(blocks[event.index], event)
        elif isinstance(event, BlockEnded):
            assert open_ == event.index
            open_ = None
        else:
            assert isinstance(event, Finished), event
            assert started is not None
            assert open_ is None
            return Response(
                started.id,
                started.model,
                tuple(blocks),
                event.reason,
                event.stop_sequence,
                event.usage,
                started.created,
                event.service_tier,
            )
    raise AssertionError("the stream has no end")


def _grown(block: Block, event: TextDelta | Signed) -> Block:
    if isinstance(event, Signed):
        assert isinstance(block, Thinking)
        sealed, signature = event.sealed or block.sealed, event.signature or block.signature
        return Thinking(block.text, signature, sealed, block.id, block.format)
    if isinstance(block, ToolCall):
        return ToolCall(block.id, block.name, block.arguments + event.text, signature=block.signature)
    if isinstance(block, Thinking):
        return Thinking(block.text + event.text, block.signature, block.sealed, block.id, block.format)
    assert isinstance(block, Text | Refusal)
    return type(block)(block.text + event.text)
