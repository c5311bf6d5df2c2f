"""Small numbers are hidden in reports, and what is hidden cannot be worked out from the rest.

A count from 1 to `least - 1` is told as BELOW. Where that alone would leave it to be had by
subtraction, further counts are told as ATLEAST (`least` or more). Zeros are told.

A breakdown is a table: its columns form a tree (each is the sum of those below it), its rows
add up to the totals. Such a table is a network: each count is an edge, each sum a node where
what comes in goes out. Counts can differ from the true ones without a published one changing
exactly when there is a way round, one up, the next down, through hidden counts alone. So for
each hidden count a way round is looked for, and the cheapest counts on it are hidden too.

The totals are decided first, by themselves, and are the same in every breakdown. The way round
of a hidden total must exist in every breakdown, that of a hidden count may change no total: so
breakdowns of the same period may be laid side by side, as long as nothing but the totals joins
their rows. Where rows of one are known to make up rows of another (versions a rule, days a week,
rules a hook) they can be subtracted; a reader of both is not kept from that. Where there is no
way round, the parts of that measure are not told at all (None).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from math import inf
from typing import Any

Row = Hashable
Place = tuple[Row, str]  # of a count: row and column
Node = tuple[Row, str]
Counts = Mapping[str, int]

OUT = ("", "")  # the node where totals come from and go to
TOTAL = "total"
COLUMN = "column"


class Hidden(Enum):
    """How a hidden count is told."""

    BELOW = "below"
    ATLEAST = "at least"


Told = int | Hidden | None
Parents = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Published:
    """What may be told; a column that is missing is not told."""

    total: Mapping[str, Told]
    rows: Mapping[Any, Mapping[str, Told]]


def protect(total: Counts, rows: Mapping[Any, Counts], parents: Parents, least: int) -> Published:
    """The counts as they may be told; `least` 0: as they are.

    `rows` add up to `total`; in each, a column is the sum of those whose parent it is.
    """
    if least == 0:
        return Published(dict(total), {row: dict(counts) for row, counts in rows.items()})
    tree, moves, told = _protected_total(total, parents, least)
    while tree:
        table = _Table(rows, tree, least)
        try:
            for move in moves:
                table.realise(_projected(move, parents, tree))
            table.cover()
        except _NoWayRound as stuck:
            tree = _without(tree, stuck.column)
        else:
            return Published(told, table.told())
    return Published(told, {})


def _protected_total(
    total: Counts, parents: Parents, least: int
) -> tuple[Parents, list[dict[str, int]], dict[str, Told]]:
    """The columns that are told, the ways round as changes of leaves, and the totals as told."""
    tree = parents
    while True:
        table = _Table({TOTAL: total}, tree, least, alone=True)
        try:
            moves = table.cover()
        except _NoWayRound as stuck:
            tree = _without(tree, stuck.column)
        else:
            leaves = _leaves(tree)
            changes = [{c: by for (_, c), by in m.items() if c in leaves} for m in moves]
            return tree, changes, table.told()[TOTAL]


class _NoWayRound(Exception):
    """A hidden count of this column would be given away."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


@dataclass(slots=True)
class _Table:
    """Rows over the columns of `tree`. `alone`: the row's leaves are bound by nothing else."""

    rows: Mapping[Row, Counts]
    tree: Parents
    least: int
    alone: bool = False
    hidden: dict[Place, Hidden] = field(default_factory=dict)
    safe: set[Place] = field(default_factory=set)
    _ways: dict[Node, list[tuple[Node, Place, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        leaves = _leaves(self.tree)
        for row, counts in self.rows.items():
            for column in self.tree:
                if counts[column]:
                    tail, head = self._ends(row, column, leaves)
                    self._ways.setdefault(tail, []).append((head, (row, column), 1))
                    self._ways.setdefault(head, []).append((tail, (row, column), -1))
                    if counts[column] < self.least:
                        self.hidden[row, column] = Hidden.BELOW

    def told(self) -> dict[Row, dict[str, Told]]:
        return {
            row: {column: self.hidden.get((row, column), counts[column]) for column in self.tree}
            for row, counts in self.rows.items()
        }

    def cover(self) -> list[dict[Place, int]]:
        """Finds a way round for each hidden count, hiding more where needed."""
        found = []
        for place in list(self.hidden):
            if place not in self.safe:
                found.append(self._way_round(place))
                self._take(found[-1])
        return found

    def realise(self, move: Mapping[str, int]) -> None:
        """Finds a way for the totals of these columns to change so."""
        if not move:
            return
        up = next((c for c, by in move.items() if by > 0), None)
        down = next((c for c, by in move.items() if by < 0), None)
        start = (COLUMN, down) if down else OUT
        goal = (COLUMN, up) if up else OUT
        found = self._path(start, goal, None)
        if found is None:
            raise _NoWayRound(up or down or "")
        self._take(found[1])

    def _take(self, way: Iterable[Place]) -> None:
        for place in way:
            self.hidden.setdefault(place, Hidden.ATLEAST)
            self.safe.add(place)

    def _way_round(self, place: Place) -> dict[Place, int]:
        """The cheapest way that changes this count by one; by place, what changes how."""
        tail, head = self._ends(*place, _leaves(self.tree))
        ways = []
        for by, start, goal in ((1, head, tail), (-1, tail, head)):
            if self._may(place, by) and (found := self._path(start, goal, place)):
                ways.append((found[0], by, {place: by, **found[1]}))
        if not ways:
            raise _NoWayRound(place[1])
        return min(ways, key=lambda one: one[:2])[2]

    def _path(
        self, start: Node, goal: Node, without: Place | None
    ) -> tuple[int, dict[Place, int]] | None:
        """The cheapest path (Dijkstra): its cost, and what changes how on it."""
        order = count()  # nodes are not compared
        heap: list[tuple[int, int, Node]] = [(0, next(order), start)]
        best: dict[Node, int] = {start: 0}
        came: dict[Node, tuple[Node, Place, int]] = {}
        while heap:
            cost, _, node = heapq.heappop(heap)
            if node == goal:
                return cost, _changes(came, start, goal)
            if cost > best[node]:
                continue
            for other, place, by in self._ways.get(node, ()):
                if place == without or not self._may(place, by):
                    continue
                further = cost + self._cost(place)
                if further < best.get(other, inf):
                    best[other] = further
                    came[other] = (node, place, by)
                    heapq.heappush(heap, (further, next(order), other))
        return None

    def _may(self, place: Place, by: int) -> bool:
        """Whether a reader who sees it hidden must reckon with this change of it."""
        number = self.rows[place[0]][place[1]] + by
        if self.hidden.get(place) is Hidden.BELOW:
            return 1 <= number < self.least
        return number >= self.least

    def _cost(self, place: Place) -> int:
        """What its reader loses: nothing more where it is hidden already."""
        return 0 if place in self.hidden else 10 + self.rows[place[0]][place[1]]

    def _ends(self, row: Row, column: str, leaves: frozenset[str]) -> tuple[Node, Node]:
        """The sums a count is in: of its row (as a part), and as a sum or of its column."""
        parent = self.tree[column]
        tail = (row, parent) if parent else OUT
        if column not in leaves:
            return tail, (row, column)
        return tail, OUT if self.alone else (COLUMN, column)


def _changes(
    came: Mapping[Node, tuple[Node, Place, int]], start: Node, goal: Node
) -> dict[Place, int]:
    changes: dict[Place, int] = {}
    node = goal
    while node != start:
        node, place, by = came[node]
        changes[place] = by
    return changes


def _leaves(tree: Parents) -> frozenset[str]:
    return frozenset(tree) - set(tree.values())


def _without(tree: Parents, column: str) -> Parents:
    """`tree` without this column, the others that make up the same sum, and all below them."""
    parent = tree[column]
    gone = set(_below(tree, parent)) if parent else {column, *_below(tree, column)}
    return {column: above for column, above in tree.items() if column not in gone}


def _below(tree: Parents, parent: str) -> Iterator[str]:
    for column, above in tree.items():
        if above == parent:
            yield column
            yield from _below(tree, column)


def _projected(move: Mapping[str, int], parents: Parents, tree: Parents) -> dict[str, int]:
    """The same changes in a tree of which parts are not told."""
    sums: dict[str, int] = {}
    for column, by in move.items():
        while column and column not in tree:
            column = parents[column]  # noqa: PLW2901
        if column:
            sums[column] = sums.get(column, 0) + by
    return {column: by for column, by in sums.items() if by}
