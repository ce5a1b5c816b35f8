"""Every shipped template renders, says what it needs, and is taken by LLaMA-Factory's own parser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY, Result, ask_upstream

from llf_kit import base_models, render, templating
from llf_kit.errors import ConfigError, UsageError

Run = Callable[..., Result]
TEMPLATES = render.templates()


def test_all_the_promised_templates_are_there() -> None:
    promised = {
        f"train/{name}" for name in ("lora_sft", "qlora_sft", "full_sft", "freeze_sft", "pretrain", "dpo", "kto")
    }
    assert promised | {"predict/generate", "infer/chat", "infer/api", "export/merge", "export/quantized"} <= set(
        TEMPLATES
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_renders_with_its_defaults_and_explains_itself(name: str) -> None:
    text = render.render(name, {})
    template = render.load(name)
    assert template.title in text and template.launch in text
    assert all(line in text for line in template.about)
    parsed = yaml.safe_load(text)
    assert parsed["model_name_or_path"] == "Qwen/Qwen2-1.5B-Instruct"
    assert parsed["template"] == "qwen"
    assert all(parameter.help for parameter in template.parameters.values())


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_of_a_template_changes_what_it_renders(name: str) -> None:
    """A parameter that nothing reads would be a promise without effect."""
    other = {"integer": "7", "number": "0.37", "boolean": "true", "text": "else", "names": "else"}
    for parameter in render.load(name).parameters.values():
        values = {"do_sample": "true"} if parameter.name == "temperature" else {}
        if parameter.name == "per_device_eval_batch_size":
            values = {"val_size": "0.1"} if "val_size" in render.load(name).parameters else {}
        before = render.render(name, values)
        kind = parameter.type
        changed = str(next(c for c in kind if c != parameter.default)) if isinstance(kind, tuple) else other[kind]
        if parameter.default is True:
            changed = "false"
        extra = {"template": "chatml"} if parameter.name == "model" else {}
        assert render.render(name, {**values, **extra, parameter.name: changed}) != before, parameter.name


def test_numbers_mean_the_same_to_pyyaml_and_to_omegaconf() -> None:
    values = [
        1e-4,
        2e-5,
        1e-10,
        1e16,
        0.5,
        3.0,
        7,
        True,
        None,
        "no",
        "1e-4",
        "a: b",
        "{{x}}",
        "检验",
        "# not a comment",
        "",
    ]
    texts = [templating.to_yaml(value) for value in values]
    assert [yaml.safe_load(text) for text in texts] == values
    assert all("\n" not in text for text in texts)
    same = ask_upstream(
        "from omegaconf import OmegaConf\n"
        "result = [OmegaConf.to_container(OmegaConf.create('v: ' + text))['v'] for text in data]",
        texts,
    )
    assert same == values


@pytest.mark.real
def test_every_template_is_accepted_by_upstreams_own_parser(tmp_path: Path) -> None:
    configs = {name: yaml.safe_load(render.render(name, {})) for name in TEMPLATES}
    for name, config in configs.items():
        if name.startswith(("train/", "predict/")):
            config |= {"use_cpu": True, "output_dir": str(tmp_path / "out")}  # bf16, which a GPU takes, needs it here
    refused = ask_upstream(
        "from llamafactory.hparams import get_infer_args, get_train_args\n"
        "result = {}\n"
        "for name, config in data.items():\n"
        "    parse = get_train_args if name.startswith(('train/', 'predict/')) else get_infer_args\n"
        "    try: parse(config)\n"
        "    except Exception as error: result[name] = repr(error)",
        configs,
    )
    assert refused == {}


@pytest.mark.real
def test_known_models_have_the_template_that_upstream_gives_them() -> None:
    known = [(model.id, model.modelscope, model.template) for model in base_models.known().values()]
    wrong = ask_upstream(
        "from llamafactory.extras.constants import DEFAULT_TEMPLATE, SUPPORTED_MODELS\n"
        "theirs = {}\n"
        "for name, ids in SUPPORTED_MODELS.items():\n"
        "    for hub, id in ids.items(): theirs.setdefault((hub.name, id), DEFAULT_TEMPLATE.get(name))\n"
        "result = [id for id, scope, template in data\n"
        "          if theirs.get(('DEFAULT', id)) != template or theirs.get(('MODELSCOPE', scope or id)) != template]",
        known,
    )
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("train/lora_sf", {}, "Did you mean 'train/lora_sft'?"),
        ("train/lora_sft", {"lora_rnk": "8"}, "Did you mean 'lora_rank'?"),
        ("train/lora_sft", {"lora_rank": "eight"}, "is not a whole number"),
        ("train/lora_sft", {"gradient_checkpointing": "yes"}, "is not true or false"),
        ("train/lora_sft", {"precision": "int8"}, "Choose one of: bf16, fp16, fp32."),
        ("train/lora_sft", {"model": "someone/new-model"}, "Add --set template=NAME"),
    ],
)
def test_wrong_calls_are_told(name: str, settings: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=r".") as caught:
        render.render(name, settings)
    assert says in str(caught.value)


def test_all_wrong_parameters_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        render.render("lora_sft", {"lr": "1", "lora_rank": "x", "precision": "y"})
    assert len(caught.value.problems) == 3


def test_any_other_model_works_with_its_template() -> None:
    parsed = yaml.safe_load(render.render("lora_sft", {"model": "/data/my model: v2", "template": "chatml"}))
    assert (parsed["model_name_or_path"], parsed["template"]) == ("/data/my model: v2", "chatml")


def test_a_folder_called_like_a_known_model_brings_its_template(tmp_path: Path) -> None:
    folder = tmp_path / "SmolLM2-135M-Instruct"
    folder.mkdir()
    parsed = yaml.safe_load(render.render("lora_sft", {"model": str(folder)}))
    assert (parsed["model_name_or_path"], parsed["template"]) == (str(folder), "smollm2")


def test_thinking_models_are_not_taught_empty_thoughts() -> None:
    assert yaml.safe_load(render.render("lora_sft", {"model": "qwen3-0.6b"}))["enable_thinking"] is False
    assert "enable_thinking" not in yaml.safe_load(render.render("lora_sft", {}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% include '../secret' %}", r"\.\./secret"),
        ("{% if %}", "x.yaml.j2:1"),
    ],
)
def test_a_template_can_neither_guess_nor_break_out(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "x.yaml.j2").write_text(text)
    with pytest.raises(ConfigError, match=says):
        templating.render_text("x.yaml.j2", {}, tmp_path / "root")


def test_the_verbs(llf_kit: Run, project: Path) -> None:
    assert "train/lora_sft" in llf_kit("templates", "list").out
    assert "learning_rate: number = 0.0001" in llf_kit("templates", "show", "lora_sft").out
    assert llf_kit("templates", "copy", "lora_sft", "mine.yaml.j2").status == 0
    original = (REPOSITORY / "templates/train/lora_sft.yaml.j2").read_bytes()
    assert (project / "mine.yaml.j2").read_bytes() == original
    assert llf_kit("templates", "copy", "lora_sft", "mine.yaml.j2").status == 2
    done = llf_kit("render", "lora_sft", "--set", "learning_rate=2e-3", "-o", "sub/a.yaml")
    assert done.status == 0 and "llamafactory-cli train sub/a.yaml" in done.err
    assert yaml.safe_load((project / "sub/a.yaml").read_text())["learning_rate"] == 0.002
    assert yaml.safe_load(llf_kit("render", "lora_sft").out)["dataset"] == "lab_qa"
    (project / "llf-kit.yaml").write_text("name: mine\nmodel: qwen2.5-0.5b-instruct\n")
    parsed = yaml.safe_load(llf_kit("render", "lora_sft").out)
    assert (parsed["dataset"], parsed["model_name_or_path"]) == ("mine", "Qwen/Qwen2.5-0.5B-Instruct")


def test_templates_travel_inside_the_wheel(tmp_path: Path) -> None:
    import sys
    import zipfile

    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(REPOSITORY),
    ]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for name in TEMPLATES:
        assert f"llf_kit/templates/{name}.yaml.j2" in names
    assert "llf_kit/datasets/probes.jsonl" in names
    assert {"llf_kit/upstream/renamed.yaml", "llf_kit/upstream/snapshots/0.9.5.json"} <= set(names)
    assert "llf_kit/datasets/raw/quality_and_interpretation.csv" in names
    scenarios = [path for path in (REPOSITORY / "templates/scenarios").rglob("*") if path.is_file()]
    assert {f"llf_kit/{path.relative_to(REPOSITORY).as_posix()}" for path in scenarios} <= set(names)
