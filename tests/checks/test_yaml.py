"""Checks of the YAML: each catches its bad example and leaves the sound project alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checking import ENTRY, ROW, project, said
from conftest import Result

from llf_kit import checks
from llf_kit.checks.ranges import RANGES
from llf_kit.upstream import arguments


def test_a_sound_project_gives_neither_error_nor_warning(project_directory: Path) -> None:
    assert [one for one in checks.check(project(project_directory)) if one.severity != "info"] == []


@pytest.fixture
def project_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "severity", "message", "hint"),
    [
        ({"tempalte": "qwen"}, "error", "has no key tempalte", "Did you mean 'template'?"),
        ({"evaluation_strategy": "no"}, "error", "evaluation_strategy is gone since transformers 4.51.0", "Write eval_strategy."),
        ({"save_safetensors": True}, "error", "save_safetensors is gone", "Leave it out"),
        ({"use_ray": True}, "error", "use_ray is no key but a variable", "set USE_RAY=1"),
        ({"use_cache": False}, "warning", "no longer sets the cache of inference", "Write use_kv_cache"),
        ({"zzzzqqqq": 1}, "error", "has no key zzzzqqqq", "Remove it."),
    ],
)  # fmt: skip
def test_keys(project_directory: Path, changes: dict[str, Any], severity: str, message: str, hint: str) -> None:
    (found,) = said(project(project_directory, changes), "keys")
    assert found.severity == severity
    assert message in found.message and hint in found.hint
    assert found.where == "train.yaml:15"


def test_a_key_that_stands_twice_and_an_environment_that_hides_typing_errors(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(project_directory)
    path.write_text(path.read_text() + "lora_rank: 16\n")
    monkeypatch.setenv("ALLOW_EXTRA_ARGS", "1")
    assert [(one.severity, one.message) for one in said(path, "keys")] == [
        ("error", "lora_rank stands 2 times (lines 6, 15)"),
        ("warning", "ALLOW_EXTRA_ARGS is set, so that LLaMA-Factory ignores mistyped keys"),
    ]


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"packing": "false"}, "packing is a text in quotes where true or false is needed, which LLaMA-Factory takes for true", "Write packing: false"),
        ({"lora_rank": "8"}, "lora_rank is a text in quotes where a whole number is needed", "Write lora_rank: 8"),
        ({"learning_rate": "0.0001"}, "learning_rate is a text in quotes where a number is needed", "Write learning_rate: 0.0001"),
        ({"eval_strategy": False}, "eval_strategy: no without quotes is read as false", 'Write eval_strategy: "no"'),
        ({"cutoff_len": 1024.0}, "cutoff_len is a fraction where a whole number is needed", "Write cutoff_len: 1024"),
        ({"lora_rank": "eight"}, "lora_rank is a text where a whole number is needed", "It means: "),
        ({"stage": "sfft"}, "stage: 'sfft' is none of its choices", "Did you mean 'sft'?"),
        ({"mix_strategy": "foo"}, "mix_strategy: 'foo' is none of its choices", "Known: concat"),
        ({"template": "qwen-2"}, "template: 'qwen-2' is none of its choices", "Did you mean 'qwen"),
        ({"report_to": "wnadb"}, "report_to: 'wnadb' is none of its choices", "Did you mean 'wandb'?"),
        ({"dataset": 5}, "dataset is a whole number where a text or a list is needed", "It means: "),
    ],
)  # fmt: skip
def test_types(project_directory: Path, changes: dict[str, Any], message: str, hint: str) -> None:
    (found,) = said(project(project_directory, changes), "types")
    assert (found.severity, found.message) == ("error", message)
    assert hint in found.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1, "num_train_epochs": 3},
        {"dataset": ["lab"], "report_to": ["none"]},
        {"run_name": "${oc.env:HOME}", "seed": "${oc.env:SEED}"},
        {"master_port": 29500},
        {"eval_strategy": "no"},
    ],
)
def test_types_that_are_right(project_directory: Path, changes: dict[str, Any]) -> None:
    assert said(project(project_directory, changes), "types") == []


def test_an_exponent_is_a_number_as_upstream_reads_it(project_directory: Path) -> None:
    path = project(project_directory)
    path.write_text(path.read_text().replace("learning_rate: 0.0001", "learning_rate: 1e-4"))
    assert said(path, "types") == []


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"learning_rate": 1000}, "warning"),
        ({"learning_rate": -1.0}, "error"),
        ({"learning_rate": 0}, "error"),
        ({"finetuning_type": "full", "learning_rate": 5e-4}, "warning"),
        ({"lora_dropout": 1.5}, "error"),
        ({"num_train_epochs": 300}, "warning"),
        ({"cutoff_len": 0}, "error"),
        ({"warmup_ratio": 2}, "error"),
    ],
)
def test_numbers_out_of_range(project_directory: Path, changes: dict[str, Any], severity: str) -> None:
    found = said(project(project_directory, changes), "ranges")
    assert severity in [one.severity for one in found]


def test_ranges_admit_what_is_usual() -> None:
    assert all(one.least <= one.low < one.high <= one.most for one in RANGES)


@pytest.mark.parametrize(
    ("changes", "package"),
    [({"report_to": "wandb"}, "wandb"), ({"use_badam": True}, "badam"), ({"predict_with_generate": True}, "jieba")],
)
def test_packages_that_are_missing(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], package: str
) -> None:
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda name: None if name == package else object())
    (found,) = said(project(project_directory, changes), "packages")
    assert (found.severity, found.message) == (
        "error",
        f"{next(iter(changes))} asks for the package {package}, which is not installed",
    )
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: object())
    assert said(project(project_directory, changes), "packages") == []


@pytest.mark.parametrize(
    ("optim", "package"), [("paged_adamw_8bit", "bitsandbytes"), ("adamw_torch_4bit", "torchao"), ("adamw_torch", None)]
)
def test_an_optimiser_and_its_package(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch, optim: str, package: str | None
) -> None:
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: None)
    path = project(project_directory, {"optim": optim})
    found = [one for one in checks.check(path, started="train") if one.check == "packages"]
    assert [one.message.split()[-5].strip(",") for one in found] == ([package] if package else [])


def test_packages_of_models(project_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: None)
    monkeypatch.setenv("USE_MODELSCOPE_HUB", "1")
    (found,) = said(project(project_directory), "packages")
    assert "modelscope" in found.message
    (project_directory / "model").mkdir()
    config = {"quantization_config": {"quant_method": "gptq"}}
    (project_directory / "model/config.json").write_text(json.dumps(config))
    path = project(project_directory, {"model_name_or_path": "model"})
    (found,) = [one for one in checks.check(path, started="train") if one.check == "packages"]
    assert "gptqmodel" in found.message


def test_flash_attention_that_is_not_installed_is_a_warning(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: None)
    path = project(project_directory, {"flash_attn": "fa2"})
    (found,) = said(path, "packages")
    assert found.severity == "warning"
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: object())
    pair = arguments.schema()
    for version, errors in (("5.6.0", ["error"]), ("5.5.0", [])):
        monkeypatch.setattr(arguments, "schema", lambda version=version: replace(pair, transformers=version))
        assert [one.severity for one in said(path, "packages")] == errors


@pytest.mark.parametrize("changes", [{"bf16": True}, {"fp16": True}, {"quantization_bit": 4}, {"pure_bf16": True}])
def test_precision_against_the_device(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    path = project(project_directory, changes)

    def severities(*, here: bool) -> list[str]:
        return [one.severity for one in checks.check(path, started="train" if here else None) if one.check == "device"]

    monkeypatch.setattr("llf_kit.checks.subject.has_gpu", lambda: False)
    assert severities(here=True) == ["error"]
    assert severities(here=False) == ["info"]  # it is meant for another machine
    monkeypatch.setattr("llf_kit.checks.subject.has_gpu", lambda: True)
    assert severities(here=True) == []


def test_packages_that_only_a_gpu_needs_are_for_the_machine_that_has_one(
    project_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(project_directory, {"quantization_bit": 4})
    monkeypatch.setattr("llf_kit.checks.packages.find_spec", lambda _: None)
    for gpu, here, severity in ((False, False, "info"), (False, True, "error"), (True, False, "error")):
        monkeypatch.setattr("llf_kit.checks.subject.has_gpu", lambda gpu=gpu: gpu)
        found = [
            one.severity for one in checks.check(path, started="train" if here else None) if one.check == "packages"
        ]
        assert found == [severity]


def test_output_that_would_be_resumed_or_overwritten(project_directory: Path) -> None:
    path = project(project_directory)
    (project_directory / "saves/lab/checkpoint-5").mkdir(parents=True)
    (found,) = said(path, "output")
    assert found.message == "saves/lab holds checkpoints, from which upstream would go on without being asked"
    assert said(path, "output", "resume_from_checkpoint=true") == []
    assert said(path, "output", "output_dir=saves/other") == []
    (project_directory / "saves/lab/checkpoint-5").rmdir()
    (project_directory / "saves/lab/adapter_model.safetensors").touch()
    assert [one.message for one in said(path, "output")] == ["saves/lab holds a finished model"]
    assert [one.message for one in said(project(project_directory, without=("output_dir",)), "output")] == [
        "output_dir is missing, and would be trainer_output"
    ]


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        ({"formating": "alpaca"}, "the entry has an unknown key 'formating', which upstream ignores without a word", "Did you mean 'formatting'?"),
        ({"columns": {**ENTRY["columns"], "promt": "x"}}, "columns has an unknown key 'promt', which upstream ignores without a word", "Did you mean 'prompt'?"),
        ({"tags": {"role": "from"}}, "tags has an unknown key 'role', which upstream ignores without a word", "Did you mean 'role_tag'?"),
        ({"formatting": "sharegtp"}, "formatting 'sharegtp' is unknown", "Did you mean 'sharegpt'?"),
        ({"file_name": "datasets/none.jsonl"}, "datasets/none.jsonl is not there", "relative to dataset_dir"),
        ({"ranking": True}, "stage sft drops pairs", "Set stage: dpo."),
    ],
)  # fmt: skip
def test_entries(project_directory: Path, entry: dict[str, Any], message: str, hint: str) -> None:
    found = said(project(project_directory, entry={**ENTRY, **entry}), "entries")
    assert message in [one.message for one in found]
    assert hint in " ".join(one.hint for one in found)
    assert {one.where for one in found} == {"dataset_info.json: lab"}


def test_entries_and_files_that_are_not_there(project_directory: Path) -> None:
    (found,) = said(project(project_directory, {"dataset": "lab,labb"}), "entries")
    assert (found.where, found.hint) == ("train.yaml:9", "Did you mean 'lab'?")
    (project_directory / "dataset_info.json").unlink()
    (found,) = said(Path("train.yaml"), "entries")
    assert found.message == "there is no such file"


@pytest.mark.parametrize("stage", ["dpo", "kto", "pt"])
def test_a_stage_that_cannot_use_the_entry(project_directory: Path, stage: str) -> None:
    (found,) = said(project(project_directory, {"stage": stage}), "entries")
    assert found.severity == "error"
    assert "Convert with --format" in found.hint


def test_the_command_says_all_at_once_and_mends_what_takes_no_judgement(
    project_directory: Path, llf_kit: Callable[..., Result]
) -> None:
    changes = {"packing": "false", "evaluation_strategy": "no", "lora_rank": "8", "tempalte": "qwen"}
    path = project(project_directory, changes)
    path.write_text(path.read_text().replace("packing: 'false'", "packing: 'false'  # not yet"))
    done = llf_kit("check", "--json")
    assert (done.status, len([one for one in done.json if one["severity"] == "error"])) == (1, 4)
    assert set(done.json[0]) == {"check", "severity", "message", "hint", "where"}
    done = llf_kit("check", "--fix")
    assert done.status == 1 and "has no key tempalte" in done.err
    assert "-lora_rank: '8'\n+lora_rank: 8" in done.err
    text = path.read_text()
    assert "packing: false  # not yet\n" in text and "eval_strategy: 'no'\n" in text
    path.write_text(text.replace("tempalte: qwen\n", ""))
    assert llf_kit("check").status == 0


def test_columns_that_are_left_out_are_added(project_directory: Path, llf_kit: Callable[..., Result]) -> None:
    row = {**ROW, "system": "你是检验师。", "history": [["甲", "乙"]]}
    project(project_directory, entry={**ENTRY, "columns": {"prompt": "instruction", "response": "output"}}, rows=[row])
    assert llf_kit("check").status == 1
    done = llf_kit("check", "--fix")
    assert done.status == 0, done.err
    assert '+      "system": "system"' in done.err
    columns = json.loads((project_directory / "dataset_info.json").read_text())["lab"]["columns"]
    assert columns == {"prompt": "instruction", "response": "output", "history": "history", "system": "system"}


def test_strict_makes_warnings_errors_and_files_are_found(
    project_directory: Path, llf_kit: Callable[..., Result]
) -> None:
    assert llf_kit("check").status == 2
    project(project_directory, {"eval_steps": 5})
    (project_directory / "llf-kit.yaml").write_text("name: lab\n")
    assert llf_kit("check").status == 0
    done = llf_kit("check", "--strict")
    assert (done.status, "train.yaml: 1 warning" in done.err) == (1, True), done.err


def test_a_hand_off_stops_at_errors_and_no_check_skips_them(
    project_directory: Path, llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLF_KIT_LLAMAFACTORY_CLI", "/bin/true")
    path = project(project_directory, {"stage": "sfft"})
    done = llf_kit("train", path)
    assert (done.status, "was not handed to LLaMA-Factory" in done.err) == (1, True)
    assert llf_kit("train", path, "--no-check").status == 0


def test_how_it_is_launched(project_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project(project_directory, {"deepspeed": "ds.json", "gradient_accumulation_steps": 4})
    monkeypatch.setattr("llf_kit.checks.subject.has_gpu", lambda: True)
    assert [one.hint for one in said(path, "launch")] == ["Set FORCE_TORCHRUN=1 for a single one."]
    monkeypatch.setenv("FORCE_TORCHRUN", "1")
    monkeypatch.setenv("NPROC_PER_NODE", "2")
    assert said(path, "launch") == []
    (told,) = [one.message for one in checks.check(path) if one.check == "launch"]
    assert told == "2 processes make an effective batch of 2 × 4 × 2 = 16"
    spaced = path.rename("my train.yaml")
    assert [one.severity for one in said(spaced, "launch")] == ["error"]
    monkeypatch.delenv("FORCE_TORCHRUN")
    assert [one.severity for one in said(spaced, "launch", "deepspeed=null")] == ["warning"]


def test_a_dataset_info_that_is_not_ascii(project_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project(project_directory, {"dataset": "检验"})
    info = project_directory / "dataset_info.json"
    info.write_text(info.read_text().replace('"lab"', '"检验"'), encoding="utf-8")
    (found,) = said(path, "entries")
    assert (found.severity, "more than ASCII letters" in found.message) == ("warning", True)
    monkeypatch.setattr("llf_kit.checks.entries.locale.getpreferredencoding", lambda do_setlocale: "ANSI_X3.4-1968")
    assert [one.severity for one in said(path, "entries")] == ["error", "warning"]
