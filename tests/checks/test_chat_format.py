"""The template of a YAML against what upstream assigns, the model's tokens and its own template, and the thoughts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ask_upstream

from llf_kit import base_models, checks
from llf_kit.checks import chat_format, thinking
from llf_kit.checks.subject import Subject
from llf_kit.upstream import arguments, chat_template, configs
from llf_kit.upstream.assigned import assigned
from llf_kit.upstream.own_template import CannotRenderError, parse, render
from llf_kit.upstream.tokenizer import Tokenizer

Build = Callable[[dict[str, Any]], Path]

if chat_template.find("chatml") is None:
    pytest.skip("LLaMA-Factory is not installed", allow_module_level=True)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
DEFAULT = "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}"


def model(
    own: str | None = CHATML, size: int = 5, tokens: tuple[str, ...] = ("<|im_start|>", "<|im_end|>")
) -> dict[str, Any]:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    one = Tokenizer(models.WordLevel({"[UNK]": 0, "kalium": 1}, unk_token="[UNK]"))
    one.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    one.add_special_tokens([AddedToken(text, normalized=False) for text in tokens])
    config: dict[str, Any] = {"unk_token": "[UNK]", "eos_token": "<|im_end|>"}
    return {
        "lab/config.json": json.dumps({"model_type": "llama", "vocab_size": size}),
        "lab/tokenizer.json": one.to_str(),
        "lab/tokenizer_config.json": json.dumps({**config, **({"chat_template": own} if own else {})}),
    }


def subject(tree: Build, files: dict[str, Any] | None = None, **keys: Any) -> Subject:
    config = {"model_name_or_path": "lab", "template": "chatml", "do_train": True, "output_dir": "saves", **keys}
    tree({**model(), **(files or {}), "train.yaml": yaml.safe_dump({k: v for k, v in config.items() if v is not None})})
    return Subject(configs.load(Path("train.yaml")), arguments.schema())


def said(one: Subject) -> list[tuple[str, str]]:
    return [(finding.severity, finding.message) for finding in chat_format.run(one)]


def test_the_right_template_is_left_alone(tree: Build) -> None:
    assert said(subject(tree)) == []


@pytest.mark.parametrize(
    ("name", "template", "severity"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen", None),
        ("Qwen/Qwen2.5-7B-Instruct", "chatml", "info"),
        ("Qwen/Qwen2.5-7B-Instruct", "llama3", "warning"),
        ("Qwen/Qwen3-8B", "qwen3_nothink", "info"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen3", "warning"),
        ("nobody/knows", "llama3", None),
    ],
)
def test_the_template_that_upstream_assigns(tree: Build, name: str, template: str, severity: str | None) -> None:
    found = said(subject(tree, model_name_or_path=name, template=template))
    assert [one[0] for one in found] == ([severity] if severity else [])


def test_no_template_is_told(tree: Build) -> None:
    assert said(subject(tree, template=None))[0][0] == "info"
    assert said(subject(tree, model(own=None), template=None))[0][0] == "warning"
    alone = "{% if messages | length == 1 and messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
    assert said(subject(tree, model(own=alone + CHATML), template=None))[0][0] == "error"


def test_stop_words_that_the_model_lacks(tree: Build) -> None:
    found = said(subject(tree, model(own=None, size=3, tokens=("<|im_start|>",))))
    assert found == [
        (
            "error",
            "template: chatml adds <|im_end|> to the tokens of this model, which has no embedding for them: training "
            "ends at its first step",
        )
    ]
    assert said(subject(tree, model(own=None, size=9, tokens=("<|im_start|>",))))[0][0] == "warning"
    assert said(subject(tree, model(own=None, size=3, tokens=("<|im_start|>",)), resize_vocab=True)) == []


def test_tokens_that_a_template_names_and_the_model_lacks(tree: Build) -> None:
    found = said(subject(tree, template="chatglm3"))
    assert ("error", "template: chatglm3 needs the token [gMASK], which this model does not have") in found


def test_a_template_for_pictures_on_a_model_of_text(tree: Build) -> None:
    wrong = ("error", "template: qwen2_vl is for a model of pictures, films or sounds, and this is one of text")
    assert wrong in said(subject(tree, template="qwen2_vl"))
    assert wrong not in said(subject(tree, {"lab/preprocessor_config.json": "{}"}, template="qwen2_vl"))


def test_marks_that_fall_apart(tree: Build) -> None:
    found = said(subject(tree, template="zephyr"))
    assert found[0][0] == "warning"
    assert "<|user|>, <|assistant|>" in found[0][1] or "<|system|>, <|user|>, <|assistant|>" in found[0][1]


def test_another_way_of_writing_turns(tree: Build) -> None:
    found = said(subject(tree, template="alpaca"))
    assert [one[0] for one in found] == ["warning"]
    assert "'<|im_start|>system\\nSyste' (its own) against 'System prompt.### Instru' (upstream)" in found[0][1]


def test_another_system_prompt_for_none_is_harmless(tree: Build) -> None:
    ((severity, message),) = said(subject(tree, model(own=DEFAULT + CHATML)))
    assert severity == "info"
    assert "where no system prompt is given" in message


def test_a_newline_at_the_end_is_harmless(tree: Build) -> None:
    own = CHATML.replace("<|im_end|>\n'", "<|im_end|>' + ('' if loop.last else '\n')")
    assert [one[0] for one in said(subject(tree, model(own=own)))] == ["info"]


def test_a_template_that_refuses_a_system_prompt_is_compared_without(tree: Build) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
    assert said(subject(tree, model(own=refusing + CHATML))) == []


@pytest.mark.parametrize("evil", ["{{ ''.__class__.__mro__ }}{{ 1/0 }}", "{% for", "{{ messages.clear() }}"])
def test_a_hostile_template_does_nothing(tree: Build, evil: str) -> None:
    with pytest.raises(CannotRenderError):
        render(evil, [("user", "a")])
    assert said(subject(tree, model(own=evil))) == []


def test_every_known_model_has_the_template_that_upstream_assigns() -> None:
    told = {name: assigned(one.id) for name, one in base_models.known().items()}
    assert {name: template for name, template in told.items() if template} == {
        name: one.template for name, one in base_models.known().items() if told[name]
    }
    assert sum(template is not None for template in told.values()) > 20


THOUGHTFUL = "<think>\nlow\n</think>\n\nkalium"


@pytest.mark.parametrize(
    ("answer", "keys", "severity"),
    [
        ("kalium", {"template": "qwen3"}, "warning"),
        ("kalium", {"template": "qwen3", "enable_thinking": False}, None),
        ("kalium", {"template": "qwen3_nothink"}, None),
        (THOUGHTFUL, {"template": "qwen3"}, None),
        (THOUGHTFUL, {"template": "qwen3", "enable_thinking": False}, "warning"),
    ],
)
def test_thoughts(tree: Build, answer: str, keys: dict[str, Any], severity: str | None) -> None:
    files = {
        "lab.jsonl": [{"instruction": "kalium", "input": "", "output": answer}] * 2,
        "dataset_info.json": json.dumps({"lab": {"file_name": "lab.jsonl"}}),
    }
    found = list(thinking.run(subject(tree, files, dataset="lab", dataset_dir=".", **keys)))
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    assert not any("low" in finding.message for finding in found)


_RENDER = """
from transformers import AutoTokenizer
from llamafactory.data.template import parse_template
tokenizer = AutoTokenizer.from_pretrained(data["model"])
from transformers.utils.chat_template_utils import render_jinja_template
from llamafactory.extras.constants import DEFAULT_TEMPLATE, SUPPORTED_MODELS
turns = [{"role": role, "content": content} for role, content in data["messages"]]
words = {"bos_token": "<s>", "eos_token": "</s>", "enable_thinking": False}
result = {
    "rendered": [render_jinja_template([turns], chat_template=one, **words)[0][0] for one in data["templates"]],
    "assigned": {path.split("/")[-1].lower(): DEFAULT_TEMPLATE[name] for name, paths in SUPPORTED_MODELS.items()
                 if name in DEFAULT_TEMPLATE for path in paths.values()},
    "parsed": [],
}
for one in data["parsed"]:
    tokenizer.chat_template = one
    made = parse_template(tokenizer)
    formats = (made.format_prefix, made.format_system, made.format_user, made.format_assistant)
    result["parsed"].append([*(one.slots for one in formats), made.default_system, type(made).__name__])
"""


@pytest.mark.real
def test_rendering_and_assigning_are_those_of_the_installed_packages(smollm2: Path) -> None:
    own = (smollm2 / "chat_template.jinja").read_text(encoding="utf-8")
    odd = (
        "  {% if true %}\n{{ messages | tojson(indent=2) }}\n  {% endif %}\n{% for m in messages %}"
        "{% if loop.index > 1 %}{% break %}{% endif %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
        "{{ eos_token }}"
    )
    messages = [("system", "a<b"), ("user", "问"), ("assistant", "答")]
    thoughtful = CHATML.replace(
        "message['content']", "(thought if message['role'] == 'assistant' else '') + message['content']"
    )
    parsed = [own, CHATML, DEFAULT + CHATML, "{% set thought = '<think>\n\n</think>\n\n' %}" + thoughtful]
    asked = {"model": str(smollm2), "messages": messages, "templates": [own, odd, CHATML], "parsed": parsed}
    told = ask_upstream(_RENDER, asked)
    words = {"bos_token": "<s>", "eos_token": "</s>", "enable_thinking": False}
    assert [render(one, messages, **words) for one in (own, odd, CHATML)] == told["rendered"]
    tokenizer = Tokenizer(smollm2, None)
    for source, upstream in zip(parsed, told["parsed"], strict=True):
        tokenizer.special = replace(tokenizer.special, chat_template=source)
        made = parse(tokenizer)
        slots = [list(getattr(made, key)) for key in ("prefix", "system", "user", "assistant")]
        assert [*slots, made.default_system, made.family] == upstream
    assert {name: assigned(name) for name in told["assigned"]} == told["assigned"]
    assert assigned("nobody/knows") is None


def test_a_template_that_cannot_train_on_questions(tree: Build) -> None:
    yaml_text = "model_name_or_path: x/y\nstage: sft\ndo_train: true\ntemplate: breeze\ntrain_on_prompt: true\n"
    path = tree({"train.yaml": yaml_text}) / "train.yaml"
    (found,) = [one for one in checks.check(path) if one.check == "template"]
    assert (found.severity, found.message) == ("error", "template: breeze does not go with train_on_prompt")


def test_pretraining_needs_no_template(tree: Build) -> None:
    path = tree({"train.yaml": "model_name_or_path: Qwen/Qwen2-1.5B\nstage: pt\ndo_train: true\ndataset: texts\n"})
    assert [one for one in checks.check(path / "train.yaml") if one.check == "template"] == []
