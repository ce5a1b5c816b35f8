"""What the check says of the rows of many small datasets, against what upstream makes of them: they agree exactly."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import ask_upstream

from llf_kit.checks import counting, rows, survey
from llf_kit.checks.subject import Subject
from llf_kit.upstream import arguments, configs
from llf_kit.upstream.dataset_entries import Dataset
from llf_kit.upstream.tokenizer import Tokenizer

pytestmark = pytest.mark.real

SEED, DATASETS = 20_240_607, 200

THROUGH_UPSTREAM = """
import contextlib, copy, datasets, io
from llamafactory.data.loader import _get_merged_dataset, _get_preprocessed_dataset
from llamafactory.data.template import TEMPLATES, get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import AutoTokenizer, Seq2SeqTrainingArguments

datasets.disable_progress_bars()
model = ModelArguments(model_name_or_path=data["model"], cache_dir=data["cache"])
training = Seq2SeqTrainingArguments(output_dir=data["cache"], use_cpu=True)
tokenizers, result = {}, {}  # a template changes its tokenizer, and settings change the template
registered = {name: copy.copy(one) for name, one in TEMPLATES.items()}
for name, stage in data["stages"].items():
    settings = data["settings"][name]
    arguments = DataArguments(dataset=name, dataset_dir=data["directory"], **settings)
    if settings["template"] not in tokenizers:
        tokenizers[settings["template"]] = AutoTokenizer.from_pretrained(data["model"])
    tokenizer = tokenizers[settings["template"]]
    TEMPLATES[settings["template"]] = copy.copy(registered[settings["template"]])
    template = get_template_and_fix_tokenizer(tokenizer, arguments)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            aligned = _get_merged_dataset([name], model, arguments, training, stage)
            ready = _get_preprocessed_dataset(aligned, arguments, training, stage, template, tokenizer)
            arguments.cutoff_len = 1 << 20
            uncut = _get_preprocessed_dataset(aligned, arguments, training, stage, template, tokenizer)
        keys = [key for key in ("input_ids", "chosen_input_ids", "rejected_input_ids") if key in ready.column_names]
        cut = sum(any(len(one[key]) != len(whole[key]) for key in keys) for one, whole in zip(ready, uncut))
        result[name] = [len(aligned), len(ready), "", cut]
    except Exception as error:
        none_left = "Cannot find valid samples" in str(error)
        result[name] = [0, 0 if none_left else None, f"{type(error).__name__}: {error}"[:200], 0]
"""

COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
FULL = {**TAGS, "observation_tag": "tool", "function_tag": "function", "system_tag": "system"}


def text(chance: random.Random, *odd: Any) -> Any:
    return chance.choice(odd) if odd and chance.random() < 0.08 else chance.choice("甲乙丙丁戊") * chance.randint(1, 9)


def alpaca(chance: random.Random) -> dict[str, Any]:
    row = {
        "instruction": text(chance, "", None),
        "input": text(chance, "", None),
        "output": text(chance, "", None, None),
        "system": chance.choice(["", "", None, "师"]),
        "history": chance.choice([[], None, [["早", "晚"]], [["早", "晚"], ["a", "b"]]]),
    }
    if chance.random() < 0.01:
        row[chance.choice(list(row))] = chance.choice([5, True, [["早"]], [["早", None]], "早晚", {"甲": "乙"}])
    if chance.random() < 0.02:
        del row[chance.choice(list(row))]
    return row


def pair(chance: random.Random) -> dict[str, Any]:
    return {"instruction": text(chance), "chosen": text(chance, None, ""), "rejected": text(chance, None, "")}


def judged(chance: random.Random) -> dict[str, Any]:
    row = {"q": text(chance), "a": text(chance, None, ""), "good": chance.random() < 0.5}
    return {**row, "good": None} if chance.random() < 0.08 else row


def turns(chance: random.Random, who: str, what: str, names: dict[str, str]) -> list[dict[str, Any]]:
    word = chance.choice(["ua", "ua", "uaua", "sua", "ufoa", "uaufoa", "au", "uau", "u", "", "uua", "su", "uaua"])
    if chance.random() < 0.9:
        word = chance.choice(["ua", "uaua", "sua", "ufoa"])
    spoken = [{who: names[letter], what: text(chance)} for letter in word]
    if spoken and chance.random() < 0.03:
        chance.choice(spoken)[who] = "stranger"
    if spoken and chance.random() < 0.02:
        chance.choice(spoken)[what] = chance.choice([None, ""])
    for turn in spoken:
        if turn[who] == names["f"]:
            turn[what] = '{"name": "lis", "arguments": {}}'
    return spoken


HUMAN = {"u": "human", "a": "gpt", "s": "system", "f": "function_call", "o": "observation"}
USER = {"u": "user", "a": "assistant", "s": "system", "f": "function", "o": "tool"}


def sharegpt(chance: random.Random) -> dict[str, Any]:
    talk = turns(chance, "from", "value", HUMAN)
    tools = chance.choice(["", "", "", None, "[]"]) if chance.random() < 0.99 else "无"
    return {
        "conversations": talk if chance.random() < 0.995 else None,
        "system": chance.choice(["", "师"]),
        "tools": tools,
    }


def openai(chance: random.Random) -> dict[str, Any]:
    return {"messages": turns(chance, "role", "content", USER)}


def ranked(chance: random.Random) -> dict[str, Any]:
    before = [{"from": HUMAN[letter], "value": text(chance)} for letter in chance.choice(["u", "uau", "u", "ua", "a"])]
    better, worse = ({"from": chance.choice(["gpt", "gpt", "gpt", "human"]), "value": text(chance)} for _ in "bw")
    return {"conversations": before, "chosen": better, "rejected": worse}


def judged_talk(chance: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {**openai(chance), "label": chance.random() < 0.5}
    return {**row, "label": None} if chance.random() < 0.02 else row


def pair_after_talk(chance: random.Random) -> dict[str, Any]:
    before = {key: value for key, value in alpaca(chance).items() if key != "output"}
    return {**before, "chosen": text(chance, None, ""), "rejected": text(chance, None, "")}


def ranked_openai(chance: random.Random) -> dict[str, Any]:
    before = [
        {"role": USER[letter], "content": text(chance)} for letter in chance.choice(["u", "su", "uau", "u", "ua"])
    ]
    better, worse = ({"role": "assistant", "content": text(chance)} for _ in "bw")
    return {"messages": before, "chosen": better, "rejected": worse}


def plain(chance: random.Random) -> dict[str, Any]:
    return {"text": text(chance, "")}


TALK = {"messages": "conversations", "system": "system", "tools": "tools"}
KINDS: list[tuple[Any, dict[str, Any], str]] = [
    (alpaca, {"columns": COLUMNS}, "sft"),
    (alpaca, {"columns": {"prompt": "instruction", "response": "output"}}, "sft"),
    (alpaca, {"columns": {**COLUMNS, "response": "outptu"}}, "sft"),
    (alpaca, {}, "sft"),
    (pair, {"ranking": True, "columns": {"prompt": "instruction", "chosen": "chosen", "rejected": "rejected"}}, "rm"),
    (judged, {"columns": {"prompt": "q", "response": "a", "kto_tag": "good"}}, "kto"),
    (judged, {"columns": {"prompt": "q", "response": "a", "kto_tag": "good"}}, "sft"),
    (sharegpt, {"formatting": "sharegpt", "columns": TALK}, "sft"),
    (sharegpt, {"formatting": "sharegpt"}, "sft"),
    (openai, {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": FULL}, "sft"),
    (openai, {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": TAGS}, "sft"),
    (openai, {"formatting": "openai", "columns": {"messages": "messages"}, "tags": FULL}, "sft"),
    (openai, {"formatting": "sharegpt", "columns": {"messages": "messages"}}, "sft"),
    (
        ranked,
        {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        },
        "rm",
    ),
    (plain, {"columns": {"prompt": "text"}}, "pt"),
    (
        judged_talk,
        {"formatting": "sharegpt", "columns": {"messages": "messages", "kto_tag": "label"}, "tags": FULL},
        "kto",
    ),
    (
        pair_after_talk,
        {
            "ranking": True,
            "columns": {
                **{role: name for role, name in COLUMNS.items() if role != "response"},
                "chosen": "chosen",
                "rejected": "rejected",
            },
        },
        "rm",
    ),
    (
        ranked_openai,
        {
            "formatting": "openai",
            "ranking": True,
            "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
            "tags": FULL,
        },
        "rm",
    ),
    (alpaca, {"columns": COLUMNS}, "ppo"),
    (sharegpt, {"formatting": "sharegpt", "columns": TALK}, "ppo"),
]
TEMPLATES = ("chatml", "qwen3", "llama2", "gemma", "default", "breeze", "vicuna", "glm4")


def settings(chance: random.Random, stage: str) -> dict[str, Any]:
    """Keys of a YAML that decide upon what is left of a row."""
    made: dict[str, Any] = {"template": chance.choice(TEMPLATES), "cutoff_len": chance.choice([24, 64, 64, 200])}
    if stage == "sft":
        made |= {"mask_history": True} if chance.random() < 0.3 else {}
        if "mask_history" not in made and made["template"] not in (
            "breeze",
            "glm4",
        ):  # which ends with an end token: upstream refuses
            made |= {"train_on_prompt": True} if chance.random() < 0.3 else {}
    made |= {"enable_thinking": False} if chance.random() < 0.3 else {}
    made |= {"default_system": "师"} if chance.random() < 0.2 else {}
    return {**made, "packing": False} if stage == "pt" else made


def written(path: Path, kind: str, data: list[dict[str, Any]]) -> str:
    """The name of the file that the rows are written into: of ``kind``, if it can hold them."""
    flat = all(isinstance(value, str | bool) and value for row in data for value in row.values())
    if kind == "parquet":
        try:
            pl.DataFrame(data, infer_schema_length=None).write_parquet(path.with_suffix(".parquet"))
            return f"{path.name}.parquet"
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):  # not of one type
            kind = "json"
    if kind == "csv" and flat:
        pl.DataFrame(data).write_csv(path.with_suffix(".csv"))
        return f"{path.name}.csv"
    lines = [json.dumps(row, ensure_ascii=False) for row in data]
    if kind == "json":
        path.with_suffix(".json").write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")
        return f"{path.name}.json"
    path.with_suffix(".jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"{path.name}.jsonl"


def special() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]]:
    """What chance hardly makes: the first thousand rows decide upon types, and dates are no texts."""
    row = {"instruction": "甲", "input": "", "output": "乙", "system": None, "history": []}
    full = {"columns": COLUMNS}
    return {
        "late_system": (full, [*[row] * 1000, {**row, "system": "师"}], "sft"),
        "late_system_999": (full, [*[row] * 999, {**row, "system": "师"}, row], "sft"),
        "late_answers": (full, [*[{**row, "output": None}] * 1000, row], "sft"),
        "dates": (full, [{**row, "output": "2024-05-01"}, {**row, "output": "2024-05-01 10:00:00"}], "sft"),
        "days_of_dates": (full, [{**row, "output": "2024-05-01"}] * 3, "sft"),
        "asked_dates": (full, [{**row, "instruction": "2024-05-01T10:00:00Z"}] * 3, "sft"),
        "no_dates": (full, [{**row, "output": "2024-05-01"}, {**row, "output": "甲"}], "sft"),
    }


def truncated(here: Path, name: str, stage: str, model: Path, keys: dict[str, Any]) -> int | None:
    """How many rows lose tokens, by the check of tokens; None where it does not know the text of some."""
    values = {"model_name_or_path": str(model), "stage": stage, "do_train": True, "dataset": name}
    path = here / f"{name}.yaml"
    path.write_text(json.dumps({**values, "dataset_dir": str(here), **keys}))  # JSON is YAML
    subject = Subject(configs.load(path), arguments.schema())
    template = counting.configured(subject)
    assert template is not None
    counts = counting.count(subject, template, Tokenizer(model, template))
    return (
        None if counts.uncounted else sum(whole != kept for whole, kept in zip(counts.whole, counts.kept, strict=True))
    )


def test_the_check_foretells_what_upstream_keeps_drops_and_ends_at(smollm2: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    made = special()
    for number in range(DATASETS):
        make, entry, stage = KINDS[number % len(KINDS)]
        size = chance.choice([1, 2, 3, 5, 8, 12])
        made[f"{make.__name__}_{number}"] = (entry, [make(chance) for _ in range(size)], stage)
    entries, keys = {}, {}
    for name, (entry, data, stage) in made.items():
        kind = "jsonl" if name in special() else chance.choice(["jsonl", "jsonl", "json", "parquet", "csv"])
        entries[name] = {**entry, "file_name": written(tmp_path / name, kind, data)}
        keys[name] = settings(chance, stage)
    (tmp_path / "dataset_info.json").write_text(json.dumps(entries))
    stages = {name: stage for name, (_, _, stage) in made.items()}
    asked = {"stages": stages, "directory": str(tmp_path), "cache": str(tmp_path / "cache"), "model": str(smollm2)}
    seen: dict[str, Any] = ask_upstream(THROUGH_UPSTREAM, {**asked, "settings": keys})

    foretold = {}
    for name, stage in stages.items():
        entry = entries[name]
        found = survey.survey(Dataset(name, "dataset", entry, tmp_path / entry["file_name"]), stage)
        foretold[name] = rows.kept(found, stage)
    wrong = [(entries[n], foretold[n], seen[n], made[n]) for n in stages if foretold[n] != seen[n][1]]
    assert not wrong, wrong[:3]
    outcomes = [kept for _, kept, _, _ in seen.values()]
    assert outcomes.count(None) > 20 and sum(bool(kept) for kept in outcomes) > 50  # the generator makes both

    cut = {n: truncated(tmp_path, n, stages[n], smollm2, keys[n]) for n, kept in foretold.items() if kept}
    wrong_cuts = [(n, keys[n], number, seen[n][3]) for n, number in cut.items() if number not in (None, seen[n][3])]
    assert not wrong_cuts, wrong_cuts
    assert sum(bool(number) for number in cut.values()) > 20
