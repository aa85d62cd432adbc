"""OpenAI Responses: bodies of errors. They are those of OpenAI's other APIs; here also the codes of failed answers.

Pure; the relay and the streams stand above, `openai_errors` below.
"""

from .openai_errors import read_error, write_error

__all__ = ["kind_of", "read_error", "write_error"]

_KINDS = {
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "rate_limit_error",
    "server_is_overloaded": "overloaded_error",
    "slow_down": "overloaded_error",
    "invalid_prompt": "invalid_request_error",
    "context_length_exceeded": "invalid_request_error",
    "invalid_api_key": "authentication_error",
    "model_not_found": "not_found_error",
    "vector_store_timeout": "timeout_error",
}


def kind_of(code: str) -> str:
    """The neutral kind of an error that ended an answer, by its code."""
    if code not in _KINDS and code.startswith(("invalid_", "image_", "unsupported_", "empty_")):
        return "invalid_request_error"
    return _KINDS.get(code, "api_error")
