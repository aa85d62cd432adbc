"""Tools and one prompt that need the client's answer before they can finish.

The `test_input_required_result_*` names come from the suite's modern set, the others from
the handshake-era set; through `kit` each of them works in both.
"""

import json

from mcp import types

from tests.conformance.kit import (
    Answer,
    Schema,
    Shelf,
    ToolOutput,
    Turn,
    field_of,
    form,
    prompt_model,
    text_of,
)

shelf = Shelf()

NAME: Schema = {"name": {"type": "string"}}
CONFIRM: Schema = {"ok": {"type": "boolean"}}


def _outcome(label: str, answer: Answer) -> str:
    if not isinstance(answer, types.ElicitResult):
        return f"{label}: no form came back"
    return f"{label}: action={answer.action}, content={json.dumps(answer.content or {})}"


def _text_argument(name: str) -> Schema:
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


@shelf.tool("test_sampling", "Has the client's model answer the prompt.", _text_argument("prompt"))
async def sampling(turn: Turn) -> ToolOutput:
    answers = await turn.ask({"completion": prompt_model(str(turn.arguments.get("prompt", "")))})
    return f"LLM response: {text_of(answers['completion'])}"


@shelf.tool("test_elicitation", "Shows the message and asks for a user name and an address.", _text_argument("message"))
async def elicitation(turn: Turn) -> ToolOutput:
    fields = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    answers = await turn.ask({"user": form(str(turn.arguments.get("message", "")), fields)})
    return _outcome("User response", answers["user"])


@shelf.tool("test_elicitation_sep1034_defaults", "Asks with a default for every primitive type.")
async def elicitation_defaults(turn: Turn) -> ToolOutput:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    answers = await turn.ask({"form": form("Everything here has a default", fields, required=[])})
    return _outcome("Elicitation completed", answers["form"])


def _titled(*titles: str) -> list[dict[str, str]]:
    return [{"const": f"value{number}", "title": title} for number, title in enumerate(titles, 1)]


@shelf.tool("test_elicitation_sep1330_enums", "Asks with the five shapes of an enumeration.")
async def elicitation_enums(turn: Turn) -> ToolOutput:
    options = ["option1", "option2", "option3"]
    fields = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": _titled("First Option", "Second Option", "Third Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {
            "type": "array",
            "items": {"anyOf": _titled("First Choice", "Second Choice", "Third Choice")},
        },
    }
    answers = await turn.ask({"form": form("Choose in five ways", fields, required=[])})
    return _outcome("Elicitation completed", answers["form"])


@shelf.tool("test_streaming_elicitation", "Reports progress, then asks for a confirmation.")
async def streaming_elicitation(turn: Turn) -> ToolOutput:
    await turn.progress(1, 2, "about to ask")
    answers = await turn.ask({"confirm": form("Go on?", CONFIRM)})
    return _outcome("Confirmation", answers["confirm"])


@shelf.tool("test_input_required_result_elicitation", "Asks for a name and greets it.")
async def input_elicitation(turn: Turn) -> ToolOutput:
    answers = await turn.ask({"user_name": form("What is your name?", NAME)})
    return f"Hello, {field_of(answers['user_name'], 'name')}!"


@shelf.tool("test_input_required_result_sampling", "Has the client's model name a capital.")
async def input_sampling(turn: Turn) -> ToolOutput:
    answers = await turn.ask({"capital_question": prompt_model("What is the capital of France?")})
    return text_of(answers["capital_question"])


@shelf.tool("test_input_required_result_list_roots", "Asks for the client's roots and names them.")
async def input_list_roots(turn: Turn) -> ToolOutput:
    answer = (await turn.ask({"client_roots": types.ListRootsRequest(params=types.RequestParams())}))["client_roots"]
    roots = answer.roots if isinstance(answer, types.ListRootsResult) else []
    return "roots: " + ", ".join(str(root.uri) for root in roots)


@shelf.tool("test_input_required_result_request_state", "Confirms with a state that must come back.")
async def input_request_state(turn: Turn) -> ToolOutput:
    answers = await turn.ask({"confirm": form("Please confirm", CONFIRM)}, stateful=True)
    return f"state-ok: ok={field_of(answers['confirm'], 'ok')}"


@shelf.tool("test_input_required_result_tampered_state", "Confirms with a state that must not be touched.")
async def input_tampered_state(turn: Turn) -> ToolOutput:
    # Sealing and the refusal of a broken seal are the server's RequestStateBoundary.
    await turn.ask({"confirm": form("Please confirm", CONFIRM)}, stateful=True)
    return "the state came back whole"


@shelf.tool("test_input_required_result_multiple_inputs", "Asks three kinds of question at once.")
async def input_multiple(turn: Turn) -> ToolOutput:
    answers = await turn.ask(
        {
            "user_name": form("What is your name?", NAME),
            "greeting": prompt_model("Generate a greeting", max_tokens=50),
            "client_roots": types.ListRootsRequest(params=types.RequestParams()),
        },
        stateful=True,
    )
    return f"{text_of(answers['greeting'])} {field_of(answers['user_name'], 'name')}"


@shelf.tool("test_input_required_result_multi_round", "Asks twice, the second time knowing the first answer.")
async def input_multi_round(turn: Turn) -> ToolOutput:
    first = await turn.ask({"step1": form("Step 1: What is your name?", NAME)}, stateful=True)
    color = {"color": {"type": "string"}}
    second = await turn.ask({"step2": form("Step 2: What is your favorite color?", color)}, stateful=True)
    return f"{field_of(first['step1'], 'name')} likes {field_of(second['step2'], 'color')}"


@shelf.tool("test_input_required_result_capabilities", "Asks only in ways the client declared.")
async def input_capabilities(turn: Turn) -> ToolOutput:
    possible: dict[str, tuple[str, types.InputRequest]] = {
        "sample": ("sampling", prompt_model("Say hello", max_tokens=50)),
        "name": ("elicitation", form("What is your name?", NAME)),
    }
    questions = {key: question for key, (need, question) in possible.items() if turn.declares(need)}
    answers = await turn.ask(questions)
    return f"asked for {', '.join(answers) or 'nothing: the client declares no way to be asked'}"


@shelf.prompt("test_input_required_result_prompt", "A prompt that first asks for its context.")
async def input_prompt(turn: Turn) -> list[types.PromptMessage]:
    question = form("What context should the prompt use?", {"context": {"type": "string"}})
    answers = await turn.ask({"user_context": question})
    text = f"Context given by the user: {field_of(answers['user_context'], 'context')}"
    return [types.PromptMessage(role="user", content=types.TextContent(text=text))]
