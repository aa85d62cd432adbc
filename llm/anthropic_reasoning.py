"""How much to think, in Anthropic's format: read, and written as the model's generation takes it. Pure.

What the model would refuse beside thinking (a forced tool, most sampling, a turn that began without a
thought) decides: the request shall work, and what gave way is named. Above: `anthropic_request`.
"""

from typing import Any, Literal

from .anthropic_models import Abilities
from .anthropic_turns import waits_for_thoughts
from .anthropic_wire import OutputConfig, Thinking
from .blocks import Losses
from .neutral import Reasoning, Request

MIN_BUDGET = 1024
"""Tokens; the API takes no smaller budget."""
DEFAULT_BUDGET = 8192
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 32_768}
_EFFORTS = {"minimal": "low"}
_WORDS = ((1024, "low"), (8192, "medium"))
"""Budgets up to which a word stands for them; beyond, `high`."""
_MODES: dict[str, Literal["off", "on", "adaptive"]] = {
    "enabled": "on",
    "disabled": "off",
    "adaptive": "adaptive",
    "between_tools": "adaptive",
}
_DISPLAYS = {"summarized": True, "omitted": False}


def read_reasoning(thinking: Thinking | None, config: OutputConfig | None, unread: list[str]) -> Reasoning | None:
    """`ValueError` says what `thinking.type` may be."""
    effort = config.effort or "" if config is not None else ""
    if thinking is None:
        return Reasoning("adaptive", effort) if effort else None
    mode = _MODES.get(thinking.type)
    if mode is None:
        raise ValueError("thinking.type: must be enabled, disabled, adaptive or between_tools")
    if thinking.type == "between_tools":
        unread.append("thinking.between_tools")
    return Reasoning(mode, effort, thinking.budget_tokens, _DISPLAYS.get(thinking.display or ""))


def write_reasoning(request: Request, abilities: Abilities, losses: Losses) -> tuple[dict[str, Any] | None, str]:
    """`thinking`, and `output_config.effort` (empty: none)."""
    reasoning = request.reasoning
    if reasoning is None:
        return None, ""
    if reasoning.mode == "off":
        losses.note("reasoning.off", not abilities.off)
        return ({"type": "disabled"} if abilities.off else None), ""
    if request.tool_choice is not None and request.tool_choice.mode in ("any", "named"):
        losses.add("reasoning")  # the API refuses thoughts before a call that is forced
        return None, ""
    if abilities.adaptive and (reasoning.mode == "adaptive" or reasoning.budget is None or not abilities.budget):
        return _adaptive(reasoning, losses)
    return _budgeted(request, reasoning, abilities, losses)


def _adaptive(reasoning: Reasoning, losses: Losses) -> tuple[dict[str, Any], str]:
    losses.note("reasoning.budget", reasoning.budget is not None)
    effort = reasoning.effort
    if not effort and reasoning.budget is not None:
        effort = next((word for most, word in _WORDS if reasoning.budget <= most), "high")
    return _shown({"type": "adaptive"}, reasoning), _effort(effort, losses)


def _effort(effort: str, losses: Losses) -> str:
    losses.note("reasoning.effort", effort in _EFFORTS)
    return _EFFORTS.get(effort, effort)


def _budgeted(
    request: Request, reasoning: Reasoning, abilities: Abilities, losses: Losses
) -> tuple[dict[str, Any] | None, str]:
    losses.note("reasoning.adaptive", reasoning.mode == "adaptive")
    effort = _effort(reasoning.effort, losses) if abilities.effort else ""
    losses.note("reasoning.effort", reasoning.effort and not effort)
    budget = reasoning.budget or _BUDGETS.get(reasoning.effort, DEFAULT_BUDGET)
    limit = request.max_tokens
    if limit is not None and limit <= budget:
        losses.note("reasoning.budget", reasoning.budget is not None)
        budget = limit // 2  # the other half is for the answer
    if (limit is not None and limit <= MIN_BUDGET) or waits_for_thoughts(request.messages):
        losses.add("reasoning")
        return None, effort
    losses.note("reasoning.budget", reasoning.budget is not None and budget < MIN_BUDGET)
    return _shown({"type": "enabled", "budget_tokens": max(budget, MIN_BUDGET)}, reasoning), effort


def _shown(thinking: dict[str, Any], reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.show is not None:
        thinking["display"] = "summarized" if reasoning.show else "omitted"
    return thinking
