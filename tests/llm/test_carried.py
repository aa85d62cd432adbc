from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.carried import PREFIX, Carried, pack, unpack

texts = st.text(max_size=20)


@given(st.builds(Carried, texts, texts, texts, texts, texts))
def test_what_is_packed_is_unpacked(carried: Carried) -> None:
    assert unpack(pack(carried)) == carried


@given(st.one_of(texts, texts.map(lambda text: PREFIX + text)))
def test_what_others_wrote_is_nothing(text: str) -> None:
    found = unpack(text)
    assert found is None or isinstance(found, Carried)


def test_a_signature_of_claude_is_nothing() -> None:
    assert unpack("EqoBCkgIARABGAIiQL2UoU0b1OHYi+") is None
