"""What an agent offers to callers that do not speak A2A, read from its card. Pure.

Cards of both versions have skills in one form. What is not of that form is left out; a card is a
stranger's text, so everything has a limit. Above: `door.py`. Below: `core`.
"""

from collections.abc import Iterator

from ..core.conversation import Offer, Skill
from ..core.rawjson import EMPTY, Fields, Raw, fields, items, text
from .card_in import Card

MAX_SKILLS = 100
"""Skills of one agent; more are left out."""
MAX_EXAMPLES = 5
"""Examples of one skill."""
MAX_ID = 200
MAX_TEXT = 2000
"""Characters of a description or an example."""


def offer(name: str, card: Card | None, description: str | None) -> Offer:
    """`name` and `description`: as the manifest has them; without a card there is nothing else."""
    if card is None:
        return Offer(name, description or "")
    return Offer(
        name=card.name or name,
        description=description or card.description,
        version=card.version,
        skills=tuple(_skills(card.raw)),
    )


def _skills(card: bytes) -> Iterator[Skill]:
    seen: set[str] = set()
    for entry in _objects(fields(card).get("skills", EMPTY))[:MAX_SKILLS]:
        id_ = text(entry.get("id")) or ""
        if not id_ or len(id_) > MAX_ID or id_ in seen:
            continue
        seen.add(id_)
        yield Skill(id_, _short(entry, "name"), _short(entry, "description"), tuple(_examples(entry)))


def _examples(skill: Fields) -> Iterator[str]:
    found = [text(each) for each in _items(skill.get("examples", EMPTY))[:MAX_EXAMPLES]]
    yield from (each[:MAX_TEXT] for each in found if each)


def _objects(array: Raw) -> list[Fields]:
    found: list[Fields] = []
    for each in _items(array):
        try:
            found.append(fields(each))
        except ValueError:
            continue
    return found


def _items(array: Raw) -> list[Raw]:
    try:
        return items(array)
    except ValueError:
        return []


def _short(members: Fields, key: str) -> str:
    return (text(members.get(key)) or "")[:MAX_TEXT]
