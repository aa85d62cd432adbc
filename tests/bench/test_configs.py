"""bench/configs.py, bench/wrk.py and bench/chat.py"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench import chat, configs, wrk
from fedgate.core.values import MANIFEST
from fedgate.llm.settings import ModelsSettings
from fedgate.manifest.model import Manifest


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def test_the_manifest_names_every_server_and_the_key() -> None:
    given = read(configs.head(8080, "secret") + configs.servers(9000, ["s0", "s1"]))
    assert given["gateway"] == {"listen": "127.0.0.1:8080"}
    assert given["access"]["keys"] == [{"id": "bench", "key": "secret"}]
    assert given["mcp"]["servers"]["s1"] == {"url": "http://127.0.0.1:9000/s1/mcp"}


def test_the_agent_has_three_instances_and_room_for_every_pin() -> None:
    agents = Manifest.model_validate(read(configs.agents(9000)), context=MANIFEST).agents
    assert [each.url for each in agents["bench"].instances] == [
        f"http://127.0.0.1:9000/r{number}" for number in (0, 1, 2)
    ]
    assert (agents["bench"].pins.max, agents["bench"].pins.per_owner) == (configs.PINS, configs.PINS)


def test_the_models_are_of_two_formats() -> None:
    models = ModelsSettings.model_validate(read(configs.models(9000))["models"], context=MANIFEST)
    assert {name: provider.type for name, provider in models.providers.items()} == {"one": "openai", "two": "anthropic"}
    assert {name: route.targets[0].provider for name, route in models.routes.items()} == {
        "bench": "one",
        "other": "two",
    }


def test_nginx_keeps_upstream_connections_and_touches_only_its_folder() -> None:
    text = configs.nginx(8080, 9000, "/all/mcp", Path("some/folder"), "")
    assert "server 127.0.0.1:9000;" in text
    assert "proxy_pass http://fake/all/mcp;" in text
    assert "user " not in text
    assert text.count("some/folder/") == 7


def test_chat_bodies_have_the_sizes_that_are_promised() -> None:
    assert (len(chat.request_body()), len(chat.reply_body())) == (1900, 1200)


def test_wrk_gets_whole_seconds() -> None:
    assert "-d3s" in wrk.command(Path("x.lua"), 1, 32, 2.5)


def test_a_wrk_report_with_failures_is_an_error_and_other_lines_are_none() -> None:
    line = '{"ops":9,"seconds":1.0,"p50_ms":1.0,"p99_ms":2.0,"max_ms":3.0,"failures":%d}'
    good, bad = wrk.parse(line % 0), wrk.parse(line % 4)
    assert good is not None
    assert bad is not None
    assert (good["errors"], len(bad["errors"])) == ([], 1)
    assert wrk.parse("Running 1s test") is None
