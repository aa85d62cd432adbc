"""A well-behaved MCP server over HTTP as a process: `http_server.py PORT legacy|modern`. Says `listening PORT`."""

import asyncio
import sys
from typing import Literal, cast

from tests.federation.upstreams import Upstream


async def main(port: int, era: Literal["legacy", "modern"]) -> None:
    server = Upstream(era)
    server.port = port
    await server.start()
    sys.stdout.write(f"listening {server.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), cast("Literal['legacy', 'modern']", sys.argv[2])))
