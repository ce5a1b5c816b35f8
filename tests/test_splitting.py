"""No question stands on both sides, every label gives its share, and the same rows always give the same split."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from llf_kit import splitting
from llf_kit.schema import SAMPLE


def frame(rows: list[tuple[str, str | None]]) -> pl.LazyFrame:
    made = [
        {
            "source": "a",
            "row": number,
            "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": str(number)}],
            "system": None,
            "label": label,
            "reason": None,
        }
        for number, (question, label) in enumerate(rows)
    ]
    return pl.LazyFrame(made, schema=SAMPLE).with_columns(duplicate=pl.lit(False))


def split(samples: pl.LazyFrame, share: float) -> pl.DataFrame:
    done = splitting.split(samples, splitting.choose_test(samples, share)).collect()
    return done.with_columns(question=pl.col("messages").list.first().struct.field("content"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("甲乙丙丁戊己庚辛壬癸"), st.sampled_from(["生化", "血液", None])), min_size=1),
    st.floats(0.05, 0.9),
)
def test_no_question_on_both_sides(rows: list[tuple[str, str | None]], share: float) -> None:
    done = split(frame(rows), share)
    assert done.group_by("question").agg(pl.col("test").n_unique())["test"].max() == 1


def test_white_space_does_not_make_another_question() -> None:
    done = split(frame([("血钾 多少", None), ("血钾\n多少", None)] * 10), 0.5)
    assert done["test"].n_unique() == 1


def test_every_label_gives_its_share() -> None:
    rows = [(f"问题{number}", label) for label, size in (("大", 200), ("小", 20)) for number in range(size)]
    rows = [(f"{label}{question}", label) for question, label in rows]
    done = split(frame(rows), 0.1).filter("test").group_by("label").len().sort("label")
    assert dict(done.iter_rows()) == {"大": 20, "小": 2}


def test_the_split_is_the_same_every_time_and_is_not_the_first_rows() -> None:
    rows = [(f"问题{number}", None) for number in range(100)]
    first, second = split(frame(rows), 0.2), split(frame(rows), 0.2)
    assert first["test"].to_list() == second["test"].to_list()
    assert not all(first["test"].to_list()[:20])
