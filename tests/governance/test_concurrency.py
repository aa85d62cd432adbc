"""governance/concurrency.py: so many at a time for each key, and no trace of who is not there."""

from fedgate.governance.concurrency import InUse


def test_each_key_has_its_own_places_and_gets_them_back() -> None:
    places = InUse(2)
    assert [places.take("a"), places.take("a"), places.take("a"), places.take("b")] == [True, True, False, True]
    places.give_back("a")
    assert places.of("a") == 1
    assert places.take("a")
    for key in ("a", "a", "b"):
        places.give_back(key)
    assert (len(places), places.of("a")) == (0, 0)


def test_a_full_table_refuses_new_keys_and_keeps_those_in_use() -> None:
    places = InUse(5, max_keys=2)
    assert places.take("a")
    assert places.take("b")
    assert not places.take("c")
    assert places.take("a")
    places.give_back("b")
    assert places.take("c")
