"""Agent cards for tests: as the SDK's servers write them, as 0.3 agents do, and as nobody should."""

import json
from typing import Any

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.types import AgentCard, AgentInterface, AgentSkill

BASE = "https://gw.example.com/a2a/weather"

LEGACY: dict[str, Any] = {
    "protocolVersion": "0.3.0",
    "name": "Weather",
    "description": "Tells the weather.",
    "url": "http://10.0.0.5:9000/rpc",
    "preferredTransport": "GRPC",
    "additionalInterfaces": [
        {"url": "http://10.0.0.5:9000/rpc", "transport": "JSONRPC"},
        {"url": "10.0.0.5:9001", "transport": "GRPC"},
    ],
    "provider": {"organization": "Example", "url": "https://example.com"},
    "version": "2.1.0",
    "capabilities": {"streaming": True, "pushNotifications": True, "stateTransitionHistory": False},
    "securitySchemes": {"oauth": {"type": "openIdConnect", "openIdConnectUrl": "http://10.0.0.9/openid"}},
    "security": [{"oauth": ["weather"]}],
    "defaultInputModes": ["text/plain"],
    "defaultOutputModes": ["text/plain"],
    "skills": [
        {
            "id": "forecast",
            "name": "Forecast",
            "description": "The next days.",
            "tags": ["weather"],
            "security": [{"oauth": []}],
            "x-vendor": {"rank": 1.50},
        }
    ],
    "supportsAuthenticatedExtendedCard": True,
    "signatures": [{"protected": "e30", "signature": "AAAA"}],
    "x-vendor": [1.0, 2e3],
}


def sdk_card() -> AgentCard:
    """An agent that declares both versions, with a tenant and gRPC."""
    card = AgentCard(
        name="Wetter",
        description="Sagt das Wetter: Böen, 🌦.",
        version="1.2.3",
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain", "application/json"],
        skills=[AgentSkill(id="f", name="Forecast", description="The next days", tags=["w"], examples=["Rain?"])],
    )
    for binding, version in (("GRPC", "1.0"), ("JSONRPC", "1.0"), ("JSONRPC", "0.3"), ("HTTP+JSON", "0.3")):
        card.supported_interfaces.append(
            AgentInterface(
                url="http://10.0.0.5:9000/", protocol_binding=binding, protocol_version=version, tenant="inner"
            )
        )
    card.capabilities.streaming = True
    card.capabilities.push_notifications = True
    extension = card.capabilities.extensions.add(uri="https://example.com/ext", description="E")
    extension.params.update({"ratio": 0.1, "count": 3, "deep": {"list": [1e21, 5e-324, None, True]}})
    card.security_schemes["mtls"].mtls_security_scheme.description = "inner"
    card.security_requirements.add().schemes["mtls"].list.append("x")
    card.skills[0].security_requirements.add().schemes["mtls"].list.append("x")
    return card


def hybrid() -> bytes:
    """The JSON that the SDK's server sends for it."""
    return json.dumps(agent_card_to_dict(sdk_card())).encode()
