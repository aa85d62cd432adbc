"""Agents of CrewAI and of google-adk whose models are behind the gateway, each in an environment of its own.

CrewAI runs the program of the article that the project grew from, which speaks OpenAI's format to `/anthropic`.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.llm_environment import ADK, CREWAI, python_with
from tests.clients.llm_stage import KEY, Conversation, Stage, stage
from tests.llm.vendor_reading import read
from tests.llm.vendor_wire import IN, OUT, Says

pytestmark = pytest.mark.frameworks

HERE = Path(__file__).parent
SECONDS = 180
QUIET = {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "true"}
EVERY_PROVIDER = pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini"])


def ran(package: str, script: str, *words: str, home: Path, **env: str) -> str:
    """Run one of the programs of this folder with nothing of the environment but the path; gives what it printed."""
    done = subprocess.run(
        [python_with(package), str(HERE / script), *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **env},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@contextmanager
def open_stage(folder: Path, provider: str) -> Iterator[Stage]:
    """Without keys, as the article has it: the key that the program sends is a word, and goes nowhere."""
    with stage(folder, provider, keys=False, path="/anthropic") as at:
        yield at


@EVERY_PROVIDER
def test_the_articles_crew_runs_as_it_was_written(provider: str, tmp_path: Path) -> None:
    with open_stage(tmp_path, provider) as at:
        at.providers.say(Says("I now can give a great answer\nFinal Answer: A gateway for agents."))
        address = at.url.removeprefix("http://")
        printed = ran(CREWAI, "crewai_seed.txt", home=tmp_path, INGRESS_GW_ADDRESS=address, **QUIET)
        (asked,) = at.providers.asked
    assert f"Using base_url: http://{address}/anthropic" in printed
    assert "Final Output: A gateway for agents." in printed
    meant = read(asked)
    assert "You are agentgateway traffic router. An expert in agentgateway" in meant.system
    assert any("Let us know EXACTLY what agentgateway is" in text for text in meant.texts)
    assert "testingtesting" not in str(asked)


@EVERY_PROVIDER
@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", ["gemini", "apigee"])
def test_an_adk_agent_uses_its_tool(provider: str, kind: str, way: str, tmp_path: Path) -> None:
    talk = Conversation("add", {"a": 20, "b": 22}, thought="The tool adds.")
    with stage(tmp_path, provider) as at:
        at.providers.say(talk)
        printed = ran(ADK, "adk_agent.py", at.url, kind, way, home=tmp_path, GOOGLE_API_KEY=KEY)
    seen: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert seen.pop("version") == ADK.partition("==")[2]
    assert (seen.pop("pieces") > 0) == (way == "stream")
    assert seen == {
        "calls": [["add", {"a": 20, "b": 22}]],
        "results": [{"total": 42}],
        "text": f"The tool add answered: {talk.result}",
        "tokens": IN + OUT,
    }
    assert "42" in str(talk.result)
    assert KEY not in str([asked.headers for asked in at.providers.asked])
