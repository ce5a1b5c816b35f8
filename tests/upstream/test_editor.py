"""The JSON Schema for editors: sound YAML passes, unsound YAML does not, and rendered YAML finds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import Result

from llf_kit import demo, render
from llf_kit.upstream import arguments, editor

Run = Callable[..., Result]
TEMPLATES = render.templates()
LINE = "# yaml-language-server: $schema="


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = editor.json_schema(arguments.snapshot("0.9.5"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_valid_with_its_defaults_and_with_the_demos_settings(name: str, validator: Any) -> None:
    known = render.load(name).parameters
    settings = {**demo.TRAINING, "model": "smollm2-135m-instruct", "template": "chatml", "dataset": "demo_train"}
    for given in ({}, {key: value for key, value in settings.items() if key in known}):
        errors = [error.message for error in validator.iter_errors(yaml.safe_load(render.render(name, given)))]
        assert not errors


@pytest.mark.parametrize(
    "text",
    [
        "lora_rnk: 8",
        "stage: sfft",
        "packing: 'false'",
        "lora_rank: '8'",
        "lora_rank: 8.5",
        "learning_rate: 1e-4",  # text to PyYAML
        "mix_strategy: foo",
        "template: qwenn",
        "tool_format: qwenn",
        "report_to: wandbb",
        "report_to: [wandb, wandbb]",
        "eval_strategy: no",
        "save_strategy: sometimes",
        "optim: adamw_hf",
        "deepspeed: 3",
        "evaluation_strategy: steps",
        "adapter_name_or_path: [a, b]",
        "output_dir: [a]",
        "[]",
    ],
)
def test_unsound_yaml_is_refused(text: str, validator: Any) -> None:
    assert list(validator.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "dataset: [a, b]",
        "dataset: a,b",
        "report_to: [wandb, swanlab]",
        "report_to: null",
        "eval_strategy: 'no'",
        "save_steps: 0.1",
        "deepspeed: ds.json",
        "deepspeed: {zero_optimization: {stage: 3}}",
        "fp8_backend: another",  # its choices stand in the help only
        "include_num_input_tokens_seen: true",
        "rope_scaling: null",
        "num_train_epochs: 3",
    ],
)
def test_sound_yaml_passes(text: str, validator: Any) -> None:
    assert not list(validator.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize("version", list(arguments.snapshots()))
def test_upstreams_own_defaults_are_valid(version: str) -> None:
    schema = editor.json_schema(arguments.snapshot(version))
    defaults = {name: one["default"] for name, one in schema["properties"].items() if "default" in one}
    assert len(defaults) > 320
    assert not list(jsonschema.Draft7Validator(schema).iter_errors(defaults))


def test_the_command_writes_it_to_stdout_or_a_file(llf_kit: Run, project: Path) -> None:
    shown = llf_kit("schema")
    assert shown.status == 0 and not shown.err
    assert shown.json["properties"]["lora_rank"]["type"] == ["integer"]
    said = llf_kit("schema", "-o", "sub/x.json")
    assert (project / "sub/x.json").read_text(encoding="utf-8") == shown.out
    assert "sub/x.json: " in said.err and "keys of LLaMA-Factory" in said.err and not said.out


@pytest.mark.parametrize("output", ["a.yaml", "configs/deep/a.yaml", "../beside/a.yaml"])
def test_a_rendered_file_names_the_schema_as_its_own_folder_sees_it(llf_kit: Run, project: Path, output: str) -> None:
    assert llf_kit("render", "lora_sft", "-o", output).status == 0
    path = project / output
    first, rest = path.read_text(encoding="utf-8").split("\n", 1)
    assert first.startswith(LINE)
    schema = path.parent / first.removeprefix(LINE)
    assert not Path(first.removeprefix(LINE)).is_absolute()
    assert schema.resolve() == (project / ".llf-kit" / editor.FILE).resolve()
    assert rest == llf_kit("render", "lora_sft").out
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert not list(jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(config))


def test_a_path_that_no_editor_can_read_is_left_out(llf_kit: Run, project: Path) -> None:
    other = project / "a b"
    other.mkdir()
    (other / ".llf-kit").mkdir()
    text = render.render("lora_sft", {})
    schema = other / ".llf-kit" / editor.FILE
    render.render_to(project / "a.yaml", "lora_sft", {}, schema)
    assert (project / "a.yaml").read_text(encoding="utf-8") == text
    render.render_to(other / "a.yaml", "lora_sft", {}, schema)
    assert (other / "a.yaml").read_text(encoding="utf-8").startswith(f"{LINE}.llf-kit/{editor.FILE}\n")


def test_where_the_schema_cannot_be_written_the_yaml_still_is(llf_kit: Run, project: Path) -> None:
    (project / ".llf-kit").write_text("a file where the folder should be")
    assert llf_kit("render", "lora_sft", "-o", "a.yaml").status == 0
    assert (project / "a.yaml").read_text(encoding="utf-8") == llf_kit("render", "lora_sft").out
