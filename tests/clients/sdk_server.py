"""A server made with the official SDK, for SDK clients behind the gateway. Speaks stdio when run as a script."""

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import CreateMessageResult, SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("kit", instructions="Numbers, notes and questions.")


class Name(BaseModel):
    name: str


class Sum(BaseModel):
    total: int


@server.tool()
def add(a: int, b: int) -> Sum:
    """Add two numbers."""
    return Sum(total=a + b)


@server.tool()
async def count(to: int, context: Context) -> str:
    """Count, and tell how far it is."""
    for step in range(1, to + 1):
        await context.report_progress(step, to, f"step {step}")
    return f"counted to {to}"


@server.tool()
async def greet(context: Context) -> str:
    """Ask for a name."""
    answer = await context.elicit("Who are you?", Name)
    return f"hello {answer.data.name}" if answer.action == "accept" else f"you said {answer.action}"


@server.tool()
async def think(context: Context) -> str:
    """Ask the client's model."""
    question = SamplingMessage(role="user", content=TextContent(type="text", text="2+2?"))
    answer = await context.session.create_message([question], max_tokens=10)
    assert isinstance(answer, CreateMessageResult)
    return answer.content.text if isinstance(answer.content, TextContent) else "?"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("it does not work")


@server.prompt()
def review(code: str) -> str:
    """Have code reviewed."""
    return f"Review this: {code}"


@server.resource("note://hello")
def hello() -> str:
    """A note."""
    return "hello from the note"


@server.resource("note://{name}/text")
def note(name: str) -> str:
    """Any note."""
    return f"the note {name}"


if __name__ == "__main__":
    server.run()
