from collections.abc import Callable
from pathlib import Path

import pytest

from fedgate.access.settings import AccessSettings
from fedgate.federation.settings import McpSettings
from fedgate.manifest.explain import ROOT_KEYS, Explainer, nearest
from fedgate.manifest.parse_json import parse_json
from fedgate.manifest.tree import Source
from fedgate.telemetry.settings import LogSettings

Problems = Callable[..., list[str]]

DURATION = 'write a number with its unit, such as "500ms", "30s", "10m" or "24h"'
ADDRESS = 'write "HOST:PORT", such as "127.0.0.1:8080" or "[::1]:8080"'
LIST = 'write [a, b], or one "- item" per line'
MAPPING = "must be a mapping; write keys with values below it"
NEITHER = (
    'needs "command", "url", "openapi" or "agent"; '
    "command is the program to start, url the address of a running server, openapi an API's document"
)
SIZE = 'write bytes, or a number with KiB, MiB or GiB, such as "64KiB" or "16MiB"'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # Keys.
        ("mcp:\n  servrs: {}", '2:3: unknown key "servrs" in mcp; did you mean "servers"?'),
        ("Gateway: {}", '1:1: unknown key "Gateway" at the top; did you mean "gateway"?'),
        ("mcpservers: {}", '1:1: unknown key "mcpservers" at the top; did you mean "mcpServers"?'),
        ("wizards: {}", f'1:1: unknown key "wizards" at the top; valid keys: {", ".join(ROOT_KEYS)}'),
        ("wizards:", f'1:1: unknown key "wizards" at the top; valid keys: {", ".join(ROOT_KEYS)}'),
        ("mcp: {mode: auto}", f'1:7: unknown key "mode" in mcp; valid keys: {", ".join(McpSettings.model_fields)}'),
        (
            "access: {wizards: []}",
            f'1:10: unknown key "wizards" in access; valid keys: {", ".join(AccessSettings.model_fields)}',
        ),
        (
            "telemetry: {log: {zzz: true}}",
            f'1:19: unknown key "zzz" in telemetry.log; valid keys: {", ".join(LogSettings.model_fields)}',
        ),
        ("mcp: {servers: {a: {command: x, arg: []}}}",
         '1:33: unknown key "arg" in mcp.servers.a; did you mean "args"?'),
        ("mcp: {servers: {a: {url: 'http://h/', header: {}}}}",
         '1:39: unknown key "header" in mcp.servers.a; did you mean "headers"?'),
        ("access: {keys: [{id: a, key: k-0123456789, group: x}]}",
         '1:44: unknown key "group" in access.keys[0]; did you mean "groups"?'),
        ('"a\\nb": 1', rf'1:1: unknown key "a\nb" at the top; valid keys: {", ".join(ROOT_KEYS)}'),
        # Missing values.
        ("access: {keys: [{key: k-0123456789}]}", '1:17: access.keys[0] needs "id"'),
        ("access:\n  keys:\n    - id: a",
         '3:7: access.keys[0] needs "key" or "key_sha256"; for example key: "${MY_KEY}"'),
        ("mcp: {servers: {a: {args: [x]}}}", f"1:17: mcp.servers.a {NEITHER}"),
        ("mcp:\n  servers:\n    a:\n", f"3:5: mcp.servers.a {NEITHER}"),
        ("mcp: {servers: {a: {type: stdio}}}", '1:17: mcp.servers.a needs "command"'),
        ("mcp: {servers: {a: {type: http}}}", '1:17: mcp.servers.a needs "url"'),
        ("mcp: {servers: {a: {command: '', args: []}}}",
         "1:30: mcp.servers.a.command must not be empty; name the program to start"),
        # Types.
        ("mcp: 1", f"1:6: mcp {MAPPING}"),
        ("mcp: {servers: [a]}", f"1:16: mcp.servers {MAPPING}"),
        ("mcp: {servers: {a: uvx}}", f"1:20: mcp.servers.a {NEITHER}"),
        ("mcp: {servers: {a: {command: 1}}}", "1:30: mcp.servers.a.command must be text; put the value in quotes"),
        ("mcp: {servers: {a: {command: x, args: y}}}", f"1:39: mcp.servers.a.args must be a list; {LIST}"),
        ("mcp: {servers: {a: {command: x, args: [-p, 80]}}}",
         "1:44: mcp.servers.a.args[1] must be text; put the value in quotes"),
        ("mcp: {servers: {a: {command: x, env: {PORT: 80}}}}",
         "1:45: mcp.servers.a.env.PORT must be text; put the value in quotes"),
        ("mcp: {servers: {a: {command: x, env: {DEBUG: }}}}",
         "1:39: mcp.servers.a.env.DEBUG must be text; put the value in quotes"),
        ("mcp: {servers: {a: {command: x, env: [A=1]}}}", f"1:38: mcp.servers.a.env {MAPPING}"),
        ("mcp: {servers: {a: {command: x, cwd: [1]}}}",
         "1:38: mcp.servers.a.cwd must be a path; put the value in quotes"),
        ("mcp: {servers: {a: {command: x, disabled: maybe}}}", "1:43: mcp.servers.a.disabled must be true or false"),
        ("mcp: {servers: {a: {command: x, disabled: []}}}", "1:43: mcp.servers.a.disabled must be true or false"),
        ("gateway: {max_concurrent: many}", "1:27: gateway.max_concurrent must be a whole number"),
        ("gateway: {max_concurrent: 1.5}", "1:27: gateway.max_concurrent must be a whole number"),
        ("gateway: {max_concurrent: [1]}", "1:27: gateway.max_concurrent must be a whole number"),
        ("gateway: {max_concurrent: 0}", "1:27: gateway.max_concurrent must be at least 1"),
        ("gateway: {max_concurrent: 2000000}", "1:27: gateway.max_concurrent must be at most 1000000"),
        ("gateway: {max_concurrent: 1e999}", "1:27: gateway.max_concurrent must be a whole number"),
        ("gateway: []", f"1:10: gateway {MAPPING}"),
        ("access: {keys: {id: a}}", f"1:10: access.keys must be a list; {LIST}"),
        ("access: {keys: [alice]}", f"1:17: access.keys[0] {MAPPING}"),
        # Values.
        ("gateway: {listen: 8080}", f"1:19: gateway.listen must be an address; {ADDRESS}"),
        ("gateway: {listen: '::1:80'}", f"1:19: gateway.listen must be an address; {ADDRESS}"),
        ("gateway: {max_body: 16MB}", f"1:21: gateway.max_body must be a size; {SIZE}"),
        ("gateway: {public_url: gw}",
         "1:23: gateway.public_url must be an http or https URL; write http://HOST[:PORT][/PATH] or https://..."),
        ("gateway: {allowed_hosts: ['*']}",
         "1:27: gateway.allowed_hosts[0] must be a host name, with a port if only that port is meant; "
         'write for example "gw.example.com", without scheme, path or wildcard'),
        ("sessions: {idle: 30}", f"1:18: sessions.idle must be a duration; {DURATION}"),
        ("sessions: {store: redis}",
         '1:19: sessions.store must be "memory" or "sqlite:PATH"; '
         "PATH is a file, relative to the manifest's folder"),
        ("telemetry: {log: {format: JSON}}",
         '1:27: telemetry.log.format must be one of "auto", "logfmt", "json"; did you mean "json"?'),
        ("mcp: {naming: 3}", '1:15: mcp.naming must be one of "always", "on_collision", "never"'),
        ("mcp: {servers: {a: {command: x, timeout: 30}}}",
         f"1:42: mcp.servers.a.timeout must be a duration; {DURATION}"),
        ("mcp: {servers: {a: {command: x, process: own}}}",
         '1:42: mcp.servers.a.process must be one of "shared", "per_session"'),
        ("mcp: {servers: {a: {url: 'ws://h'}}}",
         "1:26: mcp.servers.a.url must be an http or https URL; write http://HOST[:PORT][/PATH] or https://..."),
        ("mcp: {servers: {a: {url: 'http://h', type: stdio}}}",
         '1:44: mcp.servers.a.type must be one of "http", "streamable-http", "streamableHttp", "sse"'),
        ("mcp: {servers: {a: {url: 'http://h', type: sse, transport: http}}}",
         '1:44: mcp.servers.a.type says something else than "transport"; keep one of them'),
        ("mcp: {servers: {a: {command: x, url: y}}}",
         '1:17: mcp.servers.a has both "command" and "url"; a server is started or reached: keep one of them'),
        ("mcp: {servers: {Big: {command: x}}}",
         "1:17: mcp.servers.Big is not a valid name; names have 1 to 32 of a-z, 0-9 and -; "
         'did you mean "big"?'),
        ("mcp: {servers: {a: {url: 'http://h', headers: {Te: x}}}}",
         "1:52: mcp.servers.a.headers.Te is set by the gateway itself; leave this header out"),
        ("mcp: {servers: {a: {command: x, description: '" + "x" * 1001 + "'}}}",
         "1:46: mcp.servers.a.description must have at most 1000 characters"),
        ("access: {keys: [{id: a, key: short}]}",
         "1:30: access.keys[0].key is shorter than 8 characters; generate one, for example: openssl rand -hex 24"),
        ("access: {keys: [{id: a, key_sha256: 9f86d0}]}",
         "1:37: access.keys[0].key_sha256 must be 64 hexadecimal digits; "
         "take the output of: printf %s YOUR_KEY | sha256sum"),
        ("access: {keys: [{id: a, key: k-0123456789, key_sha256: " + "a" * 64 + "}]}",
         '1:17: access.keys[0] has both "key" and "key_sha256"; keep one of them'),
        ("access: {keys: [{id: a, key: k-0123456789}, {id: a, key: k-9876543210}]}",
         "1:50: access.keys[1].id is used twice; the first is at m.yaml:1:22; give each key an id of its own"),
        ("access: {keys: [{id: a, key: k-0123456789}, {id: b, key: k-0123456789}]}",
         "1:58: access.keys[1].key is the same key again; the first is at m.yaml:1:17; "
         "give each caller a key of its own"),
        # Two sections together.
        ("gateway:\n  listen: 0.0.0.0:8080",
         "2:11: gateway.listen is an address that other machines can reach, but nobody has to say who they are; "
         "add access.keys or access.jwt, or listen on 127.0.0.1"),
        ("gateway: {listen: ':80'}\naccess: {keys: [{id: a, key: k-0123456789}], anonymous: true}",
         "2:57: access.anonymous must not be true on an address that other machines can reach; "
         "take it away, or listen on 127.0.0.1"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_place_and_words(problems: Problems, text: str, problem: str) -> None:
    assert problems(text) == [f"m.yaml:{problem}"]


def test_a_mistake_without_words_of_ours_keeps_pydantics() -> None:
    root = parse_json(Source("m.json", Path("/"), '{"a": 1}'))
    (problem,) = Explainer(root, set()).errors(
        [{"type": "odd", "loc": ("a",), "msg": "Input should be odder", "input": None}]
    )
    assert str(problem) == "m.json:1:7: a is not valid: input should be odder"


def test_the_nearest_key_does_not_mind_case_but_minds_sense() -> None:
    assert nearest("SERVERS", ["servers", "naming"]) == "servers"
    assert nearest("mcpservers", ROOT_KEYS) == "mcpServers"
    assert nearest("wizards", ROOT_KEYS) is None
    assert nearest("x" * 10_000, ROOT_KEYS) is None
