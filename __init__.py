"""fedgate: one gateway for everything an agent talks to (MCP servers, A2A agents, models).

The folders beside this file are the parts; `fedgate/` holds a link per part, which
gives each its import name. What each part may import is enforced by
`tests/test_architecture.py`.
"""

__version__ = "0.1.0"
