"""federation/names.py: every tool has one name that every client accepts, and it is always the same."""

import itertools
import random
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.federation.names import LIMIT, Naming, Owner, assign, collapsed, hashed, prefixed

SERVERS = st.sampled_from(["a", "ab", "a-b", "notes", "x" * 32])
NAMES = (
    st.text(alphabet="ab_.-é /", min_size=1, max_size=12)
    | st.text(min_size=1)
    | st.text("a_", min_size=40, max_size=60)
)
OWNERS = st.lists(st.builds(Owner, SERVERS, NAMES), unique=True, max_size=12)
TWINS = (88068, 112025)
LEGAL = re.compile(r"[A-Za-z0-9_-]{1,48}")


def claude(name: str) -> str:
    """What Claude Code makes of a tool's name."""
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_-]", "_", name))


@given(OWNERS)
@example([Owner("a", "é"), Owner("a", hashed(Owner("a", "é")).removeprefix("a__")), Owner("a", "ü")])
@settings(deadline=None)
def test_prefixed_names_are_legal_short_and_distinct_for_clients_that_collapse_them(owners: list[Owner]) -> None:
    table, _ = assign(owners, "always")
    assert all(LEGAL.fullmatch(name) for name in table)
    assert len({claude(name) for name in table}) == len(table)
    assert list(table.values()) == owners


@given(OWNERS, st.sampled_from(["always", "on_collision"]), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_names_do_not_depend_on_the_order_of_discovery(
    owners: list[Owner], naming: Naming, order: random.Random
) -> None:
    shuffled = order.sample(owners, len(owners))
    assert assign(shuffled, naming).table == assign(owners, naming).table
    assert list(assign(shuffled, naming).table.values()) == [
        o for o in shuffled if o in assign(owners, naming).table.values()
    ]


@given(OWNERS)
@settings(deadline=None)
def test_on_collision_every_owner_has_a_name_that_clients_can_tell_apart(owners: list[Owner]) -> None:
    table, _ = assign(owners, "on_collision")
    assert list(table.values()) == owners
    assert len({claude(name) for name in table}) == len(table)


@given(OWNERS)
@settings(deadline=None)
def test_collapsing_is_what_clients_do(owners: list[Owner]) -> None:
    for owner in owners:
        assert collapsed(owner.name) == claude(owner.name)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Owner("notes", "add"), "notes__add"),
        (Owner("notes", "add.new item"), "notes__add_new_item"),
        (Owner("notes", "admin.tools.list"), "notes__admin_tools_list"),
        (Owner("s", "x" * (LIMIT - 3)), "s__" + "x" * (LIMIT - 3)),
        (Owner("s", "x" * (LIMIT - 2)), "s__" + "x" * 36 + "_8a082727"),
        (Owner("s", "x" * 34 + "_" * 20), "s__" + "x" * 34 + "_" + hashed(Owner("s", "x" * 34 + "_" * 20))[-8:]),
    ],
)
def test_a_prefixed_name_is_the_server_and_the_tool_cut_if_need_be(owner: Owner, name: str) -> None:
    assert prefixed(owner) == name
    assert len(name) <= LIMIT


def test_long_names_that_begin_alike_stay_apart() -> None:
    owners = [Owner("notes", "x" * 60 + str(number)) for number in range(50)]
    assert len(assign(owners, "always").table) == 50


def test_names_that_only_differ_where_clients_see_no_difference_are_hashed() -> None:
    owners = [Owner("a", "x_y"), Owner("a", "x__y")]
    table, collisions = assign(owners, "always")
    assert table == {hashed(owner): owner for owner in owners}
    assert collisions == [
        f"'x_y' of a is exposed as {hashed(owners[0])!r}: 'a__x_y' is ambiguous",
        f"'x__y' of a is exposed as {hashed(owners[1])!r}: 'a__x__y' is ambiguous",
    ]


def test_the_one_that_was_legal_as_it_stood_keeps_its_plain_form() -> None:
    legal, dotted, spaced = Owner("a", "x_y"), Owner("a", "x.y"), Owner("a", "x y")
    assert assign([dotted, legal, spaced], "always").table == {
        hashed(dotted): dotted,
        "a__x_y": legal,
        hashed(spaced): spaced,
    }


def test_a_tool_that_takes_the_hash_of_another_does_not_take_its_place() -> None:
    dotted, legal = Owner("a", "x.y"), Owner("a", "x_y")
    mimic = Owner("a", hashed(dotted).removeprefix("a__"))
    for order in itertools.permutations([dotted, legal, mimic]):
        table = assign(order, "always").table
        assert table == {hashed(dotted): dotted, "a__x_y": legal, hashed(mimic): mimic}


def test_a_bare_name_that_takes_the_hash_of_another_server_s_tool_does_not_take_its_place() -> None:
    one, two = Owner("a", "x.y"), Owner("b", "x.y")
    rivals = [Owner("c", prefixed(one)), Owner("d", hashed(one))]
    for order in itertools.permutations([one, two, *rivals]):
        table, _ = assign(order, "on_collision")
        assert table[hashed(one)] == one
        assert sorted(table.values()) == sorted(order)


def test_of_two_tools_with_the_same_hash_the_same_one_is_hidden_in_any_order() -> None:
    """Found by search: a server can make two of its own names meet, and only loses one of them by it."""
    twins = [Owner("s", "x" * 46 + str(number)) for number in TWINS]
    assert hashed(twins[0]) == hashed(twins[1])
    for order in itertools.permutations(twins):
        table, collisions = assign(order, "always")
        assert table == {hashed(twins[0]): min(twins)}
        assert len(collisions) == 1
        assert "is hidden" in collisions[0]


def test_on_collision_only_shared_names_get_a_prefix_and_it_is_said() -> None:
    owners = [Owner("a", "search"), Owner("b", "search"), Owner("b", "add")]
    table, collisions = assign(owners, "on_collision")
    assert table == {"a__search": owners[0], "b__search": owners[1], "add": owners[2]}
    assert collisions == [
        "'search' of a is exposed as 'a__search': another server has that name too",
        "'search' of b is exposed as 'b__search': another server has that name too",
    ]


def test_a_bare_name_that_looks_like_a_prefixed_one_makes_both_ambiguous() -> None:
    owners = [Owner("a", "search"), Owner("b", "search"), Owner("c", "a__search")]
    table, _ = assign(owners, "on_collision")
    assert table == {hashed(owners[0]): owners[0], "b__search": owners[1], hashed(owners[2]): owners[2]}


def test_never_keeps_every_name_and_hides_later_ones_loudly() -> None:
    owners = [Owner("b", "x.y"), Owner("a", "x.y"), Owner("a", "x_y")]
    table, collisions = assign(owners, "never")
    assert table == {"x.y": owners[0], "x_y": owners[2]}
    assert collisions == ["'x.y' of a is hidden: b has that name already"]


@pytest.mark.parametrize("naming", ["always", "on_collision", "never"])
def test_an_owner_that_is_given_twice_counts_once(naming: Naming) -> None:
    table, collisions = assign([Owner("a", "x"), Owner("a", "x")], naming)
    assert (len(table), collisions) == (1, [])


def test_without_owners_there_is_nothing() -> None:
    assert assign([], "always") == ({}, [])
