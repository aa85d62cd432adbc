"""bench/configs.py, bench/wrk.py and bench/chat.py"""

from pathlib import Path

from ruamel.yaml import YAML

from bench import chat, configs, wrk


def test_the_manifest_names_every_server_and_the_key() -> None:
    given = YAML(typ="safe").load(configs.manifest(8080, 9000, ["s0", "s1"], "secret"))
    assert given["gateway"] == {"listen": "127.0.0.1:8080"}
    assert given["access"]["keys"] == [{"id": "bench", "key": "secret"}]
    assert given["mcp"]["servers"]["s1"] == {"url": "http://127.0.0.1:9000/s1/mcp"}


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
