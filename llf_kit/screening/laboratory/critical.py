"""A critical value in the question, and no word in the answer of repeating it, or of telling the clinician at once.

The limits are typical ones of adults (``critical_source`` of the table); each laboratory sets its own. An answer that
says one of the two is left alone: many questions with such a value ask for something else, and whether to repeat is for
the laboratory's own procedure.
"""

from __future__ import annotations

import polars as pl

from llf_kit.schema import ASSISTANT, USER
from llf_kit.screening.laboratory.evidence import Evidence, flagged, value
from llf_kit.screening.laboratory.options import OPTIONS

UNHEEDED = "critical value without advice to repeat and notify"
KINDS = {UNHEEDED: "危急值未建议复查和通知"}

_REPEAT = (
    "复查|复检|复测|重测|重采|重抽|重新|复核|核对|核实|核查|再查|再测|再次|确认|排除|监测|"
    "repeat|recheck|re-check|retest|re-test|redraw|recollect|re-?collection|confirm|verif|"
    "second (?:sample|specimen)|monitor|rerun"
)
_NOTIFY = (
    "通知|电话|通报|上报|告知|联系|报危急|报告(?:给|临床|医生|医师|病区|值班|危急)|就医|就诊|急诊|住院|入院|抢救|急救|立即|马上|"
    "notif|call|phone|inform|contact|emergency|hospital|admit|admission|urgent|immediate|clinician|physician"
)
_LATER = "(?:定期|月后|周后|年后)[^，。；]{0,4}(?:复查|监测)"  # a check-up is no repetition
# Limits of adults hold for adults; what is asked for may be the limit itself; other specimens have other bounds.
_OTHERWISE = (
    "新生儿|婴儿|患儿|儿童|小儿|早产|胎儿|脐血|newborn|neonat|infant|child|paediatric|pediatric|"
    "质控|室间质评|线性|校准|定标|检测限|干扰|calibrat|control|proficiency|linearity|"
    "界限|阈值|临界|危急值(?:范围|是多少|标准|如何)|limit|threshold|cut-?off|脑脊液|胸水|腹水|积液|urine|csf|pleural|ascit"
)


def check(evidence: Evidence) -> pl.DataFrame:
    """Single values of a patient beyond a critical limit, whose answer heeds it in neither way."""
    found = evidence.quantities.filter(
        pl.col("sure")
        & pl.col("usual")
        & pl.col("high").is_null()
        & pl.col("comparator").is_null()
        & (pl.col("role") == USER)
    )
    # a value out of bounds is a slip, which another check tells of
    result = pl.col("low") * pl.col("factor")
    beyond = (result < pl.col("critical_low")).fill_null(False) | (result > pl.col("critical_high")).fill_null(False)
    found = found.filter(beyond & result.is_between("bound_low", "bound_high"))
    if found.is_empty():
        return flagged(found, UNHEEDED, value())
    turns = evidence.turns.filter(pl.col("row").is_in(found["row"].unique().implode()))
    content = pl.col("content").str.join("\n")
    asked = turns.filter(pl.col("role") == USER).group_by("row").agg(question=content)
    told = turns.filter(pl.col("role") == ASSISTANT).group_by("row").agg(answer=content)
    found = found.join(asked, on="row", maintain_order="left").join(told, on="row", maintain_order="left")
    found = found.filter(~pl.col("question").str.contains(f"(?i:{_OTHERWISE})|{OPTIONS}"))
    answer = pl.col("answer").str.replace_all(_LATER, "")
    found = found.filter(~answer.str.contains(f"(?i){_REPEAT}|{_NOTIFY}"))
    return flagged(found.unique(["row", "analyte"], keep="first", maintain_order=True), UNHEEDED, value())
