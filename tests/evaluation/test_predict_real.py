"""A real tuned model answers a dataset: through LLaMA-Factory's own prediction, and served, as an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import Trained

from llf_kit import registered, upstream
from llf_kit.evaluation import (
    candidates,
    comparing,
    efficiency,
    entrants,
    generating,
    perplexity,
    questions,
    stability,
)
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Predicted, Watch, messages, predict
from llf_kit.evaluation.report import gather
from llf_kit.evaluation.report import page as pages
from llf_kit.evaluation.review import exporting
from llf_kit.upstream import configs
from llf_kit.upstream.client import Client
from llf_kit.upstream.likelihood import Likelihood

pytestmark = pytest.mark.real

CHOICE = "血钾的单位是？\nA. mmol/L\nB. 个\nC. 米"
ENTRY = {
    "file_name": "exam.jsonl", "formatting": "sharegpt", "columns": {"messages": "conversations"},
    "tags": {
        "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
        "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
    },
}  # fmt: skip


def row(question: str, answer: str, first: str = "human") -> dict[str, object]:
    return {"conversations": [{"from": first, "value": question}, {"from": "gpt", "value": answer}]}


ROWS = [
    row("血钾的参考区间？", "3.5～5.3 mmol/L"),
    row("先说的是答案", "又一个", first="gpt"),  # LLaMA-Factory drops it
    row(CHOICE, "A"),
    row("Say hello.", "Hello."),
]
OVERRIDES = ["max_new_tokens=12"]


@dataclass
class Asked:
    """The project with the dataset, who was asked, and what it said."""

    project: Path
    dataset: registered.Registered
    candidate: Candidate
    predicted: Predicted


@pytest.fixture(scope="module")
def asked(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    project = tmp_path_factory.mktemp("asked")
    (project / "exam.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in ROWS))
    (project / "dataset_info.json").write_text(json.dumps({"exam": ENTRY}))
    dataset = registered.find(project, "exam")
    candidate = candidates.find(str(trained.adapter), OVERRIDES)
    return Asked(project, dataset, candidate, predict(candidate, dataset, project))


@pytest.fixture(scope="module")
def client(asked: Asked) -> Iterator[Client]:
    assert asked.candidate.tuned is not None
    with upstream.served(asked.candidate.tuned, log=asked.project / "serve.log") as served:
        yield served


def test_answers_stand_beside_their_rows_even_where_one_was_dropped(asked: Asked) -> None:
    rows = asked.predicted.rows
    assert [one.place for one in rows] == ["exam:1", "exam:2", "exam:3", "exam:4"]
    assert [one.predict is None for one in rows] == [False, True, False, False]
    assert asked.predicted.partial == "1 of 4 rows cannot be asked (its turns are not in order)."
    assert rows[2].question == CHOICE
    assert rows[2].label == "A"
    assert "你是检验科专家。" in rows[3].prompt  # of the training; the rows bring none
    assert "Say hello." in rows[3].prompt
    for one in rows:
        if one.predict is not None:
            assert one.tokens is not None
            assert one.finished is (one.tokens < 12 and not one.predict.endswith("\ufffd"))
    assert asked.predicted.folder is not None
    assert {path.stat().st_mode & 0o077 for path in asked.predicted.folder.rglob("*")} == {0}


def test_what_was_answered_is_not_asked_again_wherever_the_model_lies(
    asked: Asked, trained: Trained, tmp_path: Path
) -> None:
    assert asked.candidate.tuned is not None
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    for file in trained.adapter.iterdir():
        if file.is_file():
            (elsewhere / file.name).write_bytes(file.read_bytes())
    moved = candidates.find(str(elsewhere), OVERRIDES)

    def never(said: str) -> None:
        raise AssertionError(said)

    assert predict(moved, asked.dataset, asked.project, Watch(status=never)) == asked.predicted
    assert moved.tuned is not None
    known = generating.identity(asked.candidate.tuned)
    assert generating.identity(moved.tuned) == known
    for override in ("default_system=你是护士。", "enable_thinking=false", "max_new_tokens=13", "do_sample=true"):
        other = candidates.find(str(trained.adapter), [*OVERRIDES, override]).tuned
        assert other is not None
        assert generating.identity(other) != known, override
    weights = bytearray((elsewhere / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (elsewhere / "adapter_model.safetensors").write_bytes(weights)
    assert generating.identity(moved.tuned) != known


def test_the_likelihood_is_the_loss_that_llamafactory_evaluates(asked: Asked, tmp_path: Path) -> None:
    tuned = asked.candidate.tuned
    assert tuned is not None
    found = perplexity.measure(tuned, asked.dataset, asked.predicted)
    known = [one for one in found if one is not None]
    assert [one is None for one in found] == [False, True, False, False]
    rows = [one.row for one in questions.read(asked.dataset) if one.label]
    output = tmp_path / "run"
    config = generating.prepared(
        tuned, asked.dataset, rows, tmp_path, output, **perplexity.METHOD, per_device_eval_batch_size=1
    )
    record = upstream.run("train", configs.written(config, tmp_path / "eval.yaml"))
    mean = sum(one.loss / one.tokens for one in known) / len(known)  # a row a batch, and the mean of the batches
    assert mean == pytest.approx(record.result["eval_loss"], rel=1e-5)

    options = perplexity.with_options(asked.predicted.rows, found)[2].options
    assert options is not None
    assert set(options) == set("ABC")
    assert sum(options.values()) == pytest.approx(1)
    assert [one.options for one in perplexity.with_options(asked.predicted.rows, found)].count(None) == 3
    again: list[Likelihood | None] = perplexity.measure(tuned, asked.dataset, asked.predicted)
    assert again == found


def test_a_served_model_is_an_endpoint_and_says_the_same(
    asked: Asked, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(candidates.ENDPOINT_KEY, client.key)
    served = candidates.find(f"{client.address}#{client.model}", OVERRIDES)
    done = predict(served, asked.dataset, asked.project)
    assert [one.predict for one in done.rows] == [one.predict for one in asked.predicted.rows]
    assert all(one.seconds for one in done.rows if one.predict is not None)


def test_what_answers_cost_and_whether_they_stay_the_same(asked: Asked, client: Client) -> None:
    tuned = asked.candidate.tuned
    assert tuned is not None
    some = stability.some(questions.read(asked.dataset))
    assert [one.place for one in some] == ["exam:1", "exam:3", "exam:4"]
    cost = efficiency.measure(client, tuned, [messages(one) for one in some])
    assert 0 < cost.first_seconds["median"] <= cost.seconds["median"] <= cost.seconds["p95"]
    assert cost.tokens_per_second is not None
    assert cost.memory is not None
    assert cost.model_size is not None
    assert cost.adapter_size is not None
    assert cost.memory > cost.model_size / 2 > cost.adapter_size
    endpoint = candidates.of_client(client)
    settings = {"max_tokens": 6, "temperature": 0}
    kept = asked.project / "stability.jsonl"
    greedy = stability.measure(replace(endpoint, timeout=60.0), some[:1], 2, kept, settings)
    assert greedy.partial is None
    assert greedy.questions[0].again == stability.Agreement(2, 100.0, greedy.questions[0].again.values)
    assert greedy.questions[0].other_words.answers == 3


def test_base_and_tuned_are_compared_and_reported_without_being_asked_again(asked: Asked, trained: Trained) -> None:
    words = ["base", str(trained.adapter)]
    found = entrants.evaluated(asked.project, words, "exam", overrides=OVERRIDES)
    compared = comparing.compare(*found)
    assert (compared.rows, compared.base, compared.other) == (4, *words)
    surprise = compared.differences["perplexity"]
    assert surprise.rows == 3
    assert surprise.base is not None
    assert surprise.difference is not None
    assert surprise.base + surprise.difference > 1

    def told(said: str) -> None:
        assert "rows" not in said, "they have answered already"

    sheets = exporting.export(
        asked.project, words, "blind", ["me"], dataset="exam", rows=None, seed=1, wanted=False, language=None,
        folder=asked.project, overrides=OVERRIDES, watch=Watch(status=told),
    )  # fmt: skip
    assert sheets.models == ["base", "lora_sft"]
    assert sheets.questions + sum(sheets.left_out.values()) == 4

    report = gather.gather(asked.project, trained.adapter, ["exam"], overrides=OVERRIDES, watch=Watch(status=told))
    page = pages.html(report)
    assert "Say hello." in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
