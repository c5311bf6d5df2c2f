"""What is hidden in a report cannot be worked out from what is told.

The reader here does not know how counts are hidden: it lists every table that fits what is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.ledger.small_numbers import Hidden, Published, Told, protect

LEAST = 3
PARENTS = {"all": "", "a": "all", "b": "all", "c": "b", "d": "b"}
LEAVES = ("a", "c", "d")
Leaf = tuple[int, ...]


def counts(leaves: Leaf) -> dict[str, int]:
    a, c, d = leaves
    return {"all": a + c + d, "a": a, "b": c + d, "c": c, "d": d}


def total(rows: Iterable[Leaf]) -> Leaf:
    return tuple(map(sum, zip(*rows, strict=True)))


def fits(told: Mapping[str, Told], leaves: Leaf, least: int = LEAST) -> bool:
    """Whether a row with these leaves may have been told so."""
    for column, number in counts(leaves).items():
        said = told.get(column)
        if said is Hidden.BELOW and not 1 <= number < least:
            return False
        if said is Hidden.ATLEAST and number < least:
            return False
        if isinstance(said, int) and said != number:
            return False
    return True


def candidates(told: Mapping[str, Told], truth: Leaf, least: int = LEAST) -> list[Leaf]:
    """Every row that fits, up to a little beyond the true one."""
    ranges = (range(number + least + 1) for number in truth)
    return [leaves for leaves in product(*ranges) if fits(told, leaves, least)]


def tables(published: Published, rows: Mapping[str, Leaf]) -> list[tuple[Leaf, ...]]:
    """Every breakdown that fits what is told of its rows; none told: any."""
    return list(product(*(candidates(published.rows[row], rows[row]) for row in published.rows)))


def hidden(published: Published) -> Iterator[tuple[str | None, str]]:
    for column, said in published.total.items():
        if isinstance(said, Hidden):
            yield None, column
    for row, told in published.rows.items():
        for column, said in told.items():
            if isinstance(said, Hidden):
                yield str(row), column


def worked_out(published: Published, rows: dict[str, Leaf], totals: set[Leaf]) -> list[str]:
    """The hidden counts that can have one value only; `totals`: those that all tables allow."""
    seen: dict[tuple[str | None, str], set[int]] = {}
    for table in tables(published, rows) if published.rows else [()]:
        for sums in [total(table)] if table else totals:
            if sums not in totals:
                continue
            named = zip((None, *published.rows), (sums, *table), strict=True)
            for row, leaves in named:
                for column, number in counts(leaves).items():
                    seen.setdefault((row, column), set()).add(number)
    return [f"{row} {column}" for row, column in hidden(published) if len(seen[row, column]) < 2]


def allowed(published: Published, rows: dict[str, Leaf]) -> set[Leaf]:
    """The totals that fit what is told of them and of the rows."""
    told = set(candidates(published.total, total(rows.values())))
    if not published.rows:
        return told
    return told & {total(table) for table in tables(published, rows)}


numbers = st.sampled_from([0, 0, 1, 1, 2, 3, 4])
leaf = st.tuples(numbers, numbers, numbers)


@st.composite
def two_breakdowns(draw: st.DrawFn) -> tuple[dict[str, Leaf], dict[str, Leaf]]:
    """The same findings twice over: split by one thing, and by another."""
    first = draw(st.lists(leaf, min_size=1, max_size=3))
    sums = total(first)
    cut = tuple(draw(st.integers(0, number)) for number in sums)
    rest = tuple(number - part for number, part in zip(sums, cut, strict=True))
    return dict(zip("pqr", first, strict=False)), {"x": cut, "y": rest}


@settings(max_examples=150, deadline=None)
@given(two_breakdowns())
def test_no_hidden_count_can_be_worked_out(both: tuple[dict[str, Leaf], dict[str, Leaf]]) -> None:
    published = [
        protect(
            counts(total(rows.values())),
            {row: counts(leaves) for row, leaves in rows.items()},
            PARENTS,
            LEAST,
        )
        for rows in both
    ]
    assert published[0].total == published[1].total
    pairs = list(zip(published, both, strict=True))
    totals = allowed(*pairs[0]) & allowed(*pairs[1])
    for one, rows in pairs:
        assert worked_out(one, rows, totals) == []
        for row, told in one.rows.items():
            truth = counts(rows[str(row)])
            assert all(
                said is not truth[c] or not 1 <= truth[c] < LEAST for c, said in told.items()
            )
            assert fits(told, rows[str(row)])


def published(rows: dict[str, Leaf], least: int = 5) -> Published:
    sums = counts(total(rows.values()))
    return protect(sums, {row: counts(one) for row, one in rows.items()}, PARENTS, least)


def test_large_numbers_are_told_as_they_are() -> None:
    told = published({"p": (10, 20, 0), "q": (30, 5, 9)})
    assert told.rows == {"p": counts((10, 20, 0)), "q": counts((30, 5, 9))}
    assert told.total == counts((40, 25, 9))


def test_a_small_number_takes_others_with_it_but_no_more_than_needed() -> None:
    told = published({"p": (3, 40, 0), "q": (30, 50, 0), "r": (60, 70, 0)})
    assert told.total == counts((93, 160, 0))
    assert told.rows["p"]["a"] is Hidden.BELOW
    assert told.rows["q"]["a"] is Hidden.ATLEAST
    assert told.rows["r"] == counts((60, 70, 0))


def test_what_cannot_be_hidden_is_not_told() -> None:
    """Four and four make eight: each could only be four."""
    told = published({"p": (4, 0, 0), "q": (4, 0, 0)})
    assert told.rows == {}
    assert told.total["all"] == 8


def test_nothing_is_hidden_where_the_site_says_so() -> None:
    told = published({"p": (1, 0, 2)}, least=0)
    assert told.rows["p"] == counts((1, 0, 2))


@pytest.mark.parametrize("rows", [{}, {"p": (0, 0, 0)}])
def test_nothing_to_tell_is_told(rows: dict[str, Leaf]) -> None:
    sums = counts((0, 0, 0))
    told = protect(sums, {row: counts(one) for row, one in rows.items()}, PARENTS, 5)
    assert told.total == sums
    assert told.rows == dict.fromkeys(rows, sums)


def test_the_reader_of_this_test_would_notice_a_plain_subtraction() -> None:
    rows = {"p": (2, 4, 0), "q": (7, 4, 0)}
    careless = Published(
        counts(total(rows.values())),
        {"p": {**counts(rows["p"]), "a": Hidden.BELOW}, "q": counts(rows["q"])},
    )
    assert worked_out(careless, rows, allowed(careless, rows)) == ["p a"]
