"""Headers as a manifest writes them: names and values that can be sent, and nothing that frames a request.

Values only, on pydantic, as `core.values`. Above: the `settings.py` of every part whose peers are
sent headers of the manifest.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from .values import Refusal, refuse_all

# Sent by the HTTP client itself: a second value would break the framing of the request.
FRAMING = {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


def _headers(headers: dict[str, str]) -> dict[str, str]:
    found: list[Refusal] = []
    seen: dict[str, str] = {}
    for name, value in headers.items():
        first = seen.setdefault(name.lower(), name)
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            found.append(Refusal("is not a header name", "use letters, digits and -", (name,)))
        elif name.lower() in FRAMING:
            found.append(Refusal("is set by the gateway itself", "leave this header out", (name,)))
        elif first != name:
            found.append(Refusal("is given twice", "header names do not mind case", (name,), (first,)))
        if not re.fullmatch(r"[\t -~\x80-\xff]*", value):
            found.append(
                Refusal(
                    "cannot be sent in a header",
                    "it has a line break or a character outside Latin-1",
                    (name,),
                )
            )
    if found:
        raise refuse_all(found)
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_headers)]
"""Header names, as they were written, and their values. Names that differ in case alone are refused."""


def header_lines(*sources: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """As the HTTP client takes them: lower-case names, Latin-1 values; a later source wins over an earlier one."""
    merged = {name.lower(): value for source in sources for name, value in source.items()}
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in merged.items())
