"""What :mod:`.child` answers for :mod:`.likelihood`: a line a row.

Upstream's own arguments, loader, template, tokenizer and model. It imports nothing of llf-kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

IGNORED = -100  # the label of a token that is not part of an answer


def answer_all(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A line for each row: ``loss`` (the sum over the tokens of its answers), ``tokens``, and ``options``."""
    import torch
    from llamafactory.data import loader
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_model, load_tokenizer

    model_args, data, run, finetuning, _ = get_train_args(request["values"])
    module = load_tokenizer(model_args)
    tokenizer, processor = module["tokenizer"], module["processor"]
    template = get_template_and_fix_tokenizer(tokenizer, data)
    model = load_model(tokenizer, model_args, finetuning, is_trainable=False)
    if run.fp16_full_eval or run.bf16_full_eval:
        model = model.to(dtype=torch.float16 if run.fp16_full_eval else torch.bfloat16)
    model.eval()
    model_args.cache_dir = request["cache"]  # after the model: the rows are copied there, and vanish with it
    data.packing = data.neat_packing = data.streaming = False
    aligned = loader._get_merged_dataset(data.eval_dataset, model_args, data, run, "sft")
    shape = loader._get_dataset_processor(data, "sft", template, tokenizer, processor, do_generate=False)
    for row, letters in zip(aligned, request["letters"], strict=True):
        made = shape.preprocess_dataset({key: [value] for key, value in row.items()})
        if not made:
            yield {"loss": None, "tokens": 0, "options": None}
            continue
        ids, labels = made["input_ids"][0], made["labels"][0]
        places = [place for place in range(1, len(ids)) if labels[place] != IGNORED]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids], device=model.device)).logits[0]
            before = torch.tensor([place - 1 for place in places], device=logits.device)
            logs = torch.log_softmax(logits[before].float(), dim=-1)
        wanted = torch.tensor([labels[place] for place in places], device=logits.device)
        loss = -logs.gather(1, wanted[:, None]).sum().item()
        yield {
            "loss": loss,
            "tokens": len(places),
            "options": _options(tokenizer, letters, places, ids, logs) if letters and places else None,
        }


def _options(tokenizer: Any, letters: str, places: list[int], ids: list[int], logs: Any) -> dict[str, float] | None:
    """The probability of each letter where the last answer gives its own; together they make one."""
    import torch

    tokens = [tokenizer.encode(letter, add_special_tokens=False) for letter in letters]
    if any(len(one) != 1 for one in tokens):
        return None
    numbers = [one[0] for one in tokens]
    last = len(places) - 1
    while last and places[last - 1] == places[last] - 1:
        last -= 1
    given = next((at for at in range(last, len(places)) if ids[places[at]] in numbers), last)
    shares = torch.softmax(logs[given][numbers], dim=-1)
    return dict(zip(letters, shares.tolist(), strict=True))
