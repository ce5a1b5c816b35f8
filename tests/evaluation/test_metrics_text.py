"""Text metrics against what their libraries publish, and against LLaMA-Factory's own function."""

from __future__ import annotations

import pytest
from conftest import ask_upstream

from llf_kit.evaluation.metrics import Column, text, variety
from llf_kit.evaluation.predictions import Prediction

# nltk's documentation of meteor_score
IT_IS = "It is a guide to action which ensures that the military always obeys the commands of the party"
REFERENCE = "It is a guide to action that ensures that the military will forever heed Party commands"

PAIRS = [
    ("血钾的参考区间是3.5～5.3 mmol/L。", "成人血钾参考区间为3.5～5.3 mmol/L（WS/T 404.3-2012）。"),
    ("请复查。标本溶血！", "标本溶血会使血钾升高。请重新采血。"),
    ("Potassium rises in haemolysed samples.", "Haemolysis raises potassium."),
    ("", "请复查"),
    ("一样", "一样"),
]


def rows(*pairs: tuple[str | None, str]) -> list[Prediction]:
    return [Prediction("", said, wanted) for said, wanted in pairs]


def of_all(column: Column) -> float:
    import numpy as np

    table = column.table[~np.isnan(column.table[:, 0])]
    return float(column.of(table, np.ones((1, len(table))))[0])


def test_bleu_and_chrf_are_sacrebleus() -> None:
    """The three sentences of sacrebleu's README, by its public functions; per row its sentence scores."""
    import sacrebleu
    from sacrebleu.metrics import BLEU

    said = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    wanted = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    columns = text.columns(rows(*zip(said, wanted, strict=True)), text.cutter())
    assert of_all(columns["bleu"]) == pytest.approx(sacrebleu.corpus_bleu(said, [wanted]).score)
    assert of_all(columns["chrf"]) == pytest.approx(sacrebleu.corpus_chrf(said, [wanted]).score)
    sentence = BLEU(effective_order=True)
    for place, (one, other) in enumerate(zip(said, wanted, strict=True)):
        assert columns["bleu"].values[place] == pytest.approx(sentence.sentence_score(one, [other]).score, abs=1e-4)
        assert columns["chrf"].values[place] == pytest.approx(sacrebleu.sentence_chrf(one, [other]).score, abs=1e-4)


def test_chinese_is_counted_by_its_characters() -> None:
    import sacrebleu

    said, wanted = zip(*PAIRS[:2], strict=True)
    columns = text.columns(rows(*PAIRS[:2]), text.cutter())
    public = sacrebleu.corpus_bleu(list(said), [list(wanted)], tokenize="zh").score
    assert of_all(columns["bleu"]) == pytest.approx(public)


def test_meteor_is_nltks_without_synonyms() -> None:
    """nltk's own example has 0.6944 with WordNet; no synonym matches there, so it is the same without."""
    columns = text.columns(rows((IT_IS, REFERENCE)), text.cutter())
    assert columns["meteor"].values[0] == pytest.approx(69.44, abs=0.01)
    stems = text.columns(rows(("boys testing", "boy tests")), text.cutter())
    assert stems["meteor"].values[0] == pytest.approx(93.75)  # both match by stem: F 1, penalty 0.5 · (1/2)³


def test_empty_answers_are_zero_and_missing_ones_are_not_scored() -> None:
    columns = text.columns(rows(("", "请复查"), (None, "请复查")), text.cutter())
    assert {name: list(column.values) for name, column in columns.items()} == {name: [0.0, None] for name in columns}


@pytest.mark.real
def test_the_same_names_mean_what_llamafactory_prints() -> None:
    script = """
import numpy as np
from llamafactory.train.sft.metric import ComputeSimilarity
class Tokenizer:
    pad_token_id = 0
    def batch_decode(self, ids, skip_special_tokens):
        return ["".join(chr(one) for one in row if one) for row in ids]
def padded(texts):
    width = max(map(len, texts))
    return np.array([[ord(c) for c in text] + [0] * (width - len(text)) for text in texts])
class Given:
    predictions = padded([said for said, _ in data])
    label_ids = padded([wanted for _, wanted in data])
result = ComputeSimilarity(Tokenizer())(Given())
"""
    upstream = ask_upstream(script, PAIRS)
    columns = text.columns(rows(*PAIRS), text.cutter())
    assert {name: of_all(columns[name]) for name in upstream} == pytest.approx(upstream, abs=1e-9)
    assert set(upstream) == {"bleu-4", "rouge-1", "rouge-2", "rouge-l"}


def test_variety_by_hand() -> None:
    """`a b a b a b`: 2 of 6 words, 2 of 5 pairs; of its 3 sequences of four, `a b a b` stands twice."""
    columns = variety.columns(rows(("a b a b a b", ""), ("a", ""), ("", "")), text.cutter())
    assert columns["distinct-1"].values == [pytest.approx(100 / 3, abs=1e-3), 100.0, None]
    assert columns["distinct-2"].values == [40.0, None, None]
    assert columns["repetition"].values == [pytest.approx(100 / 3, abs=1e-3), None, None]
