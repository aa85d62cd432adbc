"""The configuration of the measured gateways, as text.

Pure. Above: `targets.py`. Below: nothing.
"""

from pathlib import Path

PINS = 200_000
"""Conversations of one agent, and of one caller, that fedgate may hold: more than any row makes."""


def head(port: int, key: str = "") -> str:
    """What every manifest of fedgate begins with: the address and one key; without one, who may call follows."""
    keys = f"  keys:\n    - {{id: bench, key: {key}}}\n" if key else ""
    return f"gateway:\n  listen: 127.0.0.1:{port}\naccess:\n{keys}"


def servers(upstream: int, names: list[str]) -> str:
    """The section of the named fake MCP servers."""
    lines = [f'    {name}: {{url: "http://127.0.0.1:{upstream}/{name}/mcp"}}' for name in names]
    return "\n".join(["mcp:", "  servers:", *lines]) + "\n"


def agents(upstream: int) -> str:
    """One agent of three replicas, each with its own memory."""
    return f"""agents:
  bench:
    instances:
      - http://127.0.0.1:{upstream}/r0
      - http://127.0.0.1:{upstream}/r1
      - http://127.0.0.1:{upstream}/r2
    pins: {{max: {PINS}, per_owner: {PINS}}}
"""


def models(upstream: int) -> str:
    """Two providers: `bench` speaks OpenAI's format, which passes, and `other` Anthropic's, which is translated."""
    return f"""models:
  providers:
    one: {{type: openai, base_url: "http://127.0.0.1:{upstream}/v1", api_key: provider-key}}
    two: {{type: anthropic, base_url: "http://127.0.0.1:{upstream}", api_key: provider-key}}
  routes:
    bench: {{targets: [{{provider: one, model: bench}}]}}
    other: {{targets: [{{provider: two, model: bench}}]}}
"""


def nginx(port: int, upstream: int, mcp_path: str, folder: Path, user: str) -> str:
    """nginx as one worker with kept-alive upstream connections, no access log, no disk.

    `user` is whom the worker runs as when nginx is started by root.
    """
    asks = f"user {user};" if user else ""
    return f"""{asks}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  client_body_buffer_size 128k;
  proxy_buffers 16 32k;
  proxy_max_temp_file_size 0;
  upstream fake {{
    server 127.0.0.1:{upstream};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location = /healthz {{ return 200; }}
    location = /mcp {{ proxy_pass http://fake{mcp_path}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location / {{ proxy_pass http://fake; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
