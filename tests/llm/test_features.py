from fedgate.llm import anthropic_request, openai_request
from fedgate.llm.features import FEATURES


def test_whatever_a_format_cannot_carry_has_a_name_and_a_reason() -> None:
    for cannot in (openai_request.CANNOT, anthropic_request.CANNOT):
        assert cannot.keys() <= FEATURES.keys()
        assert all(cannot.values())


def test_names_can_stand_in_a_header() -> None:
    assert all(name.replace(".", "").replace("_", "").isalnum() and name.isascii() for name in FEATURES)
