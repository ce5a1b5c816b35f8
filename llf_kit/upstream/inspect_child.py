"""What :mod:`.child` answers for ``llf-kit inspect``: a line a row.

It goes through upstream's own loader, converter, template and tokenizer. It imports nothing of llf-kit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

IGNORED = -100  # the label of a token that is not trained on
_UNCUT = 1 << 30


def answer_all(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One answer a row, the first ``rows`` of them with their tokens as texts."""
    from llamafactory.data import loader
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments, ModelArguments
    from llamafactory.model import load_tokenizer

    values = request["values"]
    model = ModelArguments(**_fields(ModelArguments, values))
    data = DataArguments(**_fields(DataArguments, values))
    module = load_tokenizer(model)
    tokenizer, processor = module["tokenizer"], module["processor"]
    template = get_template_and_fix_tokenizer(tokenizer, data)
    model.cache_dir = request["cache"]  # after the tokenizer: the rows are copied there, and vanish with it
    data.packing = data.neat_packing = data.streaming = False  # a row at a time
    stage = request["stage"]
    run = SimpleNamespace(local_process_index=0, dataloader_num_workers=0, should_log=False, seed=42)
    aligned = loader._get_merged_dataset([request["name"]], model, data, run, stage)
    generates = bool(values.get("predict_with_generate")) and stage == "sft"
    shape = loader._get_dataset_processor(data, stage, template, tokenizer, processor, do_generate=generates)
    cutoff = data.cutoff_len
    yield {"cutoff_len": cutoff, "rows": len(aligned)}
    for number, row in enumerate(aligned):
        one = {key: [value] for key, value in row.items()}
        made = shape.preprocess_dataset(one)
        if not made or not made["input_ids" if "input_ids" in made else "chosen_input_ids"]:
            yield {"row": number, "kept": False}
            continue
        views = list(_views(made, stage, generates))
        lengths = [len(ids) for _, ids, _ in views]
        cut = False
        if sum(lengths) >= cutoff // 2:  # only these may have lost something
            data.cutoff_len = _UNCUT
            whole = [len(ids) for _, ids, _ in _views(shape.preprocess_dataset(one), stage, generates)]
            data.cutoff_len = cutoff
            cut = whole != lengths
        answer: dict[str, Any] = {
            "row": number,
            "kept": True,
            "cut": cut,
            "tokens": max(lengths),
            "trained": max(sum(label != IGNORED for label in labels) for _, _, labels in views),
        }
        if number < request["rows"]:
            answer["views"] = [{"name": name, "pieces": _pieces(tokenizer, ids, labels)} for name, ids, labels in views]
        yield answer


def _fields(kind: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in dataclasses.fields(kind) if field.init and field.name in values}


def _views(made: Any, stage: str, generates: bool) -> Iterator[tuple[str, list[int], list[int]]]:
    """What a row is trained on: name, tokens and labels; a pair has two."""
    if "chosen_input_ids" in made:
        for name in ("chosen", "rejected"):
            yield name, made[f"{name}_input_ids"][0], made[f"{name}_labels"][0]
    elif "labels" not in made:  # a plain text: every token
        yield "text", made["input_ids"][0], made["input_ids"][0]
    elif generates or stage == "ppo":  # the question is shown, and the answer compared
        question, answer = made["input_ids"][0], made["labels"][0]
        yield "question and expected answer", question + answer, [IGNORED] * len(question) + answer
    else:
        tags = made.get("kto_tags")
        name = "row" if not tags else "desirable" if tags[0] else "undesirable"
        yield name, made["input_ids"][0], made["labels"][0]


def _pieces(tokenizer: Any, ids: list[int], labels: list[int]) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is trained on."""
    pieces: list[tuple[list[int], bool]] = []
    for token, label in zip(ids, labels, strict=True):
        trained = label != IGNORED
        if not pieces or pieces[-1][1] != trained:
            pieces.append(([], trained))
        pieces[-1][0].append(token)
    return [(tokenizer.decode(tokens, skip_special_tokens=False), trained) for tokens, trained in pieces]
