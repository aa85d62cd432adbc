"""docs/translation.md says what the formats say: it is written from their tables, and every name is a known feature."""

import pytest

from fedgate.llm.features import FEATURES
from tests.llm.translation_page import FORMATS, PAGE, page


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.llm.translation_page"


@pytest.mark.parametrize("name", FORMATS)
def test_every_name_is_a_known_feature_and_has_a_reason(name: str) -> None:
    _, cannot = FORMATS[name]
    assert set(cannot) <= set(FEATURES)
    assert all(reason.strip() and "|" not in reason for reason in cannot.values())
