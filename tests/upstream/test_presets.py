"""Which key of a YAML lands in which widget of the board, and that a training started there is the YAML's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ask_upstream

from llf_kit.upstream import arguments, presets, widgets
from llf_kit.upstream.configs import Config

Tree = Callable[[dict[str, Any]], Path]

TRAIN = {
    "model_name_or_path": "Qwen/Qwen2-1.5B-Instruct",
    "template": "qwen",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "dataset": "lab",
    "dataset_dir": ".",
    "output_dir": "saves/lora",
}


def make(values: dict[str, Any], **given: Any) -> presets.Preset:
    config = Config(Path("train.yaml"), (), values, ())
    return presets.make(config, arguments.schema(), widgets.board(), name="train", **given)


def extra(made: presets.Preset, tab: str = "train") -> Any:
    return json.loads(made.values[f"{tab}.extra_args"])


@pytest.mark.parametrize(
    ("values", "widget", "shown"),
    [
        ({"learning_rate": 1e-4}, "train.learning_rate", "1e-4"),
        ({"learning_rate": 0.002}, "train.learning_rate", "0.002"),
        ({"num_train_epochs": 3}, "train.num_train_epochs", "3"),
        ({"per_device_train_batch_size": 4}, "train.batch_size", 4),
        ({"cutoff_len": 640}, "train.cutoff_len", 640),
        ({"logging_steps": 10, "save_steps": 25}, "train.save_steps", 25),  # between two notches of the slider
        ({"val_size": 0.1}, "train.val_size", 0.1),
        ({"neftune_noise_alpha": 5}, "train.neftune_alpha", 5),
        ({"pissa_init": True}, "train.use_pissa", True),
        ({"lora_target": "q_proj,v_proj"}, "train.lora_target", "q_proj,v_proj"),
        ({"lora_target": ["q_proj", "v_proj"]}, "train.lora_target", "q_proj,v_proj"),
        ({"lora_rank": 16}, "train.lora_alpha", 32),  # upstream's own rule where it is left out
        ({"lora_rank": 16, "lora_alpha": 16}, "train.lora_alpha", 16),
        ({"stage": "dpo", "pref_beta": 0.2}, "train.training_stage", "DPO"),
        ({"stage": "dpo", "pref_beta": 0.2}, "train.pref_beta", 0.2),
        ({"stage": "pt"}, "train.packing", True),
        ({"stage": "pt", "packing": False}, "train.packing", False),
        ({"dataset": "a, b"}, "train.dataset", ["a", "b"]),
        ({"quantization_bit": 4}, "top.quantization_bit", "4"),
        ({"flash_attn": "fa2"}, "top.booster", "flashattn2"),
        ({"enable_liger_kernel": True}, "top.booster", "liger_kernel"),
        ({"bf16": True}, "train.compute_type", "bf16"),
        ({"bf16": False}, "train.compute_type", "fp32"),
        ({"pure_bf16": True}, "train.compute_type", "pure_bf16"),
        ({"adapter_name_or_path": "saves/a,b"}, "top.checkpoint_path", ["saves/a", "./b"]),
        ({"enable_thinking": False}, "infer.enable_thinking", False),
        ({"default_system": "be brief"}, "infer.system", "be brief"),
        ({"eval_dataset": "held"}, "eval.dataset", ["held"]),
        ({"per_device_eval_batch_size": 3}, "eval.batch_size", 3),
        ({"use_galore": True, "galore_rank": 8}, "train.galore_rank", 8),
        ({"report_to": "tensorboard"}, "train.report_to", "tensorboard"),
    ],
)
def test_a_key_lands_in_its_widget(values: dict[str, Any], widget: str, shown: Any) -> None:
    made = make({**TRAIN, **values})
    assert made.values[widget] == shown
    stated = {key for key in values if key not in ("default_system", "eval_dataset", "per_device_eval_batch_size")}
    assert not stated & extra(made).keys()


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"warmup_ratio": 0.1, "seed": 7}, {"warmup_ratio": 0.1, "seed": 7}),
        ({"save_steps": 5}, {"save_steps": 5}),  # the slider begins at 10
        ({"val_size": 50}, {"val_size": 50}),  # a number of rows; the slider ends at 1
        ({"flash_attn": "sdpa"}, {"flash_attn": "sdpa"}),
        ({"pref_loss": "unheard"}, {"pref_loss": "unheard"}),
        ({"eval_strategy": "epoch", "eval_dataset": "held"}, {"eval_strategy": "epoch", "eval_dataset": "held"}),
        ({"deepspeed": "z2.json"}, {"deepspeed": "z2.json"}),
        ({"dataloader_pin_memory": False}, {"dataloader_pin_memory": 0}),  # the board drops a false
        ({"project": "mine"}, {"project": "mine"}),  # the board shows that widget and does not read it
        ({"plot_loss": True, "trust_remote_code": True}, {}),  # the board says it by itself
        ({"overwrite_output_dir": True}, {}),
        ({"seed": None}, {}),
    ],
)
def test_what_has_no_widget_is_an_extra_argument(values: dict[str, Any], left: dict[str, Any]) -> None:
    made = make({**TRAIN, **values})
    assert extra(made) == made.extra == left


def test_what_the_yaml_leaves_out_is_as_upstream_has_it_not_as_the_board() -> None:
    shown = make(TRAIN).values
    told = ("train.gradient_accumulation_steps", "train.lr_scheduler_type", "train.compute_type", "train.max_samples")
    assert [shown[one] for one in told] == [1, "linear", "fp32", "100000000"]
    assert "train.logging_steps" not in shown and "train.save_steps" not in shown


def test_a_model_that_upstream_lists_has_its_name_and_any_other_that_of_its_folder() -> None:
    known = make({**TRAIN, "model_name_or_path": "/models/Qwen2-1.5B-Instruct"})
    assert (known.label, known.listed) == ("Qwen2-1.5B-Instruct", True)
    assert known.values["top.model_path"] == "/models/Qwen2-1.5B-Instruct"
    own = make({**TRAIN, "model_name_or_path": "models/our merged"})
    assert (own.label, own.listed) == ("ourmerged", False)
    assert own.saved()["top.model_name"] == "Custom" and "top.model_path" not in own.saved()
    assert not [key for key in own.saved() if not key.startswith(("top.", "train."))]


def test_without_a_template_it_is_left_to_upstream_wherever_there_is_a_box() -> None:
    made = make({key: value for key, value in TRAIN.items() if key != "template"})
    assert "top.template" not in made.values
    assert extra(made) == extra(made, "export") == {"template": None}
    assert extra(made, "infer") == {"vllm_enforce_eager": True, "template": None}


def test_the_prepared_test_part_is_chosen_for_the_evaluation() -> None:
    assert make(TRAIN, datasets={"lab", "lab_test"}).values["eval.dataset"] == ["lab_test"]
    assert make(TRAIN, datasets={"lab"}).values["eval.dataset"] == ["lab"]
    assert make(TRAIN, system="be brief").values["infer.system"] == "be brief"


def test_yamls_for_other_tabs() -> None:
    base = {key: TRAIN[key] for key in ("model_name_or_path", "template")} | {"adapter_name_or_path": "saves/lora"}
    chat = make({**base, "infer_backend": "huggingface", "do_sample": False, "temperature": 0.2})
    assert chat.values["infer.temperature"] == 0.2
    assert extra(chat, "infer") == {"vllm_enforce_eager": True, "do_sample": False}
    assert "train.extra_args" not in chat.values and "train.learning_rate" not in chat.values
    merge = make({**base, "export_dir": "models/lab", "export_size": 2, "export_device": "auto", "infer_dtype": "auto"})
    assert [merge.values[f"export.{one}"] for one in ("export_dir", "export_size", "export_device")] == [
        *("models/lab", 2, "auto"),
    ]
    assert extra(merge, "export") == {"infer_dtype": "auto"}
    values = {"do_predict": True, "eval_dataset": "held", "stage": "sft", "do_sample": False, "cutoff_len": 512}
    asked = make({**base, **values, "output_dir": "saves/p", "predict_with_generate": True})
    assert (asked.values["eval.dataset"], asked.values["eval.cutoff_len"]) == (["held"], 512)
    assert asked.left_out == ("do_sample",) and not asked.extra


def test_a_board_that_lacks_a_widget_gets_the_key_as_an_extra_argument() -> None:
    board = {key: one for key, one in widgets.board().items() if key != "train.lora_rank"}
    config = Config(Path("train.yaml"), (), {**TRAIN, "lora_rank": 4}, ())
    made = presets.make(config, arguments.schema(), board, name="train")
    assert "train.lora_rank" not in made.values and extra(made) == {"lora_rank": 4}


def test_without_a_board_that_can_be_read_the_newest_known_one_stands_in(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = widgets.board()
    if arguments.schema().llamafactory == list(arguments.snapshots())[-1]:
        assert widgets.shipped() == real
        assert widgets.SNAPSHOT.read_text(encoding="utf-8") == widgets.dump(real)
    here = tree({"llamafactory/__init__.py": ""})
    for texts in ({}, {"webui/components/top.py": "("}, {f"webui/components/{one}.py": "" for one in FILES}):
        tree({f"llamafactory/{name}": text for name, text in texts.items()})
        monkeypatch.setattr(widgets, "find_spec", lambda _: SimpleNamespace(origin=str(here / "llamafactory/x.py")))
        assert widgets.board() == widgets.shipped()


FILES = ("top", "train", "eval", "infer", "chatbot", "export")


@pytest.mark.parametrize(
    ("widget", "value", "taken"),
    [
        (widgets.Widget("Slider", 0, 10), 10, 10),
        (widgets.Widget("Slider", 0, 10), 11, None),
        (widgets.Widget("Slider", 0, 10), True, None),
        (widgets.Widget("Slider", 0, 10), "5", None),
        (widgets.Widget("Checkbox"), "false", None),
        (widgets.Widget("Dropdown", choices=("a",)), "b", None),
        (widgets.Widget("Dropdown", choices=("a",), free=True), "b", "b"),
        (widgets.Widget("Dropdown"), "b", "b"),
        (widgets.Widget("Textbox"), {"a": 1}, None),
        (widgets.Widget("Textbox"), 1.5e-5, "1.5e-5"),
        (widgets.Widget("Button"), "a", None),
    ],
)
def test_what_a_widget_takes(widget: widgets.Widget, value: Any, taken: Any) -> None:
    assert widget.fit(value) == taken


REAL = """
import gradio
from llamafactory.extras import constants
from llamafactory.webui import interface, engine
made = []
class Engine(engine.Engine):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        made.append(self)
interface.Engine = Engine
interface.create_ui()
result = {"stages": constants.TRAINING_STAGES, "widgets": {}}
for key, one in made[0].manager._id_to_elem.items():
    choices = [value for _, value in one.choices] if getattr(one, "choices", None) else None
    bounds = [one.minimum, one.maximum] if isinstance(one, gradio.Slider) else [None, None]
    result["widgets"][key] = [type(one).__name__, *bounds, choices]
"""


@pytest.mark.real
def test_the_widgets_are_read_as_the_board_makes_them(project: Path) -> None:
    told = ask_upstream(REAL, None)
    assert {label: stage for stage, label in presets.STAGES.items()} == told["stages"]
    read = widgets.board()
    assert {key for key in told["widgets"] if key.split(".")[0] not in ("head", "footer")} - read.keys() == {
        *(f"{tab}.{name}" for tab in ("train", "eval") for name in PREVIEW),
        *(f"train.{name}_tab" for name in TABS),
        *("infer.chat_box", "infer.mm_box"),
    }
    for key, widget in read.items():
        kind, low, high, choices = told["widgets"][key]
        assert widget.kind == kind, key
        if (widget.low, widget.high) != (None, None):
            assert (widget.low, widget.high) == (low, high), key
        if widget.choices:
            assert list(widget.choices) == choices, key


PREVIEW = ("data_preview_btn", "preview_count", "page_index", "prev_btn", "next_btn", "close_btn", "preview_samples")
TABS = ("extra", "freeze", "lora", "rlhf", "mm", "galore", "apollo", "badam", "swanlab")

STARTED = """
import yaml
from dataclasses import fields
from llf_kit.upstream import board
from llamafactory.hparams.parser import get_train_args

def parsed(args):
    model, data, training, finetuning, generating = get_train_args(args)
    def said(value):
        value = getattr(value, "value", value)
        return repr(int(value) if isinstance(value, bool) else value)
    return {f"{type(one).__name__}.{field.name}": said(getattr(one, field.name, None))
            for one in (model, data, training, finetuning, generating) for field in fields(one)}

result = []
for case in data:
    demo, engine = board.build(case["request"])
    page = {element: element.value for element in engine.manager.get_elem_list() if hasattr(element, "value")}
    page[engine.manager.get_elem_by_id("train.output_dir")] = "train_now"
    page[engine.manager.get_elem_by_id("top.lang")] = "en"
    args = engine.runner._parse_train_args(page)
    from llamafactory.webui.common import _clean_cmd
    started, meant = parsed(yaml.safe_load(yaml.safe_dump(_clean_cmd(args)))), parsed(case["values"])
    result.append({key: [meant[key], started[key]] for key in meant if meant[key] != started[key]})
"""

# What differs is where and how often something is written, and how fast rows are read.
APART = {
    *("TrainingArguments.output_dir", "TrainingArguments.logging_dir", "TrainingArguments.run_name"),
    *("TrainingArguments.logging_steps", "TrainingArguments.save_steps", "TrainingArguments.ddp_timeout"),
    *("TrainingArguments.include_num_input_tokens_seen", "TrainingArguments.per_device_eval_batch_size"),
    *("DataArguments.max_samples", "DataArguments.preprocessing_num_workers"),
    *("FinetuningArguments.plot_loss", "ModelArguments.trust_remote_code", "ModelArguments.model_max_length"),
    "ModelArguments.cache_dir",
}


@pytest.mark.real
def test_a_training_that_is_started_on_the_page_is_the_one_of_the_yaml(smollm2: Path, project: Path) -> None:
    base = {**TRAIN, "model_name_or_path": str(smollm2), "template": "smollm2"}
    cases = [
        base,
        {key: value for key, value in base.items() if key != "template"},
        {
            **base,
            "lora_rank": 4,
            "lora_dropout": 0.05,
            "learning_rate": 2e-4,
            "num_train_epochs": 2.0,
            "packing": True,
            "per_device_train_batch_size": 3,
            "cutoff_len": 333,
            "warmup_ratio": 0.1,
            "lr_scheduler_type": "cosine",
            "val_size": 0.1,
            "eval_strategy": "epoch",
            "per_device_eval_batch_size": 5,
            "seed": 7,
            "dataloader_pin_memory": False,
            "optim": "adamw_torch",
            "save_steps": 5,
            "max_samples": 50,
        },
        {**base, "stage": "dpo", "pref_beta": 0.2, "eval_dataset": "held", "eval_strategy": "steps", "eval_steps": 7},
        {**base, "stage": "pt", "finetuning_type": "full", "max_steps": 3, "packing": True},
        {**base, "finetuning_type": "freeze", "freeze_trainable_layers": 3, "neftune_noise_alpha": 2.5},
    ]
    told = ask_upstream(STARTED, [{"values": one, "request": _request(make(one))} for one in cases])
    for case, apart in zip(cases, told, strict=True):
        stated = {key for key in apart if key.split(".")[1] in case.keys() - {"output_dir"}}
        assert not {key: said for key, said in apart.items() if key not in APART or key in stated}, case


def _request(made: presets.Preset) -> dict[str, Any]:
    return {"label": made.label, "path": made.path, "template": made.template, "values": made.values}


PRECISION = """
import torch
from llamafactory.extras import misc
from llf_kit.upstream.board import _precision

cases = [("bf16", None), ("bf16", '{"use_cpu": true}'), ("fp16", "{}"), ("fp32", None), (None, None)]
here = [_precision(*case) for case in cases]
misc.is_accelerator_available = torch.cuda.is_available = lambda: True  # a GPU of before 2020
torch.cuda.is_bf16_supported = lambda **_: False
result = [here, [_precision(*case) for case in cases]]
"""


@pytest.mark.real
def test_the_precision_is_one_of_this_machines(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    without, old = ask_upstream(PRECISION, None)
    fp16, fp32 = ({"train.compute_type": one} for one in ("fp16", "fp32"))
    assert without == [fp32, {}, fp32, {}, {}]
    assert old == [fp16, {}, {}, {}, {}]
