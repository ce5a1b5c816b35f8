"""No group stands on two sides, every label gets its share, and a row stays where it is when others come or go."""

from __future__ import annotations

import random
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llf_kit import splitting
from llf_kit.errors import DataError, UsageError

Row = tuple[str, str | None]

labels = st.sampled_from(["生化", "血液", None])
tables = st.lists(st.tuples(st.integers(0, 60).map(lambda number: f"第{number}问"), labels), min_size=12, max_size=80)
shares = st.sampled_from([(0.1, 0.0, 0), (0.2, 0.1, 0), (0.5, 0.3, 0), (0.0, 0.0, 3), (0.1, 0.0, 5)])


def split(rows: list[Row], asked: tuple[float, float, int], alike: list[list[int]] | None = None) -> list[str]:
    """The name of the set that every row goes to."""
    sets = splitting.parts(*asked)
    frame = pl.DataFrame(rows, schema={"question": pl.String, "label": pl.String}, orient="row")
    frame = frame.select("label", digest=splitting.digests(frame["question"], 42))
    return [list(sets)[side] for side in splitting.sides(frame, alike or [], sets)]


def enough(rows: list[Row]) -> bool:
    return len({question for question, _ in rows}) >= 12


def corrected(rows: list[Row], asked: tuple[float, float, int]) -> set[str | None] | None:
    """The labels in which the digests alone would give a side too little or too much; None where a set had none."""
    sets = splitting.parts(*asked)
    frame = pl.DataFrame(rows, schema={"question": pl.String, "label": pl.String}, orient="row")
    places = [digest / 2**64 for digest in splitting.digests(frame["question"], 42)]
    borders = [sum(list(sets.values())[: count + 1]) for count in range(len(sets))]
    sides = [next((side for side, border in enumerate(borders) if place < border), len(sets) - 1) for place in places]
    if set(sides) != set(range(len(sets))):
        return None
    sizes = {label: sum(other == label for _, other in rows) for _, label in rows}
    own = {label: label if size * min(sets.values()) >= 1 else ... for label, size in sizes.items()}
    found = set()
    for stratum in set(own.values()):
        inside = [side for (_, label), side in zip(rows, sides, strict=True) if own[label] == stratum]
        for side, share in enumerate(sets.values()):
            if not 0.5 <= round(inside.count(side) / (share * len(inside)), 9) <= 1.5:
                found |= {label for label, of in own.items() if of == stratum}
    return found


@settings(max_examples=80, deadline=None)
@given(tables.filter(enough), shares, st.lists(st.lists(st.integers(0, 11), min_size=2, max_size=4), max_size=4))
def test_no_group_on_two_sides(rows: list[Row], asked: tuple[float, float, int], alike: list[list[int]]) -> None:
    try:
        sides = split(rows, asked, alike)
    except DataError:
        return
    assert set(sides) == set(splitting.parts(*asked))
    for cluster in alike:
        assert len({sides[row] for row in cluster}) == 1
    for question in {question for question, _ in rows}:
        assert len({side for (other, _), side in zip(rows, sides, strict=True) if other == question}) == 1


@settings(max_examples=60, deadline=None)
@given(tables.filter(enough), shares, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    rows: list[Row], asked: tuple[float, float, int], rng: random.Random
) -> None:
    order = rng.sample(range(len(rows)), len(rows))
    sides = split(rows, asked)
    assert split([rows[place] for place in order], asked) == [sides[place] for place in order]


@settings(max_examples=80, deadline=None)
@given(st.data(), shares)
def test_a_row_keeps_its_side_when_others_come_or_go(data: st.DataObject, asked: tuple[float, float, int]) -> None:
    """For every row whose label needs no correction before and after; a question has one label here."""
    numbers = data.draw(st.lists(st.integers(0, 5000), min_size=60, max_size=300, unique=True))
    rows: list[Row] = [(f"第{number}问", ("生化", "血液", None)[number % 3]) for number in numbers]
    fewer = rows[: data.draw(st.integers(30, len(rows)))]
    before, after = corrected(fewer, asked), corrected(rows, asked)
    if before is None or after is None:
        return
    for (_, label), old, new in zip(fewer, split(fewer, asked), split(rows, asked), strict=False):
        if label not in before | after:
            assert old == new


def test_ten_more_rows_move_hardly_any() -> None:
    rows: list[Row] = [(f"第{number}问", f"场景{number % 8}") for number in range(700)]
    sides = [split(rows[:end], (0.1, 0.1, 0)) for end in range(300, 700, 10)]
    moved = [sum(old != new for old, new in zip(fewer, more, strict=False)) for fewer, more in pairwise(sides)]
    assert sum(moved) / len(moved) <= 1.5
    assert max(moved) <= 6


def test_white_space_does_not_make_another_question() -> None:
    rows: list[Row] = [("血钾 多少", None), ("血钾\n多少", None), *((f"第{number}问", None) for number in range(20))]
    sides = split(rows, (0.5, 0.0, 0))
    assert sides[0] == sides[1]


@pytest.mark.parametrize("seed", range(5))
def test_every_label_gets_between_half_and_one_and_a_half_of_its_share(seed: int) -> None:
    rows = [(f"{seed}号{label}{number}", label) for label, size in (("大", 400), ("小", 20)) for number in range(size)]
    sides = split(rows, (0.1, 0.0, 0))
    for label, low, high in (("大", 20, 60), ("小", 1, 3)):
        tested = sum(side == "test" and of == label for (_, of), side in zip(rows, sides, strict=True))
        assert low <= tested <= high


def test_a_giant_group_does_not_fill_the_test_set() -> None:
    rows: list[Row] = [("同一个问题", None)] * 60 + [(f"第{number}问", None) for number in range(40)]
    for seed in range(20):
        sets = splitting.parts(0.1)
        frame = pl.DataFrame({"label": [None] * 100}, schema={"label": pl.String})
        frame = frame.with_columns(splitting.digests(pl.Series([question for question, _ in rows]), seed))
        assert splitting.sides(frame, [], sets).to_list()[0] == 0


def test_another_seed_gives_another_split_and_a_greater_share_keeps_what_is_tested() -> None:
    questions = pl.Series([f"第{number}问" for number in range(1000)])

    def tested(seed: int, share: float) -> set[int]:
        frame = pl.DataFrame({"label": [None] * 1000}, schema={"label": pl.String})
        frame = frame.with_columns(splitting.digests(questions, seed))
        sides = splitting.sides(frame, [], splitting.parts(share))
        return set((sides == 1).arg_true().to_list())

    assert tested(1, 0.1) < tested(1, 0.2)
    assert len(tested(1, 0.1) & tested(2, 0.1)) < 40
    # What is promised beyond this version: the digest itself.
    assert splitting.digests(pl.Series(["血钾 多少"]), 42).to_list() == [8939749246531240477]


def test_near_questions_join_groups_into_one() -> None:
    rows: list[Row] = [(f"第{number}问", None) for number in range(30)]
    sides = split(rows, (0.3, 0.0, 0), [[0, 1], [1, 2], [5, 9], [2, 5]])
    assert len({sides[row] for row in (0, 1, 2, 5, 9)}) == 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ((1.5, 0.0, 0), "--test 1.5: is not a share"),
        ((0.1, -0.1, 0), "--val -0.1: is not a share"),
        ((0.6, 0.4, 0), "leave nothing to train on"),
        ((0.0, 0.0, 1), "--folds 1: are none. Give a number from 2 to 20"),
        ((0.0, 0.1, 5), "each fold is the validation set of a run"),
    ],
)
def test_shares_that_cannot_be(asked: tuple[float, float, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        splitting.parts(*asked)


def test_fewer_questions_than_sets_are_told() -> None:
    with pytest.raises(DataError, match="2 questions cannot be shared out among 5 sets"):
        split([("甲", None), ("乙", None), ("乙", None)], (0.0, 0.0, 5))
    with pytest.raises(DataError, match="one question cannot be shared out among 2 sets"):
        split([("甲", "生化")], (0.1, 0.0, 0))
    assert split([("甲", "生化"), ("乙", "血液")], (0.1, 0.0, 0)).count("test") == 1
