"""Keys that fight: upstream's own parser refuses each of them, and the check says it. And keys that do nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from checking import SOUND, project, said
from conftest import ask_upstream

from llf_kit.checks.combinations import FIGHTING

_LORA = ("lora_rank", "lora_target")
_RUN = ("do_train", "output_dir")  # a YAML that exports or answers has none of it
_INFER = (*_RUN, "dataset", "per_device_train_batch_size", "learning_rate", "num_train_epochs")


class Case(NamedTuple):
    """What is written, and the key that is found fault with; ``late`` says that upstream ends after its parser.

    That is once a package is imported that is not here, or the model is loaded.
    """

    key: str
    changes: dict[str, Any]
    without: tuple[str, ...] = ()
    late: bool = False


CASES = [
    Case("dataset", {}, ("dataset",)),
    Case("val_size", {"val_size": 0.1, "eval_dataset": "lab", "eval_strategy": "epoch"}),
    Case("val_size", {"val_size": 0.1, "do_train": False, "do_predict": True, "predict_with_generate": True}, ("dataset",)),
    Case("eval_dataset", {"do_predict": True, "predict_with_generate": True}),
    Case("predict_with_generate", {"do_predict": True, "eval_dataset": "lab"}),
    Case("predict_with_generate", {"stage": "kto", "predict_with_generate": True, "eval_dataset": "lab"}),
    Case("compute_accuracy", {"compute_accuracy": True, "predict_with_generate": True, "eval_dataset": "lab"}),
    Case("neat_packing", {"neat_packing": True, "stage": "pt"}),
    Case("mask_history", {"mask_history": True, "stage": "pt"}),
    Case("mask_history", {"mask_history": True, "train_on_prompt": True}),
    Case("load_best_model_at_end", {"load_best_model_at_end": True, "stage": "rm", "save_strategy": "no"}),
    Case("load_best_model_at_end", {"load_best_model_at_end": True, "eval_strategy": "epoch", "val_size": 0.1}),
    Case("save_steps", {"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 30, "save_steps": 100, "val_size": 0.1}),
    Case("do_train", {"stage": "ppo", "do_train": False, "do_eval": True, "eval_dataset": "lab", "reward_model": "x"}),
    Case("reward_model", {"stage": "ppo"}),
    Case("max_steps", {"streaming": True}),
    Case("val_size", {"streaming": True, "max_steps": 5, "val_size": 0.1, "eval_strategy": "steps"}),
    Case("max_samples", {"streaming": True, "max_steps": 5, "max_samples": 3}, ("num_train_epochs",)),
    Case("interleave_probs", {"interleave_probs": "1.0"}),
    Case("interleave_probs", {"interleave_probs": "0.5,0.5", "mix_strategy": "interleave_under"}),
    Case("interleave_probs", {"interleave_probs": "1.0", "mix_strategy": "interleave_under", "eval_dataset": "lab,lab", "eval_strategy": "epoch"}),
    Case("adapter_name_or_path", {"adapter_name_or_path": "saves/x", "finetuning_type": "full"}, _LORA),
    Case("adapter_name_or_path", {"quantization_bit": 4, "adapter_name_or_path": "saves/x,saves/y"}),
    Case("create_new_adapter", {"quantization_bit": 4, "adapter_name_or_path": "saves/x", "create_new_adapter": True}),
    Case("quantization_bit", {"quantization_bit": 4, "finetuning_type": "full"}, _LORA),
    Case("quantization_bit", {"quantization_bit": 4, "export_dir": "out", "adapter_name_or_path": "saves/x"}, _INFER, late=True),
    Case("quantization_bit", {"quantization_bit": 4, "resize_vocab": True}),
    Case("quantization_bit", {"quantization_bit": 3}, late=True),
    Case("fp8", {"fp8": True, "quantization_bit": 4}),
    Case("finetuning_type", {"finetuning_type": "full", "use_dora": True}, _LORA),
    Case("finetuning_type", {"use_galore": True}),
    Case("use_galore", {"finetuning_type": "full", "use_galore": True, "use_badam": True}, _LORA),
    Case("use_llama_pro", {"finetuning_type": "full", "use_llama_pro": True}, _LORA),
    Case("deepspeed", {"deepspeed": {"zero_optimization": {"stage": 2}}, "use_galore": True, "finetuning_type": "full"}, _LORA, late=True),
    Case("deepspeed", {"deepspeed": {"zero_optimization": {"stage": 3}}, "pissa_init": True}, late=True),
    Case("gradient_accumulation_steps", {"finetuning_type": "full", "use_galore": True, "galore_layerwise": True, "gradient_accumulation_steps": 8}, _LORA, late=True),
    Case("pissa_init", {"pissa_init": True, "stage": "kto"}),
    Case("dpo_label_smoothing", {"stage": "dpo", "pref_loss": "ipo", "dpo_label_smoothing": 0.1}),
    Case("reward_model_type", {"stage": "ppo", "finetuning_type": "full", "reward_model": "x"}, _LORA),
    Case("report_to", {"stage": "ppo", "reward_model": "x", "report_to": "mlflow"}),
    Case("shift_attn", {"stage": "ppo", "reward_model": "x", "shift_attn": True}),
    Case("shift_attn", {"shift_attn": True}, late=True),
    Case("bf16", {"fp16": True, "bf16": True, "use_cpu": True}),
    Case("lr_scheduler_type", {"lr_scheduler_type": "reduce_lr_on_plateau"}),
    Case("quantization_device_map", {"quantization_bit": 4, "quantization_device_map": "auto"}),
    Case("tokenized_path", {"streaming": True, "max_steps": 5, "tokenized_path": "tokens"}, ("num_train_epochs",), late=True),
    Case("image_max_pixels", {"image_max_pixels": 10}),
    Case("infer_backend", {"infer_backend": "vllm"}),
    Case("infer_backend", {"infer_backend": "vllm", "rope_scaling": "yarn"}, _INFER),
    Case("infer_backend", {"infer_backend": "vllm", "stage": "rm"}, _INFER),
    Case("export_quantization_dataset", {"export_dir": "out", "export_quantization_bit": 4}, _INFER),
    Case("export_quantization_bit", {"export_dir": "out", "export_quantization_bit": 5, "export_quantization_dataset": "x"}, _INFER, late=True),
    Case("export_quantization_bit", {"export_dir": "out", "export_quantization_bit": 4, "export_quantization_dataset": "x", "adapter_name_or_path": "saves/x"}, _INFER, late=True),
]  # fmt: skip

UPSTREAM = """
from llamafactory.hparams import get_infer_args, get_train_args
result = []
for values in data:
    try:
        (get_train_args if "output_dir" in values else get_infer_args)(values)
        result.append("")
    except BaseException as error:
        result.append(f"{type(error).__name__}: {error}")
"""


@pytest.fixture(scope="module")
def refused() -> list[str]:
    """What upstream's parser says to each case."""
    values = [
        {key: value for key, value in {**SOUND, **one.changes}.items() if key not in one.without} for one in CASES
    ]
    answers: list[str] = ask_upstream(UPSTREAM, values)
    return answers


@pytest.mark.real
@pytest.mark.parametrize("number", range(len(CASES)))
def test_upstream_refuses_what_fights(refused: list[str], number: int) -> None:
    late = refused[number] == "" or refused[number].startswith("PackageNotFoundError")
    assert late is CASES[number].late, (CASES[number], refused[number])
    assert late or refused[number].startswith("ValueError")


@pytest.mark.parametrize("case", CASES)
def test_keys_that_fight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.chdir(tmp_path)
    path = project(tmp_path, case.changes, without=case.without)
    rules = {rule.message for rule in FIGHTING if rule.key == case.key}
    assert rules & {one.message for one in said(path, "combinations") if one.severity == "error"}


def test_no_rule_is_without_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = {
        one.message
        for case in CASES
        for one in said(project(tmp_path, case.changes, without=case.without), "combinations")
    }
    of_quantised_models = {rule.message for rule in FIGHTING if "quantised" in rule.message and "this" in rule.message}
    assert {rule.message for rule in FIGHTING} - seen == of_quantised_models


@pytest.mark.parametrize(("key", "without"), [("do_train", ("do_train",)), ("do_train", ("do_train", "output_dir"))])
def test_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, without: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = said(project(tmp_path, without=without), "combinations")
    assert (found.severity, found.hint) == ("error", "Add do_train: true.")


def test_nothing_to_evaluate_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = said(project(tmp_path, {"eval_strategy": "epoch"}), "combinations")
    assert (found.severity, found.message) == ("error", "there is nothing to evaluate on")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eval_steps": 50}, "eval_steps does nothing without eval_strategy: steps"),
        ({"val_size": 0.5}, "rows are withheld for validation, and nothing is evaluated"),
        ({"eval_dataset": "lab"}, "eval_dataset is given, and nothing is evaluated"),
        ({"warmup_ratio": 0.1, "warmup_steps": 20}, "warmup_ratio and warmup_steps are both given, and one overrides the other"),
        ({"max_steps": 20}, "max_steps overrides num_train_epochs"),
        ({"save_steps": 20, "save_strategy": "epoch"}, "save_steps does nothing with this save_strategy"),
        ({"metric_for_best_model": "loss"}, "metric_for_best_model does nothing without load_best_model_at_end"),
        ({"freeze_trainable_layers": 2}, "freeze_trainable_layers does nothing without finetuning_type: freeze"),
        ({"pref_beta": 0.1}, "pref_beta does nothing without stage: dpo or kto"),
        ({"galore_rank": 8}, "galore_rank does nothing without use_galore: true"),
    ],
)  # fmt: skip
def test_keys_that_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = said(project(tmp_path, changes), "combinations")
    assert [(one.severity, one.message) for one in found] == [("warning", message)]


def test_an_old_name_says_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = project(tmp_path, {"evaluation_strategy": "steps", "eval_steps": 5, "val_size": 0.5})
    assert said(path, "combinations") == []  # the check of keys says that it is gone


def test_keys_of_ray_do_something_where_ray_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = project(tmp_path, {"ray_num_workers": 2})
    (found,) = said(path, "combinations")
    assert (found.severity, found.message) == ("warning", "ray_num_workers does nothing without USE_RAY=1")
    monkeypatch.setenv("USE_RAY", "1")
    assert said(path, "combinations") == []


def test_a_model_that_is_quantised_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "gptq", "bits": 4}}))
    path = project(tmp_path, {"model_name_or_path": "model", "finetuning_type": "full"}, without=_LORA)
    assert [one.hint for one in said(path, "combinations")] == ["Set finetuning_type: lora."]
    path = project(
        tmp_path, {"model_name_or_path": "model", "export_dir": "out", "adapter_name_or_path": "x"}, without=_INFER
    )
    assert [one.hint for one in said(path, "combinations")] == ["Name the model that it was quantised from."]
