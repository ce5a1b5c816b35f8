"""A tuned model by its run alone: what is taken from the record, and which models are refused before one is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import making
import pytest
from conftest import Result

from llf_kit.errors import ConfigError
from llf_kit.upstream import arguments, configs, models, record, serving, tuned
from llf_kit.upstream.dataset_entries import named
from llf_kit.upstream.system_prompt import SystemPrompt, trained_with

Build = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

SYSTEM = {"text": "你是检验科专家。", "rows": 4, "of": 4}


def trained(tree: Build, config: dict[str, Any] | None = None, **facts: Any) -> Path:
    """A base and a run of it in ``saves/lab``, with an adapter and two checkpoints."""
    tree({**making.model("base"), **making.adapter("saves/lab"), **making.adapter("saves/lab/checkpoint-2")})
    facts = {"system": SYSTEM, "base": models.fingerprint(Path("base")), **facts}
    tree(making.run("saves/lab", config, **facts))
    return Path("saves/lab")


def test_a_run_answers_as_it_was_trained(tree: Build) -> None:
    place = trained(tree, {"enable_thinking": False, "quantization_bit": 4, "dataset": "lab", "learning_rate": 1e-4})
    found = tuned.find(place, ["max_new_tokens=8"])
    assert found.config.values == {
        "model_name_or_path": "base",
        "adapter_name_or_path": "saves/lab",
        "finetuning_type": "lora",
        "template": "chatml",
        "default_system": "你是检验科专家。",
        "enable_thinking": False,
        "quantization_bit": 4,
        "infer_backend": "huggingface",
        "do_sample": False,
        "max_new_tokens": 8,
    }
    assert found.notes == ()
    tuned.verify(found)
    leaves = tuned.find(place, leaves=True).config.values
    assert not {"quantization_bit", "do_sample", "infer_backend"} & leaves.keys()


def test_every_key_that_is_taken_is_one_of_upstreams() -> None:
    known = arguments.schema().arguments
    assert {*tuned.CONVERSATION, *tuned.MODEL, *tuned._ANSWERS} <= known.keys()


def test_a_checkpoint_and_a_full_training_and_a_merged_model(tree: Build) -> None:
    trained(tree)
    assert tuned.find(Path("saves/lab/checkpoint-2")).adapters == ["saves/lab/checkpoint-2"]
    tree({**making.model("saves/full"), **making.run("saves/full", {"finetuning_type": "full"})})
    full = tuned.find(Path("saves/full"))
    assert full.config.values["model_name_or_path"] == "saves/full" and not full.adapters
    merged = {"template": "chatml", "default_system": "一", "adapter_name_or_path": "saves/lab"}
    tree({**making.model("merged"), **making.run("merged", merged, command="export")})
    found = tuned.find(Path("merged"))
    assert found.config.values["default_system"] == "一"
    assert found.config.values["model_name_or_path"] == "merged" and not found.adapters


@pytest.mark.parametrize(
    ("new", "before", "now"),
    [(True, "one,two", "one,two,saves/lab"), (None, "one,two", "one,saves/lab"), (None, "one", "saves/lab")],
)
def test_adapters_below_the_one_that_was_trained_stay(tree: Build, new: bool | None, before: str, now: str) -> None:
    place = trained(tree, {"adapter_name_or_path": before, "create_new_adapter": new})
    assert tuned.find(place).config.values["adapter_name_or_path"] == now


def test_what_holds_no_model_is_refused_with_a_reason(tree: Build) -> None:
    tree({**making.run("stopped", status="stopped"), **making.run("rm", {"stage": "rm"})})
    tree({**making.run("predict", {"do_train": None}), **making.run("half", command="export", status="running")})
    tree({"bare/x": ""})
    for name, says in {
        "stopped": "holds no model: the training is stopped. Finish it with --resume",
        "rm": "is a reward model",
        "predict": "is no training",
        "half": "its export is running. Export it again",
        "bare": "there is no run record",
        "nowhere": "there is no such file or folder",
    }.items():
        with pytest.raises(ConfigError, match=says):
            tuned.find(Path(name))


def test_a_yaml_gets_from_the_record_what_it_leaves_out(tree: Build) -> None:
    trained(tree, {"enable_thinking": False})
    given = {"model_name_or_path": "base", "adapter_name_or_path": "saves/lab", "template": "qwen"}
    tree({"chat.yaml": json.dumps(given)})
    found = tuned.find(Path("chat.yaml"))
    assert found.config.values == {**given, "default_system": "你是检验科专家。", "enable_thinking": False}
    assert list(found.notes) == [
        "chat.yaml: template is another than in training; the one that is given is taken",
        "chat.yaml: as in saves/lab/llf-kit-run.json: default_system, enable_thinking",
    ]
    tree({"own.yaml": json.dumps({**given, "template": "chatml", "default_system": "", "enable_thinking": False})})
    assert tuned.find(Path("own.yaml")).config.values["default_system"] == ""
    tree({"base.yaml": json.dumps({"model_name_or_path": "base", "template": "chatml"})})
    assert tuned.find(Path("base.yaml")).notes == ()


def test_values_reach_upstream_unchanged(tree: Build) -> None:
    from omegaconf import OmegaConf

    said = "第一行\n\"引号\" \\ ${lr} {{x}} '：'"
    place = trained(tree, system={"text": said, "rows": 4, "of": 4})
    handed = configs.written(tuned.find(place, ["max_new_tokens=9", "model_revision='1e-4'"]).config, Path("a.yaml"))
    read = OmegaConf.to_container(OmegaConf.load("a.yaml"), resolve=True)
    assert read == handed.values and read["default_system"] == said
    assert Path("a.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("systems", "values", "expected"),
    [
        (["一"] * 3, {}, SystemPrompt("一", 3, 3)),
        ([""] * 3, {}, SystemPrompt("", 3, 3)),
        (["一", "二", "一"], {}, SystemPrompt("一", 2, 3)),
        (["病例一", "病例二", "病例三"], {}, SystemPrompt("", 1, 3)),
        (["一", "二", "二"], {"max_samples": 1}, SystemPrompt("一", 1, 1)),
        (["一"], {"stage": "pt"}, SystemPrompt()),
    ],
)
def test_the_system_prompt_of_the_rows(
    tree: Build, systems: list[str], values: dict[str, Any], expected: SystemPrompt
) -> None:
    columns = {"prompt": "instruction", "response": "output", "system": "system"}
    rows = [{"instruction": "问", "output": "答", "system": system} for system in systems]
    dropped = {"instruction": "问", "output": None, "system": "没有回答"}
    info = {"lab": {"file_name": "lab.jsonl", "columns": columns}}
    tree({"lab.jsonl": [*rows, dropped], "dataset_info.json": json.dumps(info)})
    assert trained_with(values, list(named({"dataset": "lab"}, Path()))) == expected


def test_several_system_prompts_are_said(tree: Build) -> None:
    found = tuned.find(trained(tree, system={"text": "一", "rows": 3, "of": 4}))
    assert (
        "the rows of the training have several system prompts; the commonest is taken (3 of 4 rows)" in found.notes[0]
    )
    found = tuned.find(trained(tree, {"default_system": "默认"}, system={"text": "", "rows": 1, "of": 4}))
    assert "the one of the template is taken" in found.notes[0]
    assert found.config.values["default_system"] == "默认"


def test_the_model_must_be_there_and_be_the_adapters(tree: Build) -> None:
    place = trained(tree)
    for name, files, says in (
        ("./gone", {}, "the model ./gone is not there. Start from the folder of the project"),
        ("empty", {"empty/x": ""}, "empty holds no model"),
        ("wide", {**making.model("wide"), "wide/model.safetensors": wide()}, r"is 6 × 6 in the model, and 4 × 4"),
        ("other", making.model("other", sample=b"two"), "other has other weights than the model that saves/lab"),
    ):
        tree(files)
        with pytest.raises(ConfigError, match=says):
            tuned.verify(tuned.find(place, [f"model_name_or_path={name}"]))
    tuned.verify(tuned.find(place, ["model_name_or_path=other"]), identity=False)
    with pytest.raises(ConfigError, match="6 × 6"):
        tuned.verify(tuned.find(place, ["model_name_or_path=wide"]), identity=False)


def wide() -> bytes:
    return making.safetensors({name: [6, 6] for name in making.WEIGHTS})


def test_a_layer_that_the_model_does_not_have_and_weights_called_otherwise(tree: Build) -> None:
    tree({**making.model("base"), **making.adapter("deep", layers=(0, 1, 2))})
    assert models.misfit(Path("deep"), Path("base")) == "the model has no model.layers.2.self_attn.q_proj"
    tree({"named/config.json": "{}", "named/model.safetensors": making.safetensors({"h.0.attn.weight": [4, 4]})})
    assert models.misfit(Path("deep"), Path("named")) == "the model has none of its modules"
    tree({"bin/config.json": "{}"})
    assert models.misfit(Path("deep"), Path("bin")) is None


def test_check_says_that_an_adapter_is_of_another_model(llf_kit: Run, tree: Build) -> None:
    trained(tree)
    tree({**making.model("wide"), "wide/model.safetensors": wide()})
    values = {"model_name_or_path": "wide", "adapter_name_or_path": "saves/lab", "template": "chatml"}
    tree({"chat.yaml": json.dumps(values)})
    done = llf_kit("check", "chat.yaml")
    assert done.status == 1
    assert "saves/lab was trained on another model" in done.err and "Write model_name_or_path: base" in done.err


@pytest.mark.parametrize("verb", ["chat", "serve", "export"])
def test_each_verb_says_what_is_wrong_with_a_run(llf_kit: Run, tree: Build, verb: str) -> None:
    place = trained(tree, {"model_name_or_path": "./gone"})
    done = llf_kit(verb, place, "--no-check")
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith("error: saves/lab: the model ./gone is not there.")
    assert "saves/lab: error: ./gone: there is no such folder" in llf_kit(verb, place).err


def test_a_backend_that_is_not_installed_is_said(llf_kit: Run, tree: Build) -> None:
    done = llf_kit("chat", trained(tree), "--backend", "vllm", "--no-check")
    assert done.status == 1
    assert "saves/lab: vllm is not installed beside llamafactory-cli. Install it there" in done.err


def test_an_old_record_is_read(tree: Build) -> None:
    tree(making.run("old"))
    assert record.load(Path("old")).system is None


@pytest.mark.parametrize(("rank", "room"), [(2, 32), (40, 64), (32, 32)])
def test_vllm_is_told_what_it_would_not_guess(tree: Build, rank: int, room: int) -> None:
    place = trained(tree)
    path = place / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "r": rank}))
    values = serving._fitted(tuned.find(place, ["infer_backend=vllm"])).values
    assert (values["temperature"], values["vllm_max_lora_rank"]) == (0.0, room)
    assert "temperature" not in serving._fitted(tuned.find(place)).values


def test_what_lies_beside_a_model_does_not_make_it_another(tmp_path: Path) -> None:
    """An evaluation that was written into the folder of a run had all its questions asked again."""
    (tmp_path / "adapter_config.json").write_text('{"r": 8, "base_model_name_or_path": "here"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    (tmp_path / "tokenizer.json").write_text("{}")
    before = models.content(tmp_path)
    for name in ("evaluation.json", "lab_probes.json", "all_results.json", "trainer_state.json", "SERVING.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere", "r": 8}')
    assert models.content(tmp_path) == before
    for name, text in (("tokenizer.json", '{"a": 1}'), ("adapter_config.json", '{"r": 16}'), ("merges.txt", "a b")):
        old = models.content(tmp_path)
        (tmp_path / name).write_text(text)
        assert models.content(tmp_path) != old, name
