"""What an agent offers, read from its card."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.card_in import parse
from fedgate.a2a.offering import MAX_EXAMPLES, MAX_SKILLS, MAX_TEXT, offer
from fedgate.core.conversation import Offer, Skill
from fedgate.core.errors import UpstreamInvalid
from tests.a2a.agent_kit import BOTH, sdk_card, served


def card(**members: Any) -> bytes:
    return json.dumps(
        {"name": "Scout", "url": "http://h/", "description": "Finds.", "version": "1", **members}
    ).encode()


def skills(listed: Any) -> tuple[Skill, ...]:
    return offer("scout", parse(card(skills=listed)), None).skills


def test_the_skills_of_an_sdk_card_are_read() -> None:
    found = offer("scout", parse(served(sdk_card(BOTH))), None)
    assert found == Offer("Scout", "Finds things.", "1.2.3", (Skill("find", "Find", "Finds."),))


def test_the_manifest_knows_better_what_an_agent_is_for() -> None:
    assert offer("scout", parse(card()), "Our scout.") == Offer("Scout", "Our scout.", "1")
    assert offer("scout", None, "Our scout.") == Offer("scout", "Our scout.")
    assert offer("scout", None, None) == Offer("scout")


def test_what_is_no_skill_is_left_out() -> None:
    listed = [{"id": "a", "examples": ["x", 1, ""]}, {"name": "no id"}, {"id": 7}, "b", {"id": "a"}, {"id": "x" * 201}]
    assert skills(listed) == (Skill("a", examples=("x",)),)
    assert skills({"id": "a"}) == ()
    assert skills([{"id": "a", "name": 1, "description": None, "examples": "x"}]) == (Skill("a"),)


def test_a_card_without_end_has_one_here() -> None:
    many = [{"id": f"s{number}", "description": "d" * 2500, "examples": ["e"] * 50} for number in range(200)]
    found = skills(many)
    assert len(found) == MAX_SKILLS
    assert (len(found[0].description), len(found[0].examples)) == (MAX_TEXT, MAX_EXAMPLES)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_stands_for_skills_is_read(listed: Any) -> None:
    try:
        found = parse(card(skills=listed))
    except UpstreamInvalid:
        return
    assert isinstance(offer("scout", found, None).skills, tuple)
