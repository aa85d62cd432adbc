"""An agent of google-adk whose model is behind the gateway, run once; prints what it did as JSON.

    GOOGLE_API_KEY=KEY python adk_agent.py URL gemini|apigee whole|stream

`gemini` names the gateway as `base_url`; `apigee` as `proxy_url` with `custom_headers`, as the article does
that the project grew from. Runs in an environment that has google-adk.
"""

import asyncio
import json
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

from google.genai import types

# By name: where the tests of this repository are checked, there is no google-adk.
agents: Any = import_module("google.adk.agents")
run_config: Any = import_module("google.adk.agents.run_config")
apigee_llm: Any = import_module("google.adk.models.apigee_llm")
google_llm: Any = import_module("google.adk.models.google_llm")
runners: Any = import_module("google.adk.runners")

MODEL = "gemini-2.5-flash"


def add(a: int, b: int) -> dict[str, int]:
    """Add two numbers."""
    return {"total": a + b}


def model(url: str, kind: str) -> Any:
    if kind == "gemini":
        return google_llm.Gemini(model=MODEL, base_url=url)
    return apigee_llm.ApigeeLlm(model=f"apigee/{MODEL}", proxy_url=url, custom_headers={"foo": "bar"})


async def main(url: str, kind: str, way: str) -> None:
    agent = agents.Agent(name="adder", model=model(url, kind), instruction="Add numbers by the tool.", tools=[add])
    runner = runners.InMemoryRunner(agent=agent, app_name="adk")
    session = await runner.session_service.create_session(app_name="adk", user_id="u")
    said = types.Content(role="user", parts=[types.Part(text="What is 20 + 22?")])
    mode = run_config.StreamingMode.SSE if way == "stream" else run_config.StreamingMode.NONE
    seen: dict[str, Any] = {"version": version("google-adk"), "calls": [], "results": [], "text": "", "pieces": 0}
    run = runner.run_async(
        user_id="u", session_id=session.id, new_message=said, run_config=run_config.RunConfig(streaming_mode=mode)
    )
    async for event in run:
        if event.partial:
            seen["pieces"] += 1
            continue
        seen["calls"] += [[call.name, call.args] for call in event.get_function_calls()]
        seen["results"] += [result.response for result in event.get_function_responses()]
        if event.is_final_response() and event.content:
            seen["text"] = "".join(part.text or "" for part in event.content.parts if not part.thought)
            seen["tokens"] = event.usage_metadata.total_token_count if event.usage_metadata else None
    await runner.close()
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
