import re

from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.anthropic_ids import PREFIX, read_id, write_id

ANYTHING = st.one_of(
    st.text(), st.text().map(lambda text: PREFIX + text), st.from_regex(r"[a-zA-Z0-9_.:-]+", fullmatch=True)
)


@given(ANYTHING)
def test_every_id_is_written_as_the_api_takes_it_and_read_back(id_: str) -> None:
    written = write_id(id_)
    assert re.fullmatch("[a-zA-Z0-9_-]+", written)
    assert read_id(written) == id_


def test_a_plain_id_stays_as_it_is() -> None:
    assert write_id("toolu_01A") == "toolu_01A"


def test_what_only_looks_packed_stays_as_it_is() -> None:
    assert read_id(PREFIX + "!") == PREFIX + "!"
    assert read_id(PREFIX + "YQ==") == PREFIX + "YQ=="
    assert read_id(PREFIX + "A") == PREFIX + "A"
    assert read_id(PREFIX + "_w") == PREFIX + "_w"
