"""A merged model against what trained: what is mended, what is refused, and what is written beside it."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import making
import pytest
from conftest import Result

from llf_kit.errors import ConfigError, LlfKitError, NotInstalledError, RunError
from llf_kit.upstream import card, chat_template, exporting, gguf, jinja_template, record, servers, tuned, written
from llf_kit.upstream.leaving import Leaving, mended
from llf_kit.upstream.tokenizer import special

Build = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

if chat_template.find("chatml") is None:
    pytest.skip("LLaMA-Factory is not installed", allow_module_level=True)


def every_template() -> list[str]:
    spec = find_spec("llamafactory")
    assert spec is not None and spec.origin is not None
    text = (Path(spec.origin).parent / "data/template.py").read_text(encoding="utf-8")
    return re.findall(r"^register_template\(\s*name=\"([^\"]+)\"", text, re.MULTILINE)


def leaving(tree: Build, name: str = "chatml", merged: dict[str, Any] | None = None, **keys: Any) -> Leaving:
    """A base, and the same as it leaves upstream's export with ``merged`` changed."""
    tree({**making.model("base"), **making.model("merged"), **(merged or {})})
    return Leaving(Path("merged"), Path("base"), written.configured({"template": name, **keys}, Path("base")))


def said(path: str) -> dict[str, Any]:
    return dict(json.loads(Path(path).read_text(encoding="utf-8")))


def test_end_tokens_are_those_of_the_training(tree: Build) -> None:
    found = mended(leaving(tree, "chatml"))
    assert found[:3] == [
        "config.json: an answer ends at <|im_end|> (7)",
        "generation_config.json: an answer ends at <|im_end|> (7)",
        "tokenizer_config.json: the end token is <|im_end|>",
    ]
    assert said("merged/config.json")["eos_token_id"] == 7
    assert said("merged/generation_config.json")["eos_token_id"] == [7, 6]  # upstream stops at both
    assert special(Path("merged")).eos == "<|im_end|>"


def test_what_fits_is_left_alone(tree: Build) -> None:
    right = {
        **making.model("merged", eos_token_id=[0, 7]),
        "merged/generation_config.json": json.dumps({"eos_token_id": [7, 6, 0]}),
        "merged/tokenizer_config.json": json.dumps({"unk_token": "[UNK]", "eos_token": {"content": "<|im_end|>"}}),
    }
    one = leaving(tree, merged=right)
    before = {path.name: path.read_bytes() for path in Path("merged").iterdir()}
    assert mended(one) == []
    assert {path.name: path.read_bytes() for path in Path("merged").iterdir()} == before


def test_an_answer_may_end_with_the_tokenizers_own_token(tree: Build) -> None:
    for name, end in (("alpaca", "<|im_start|>"), ("baichuan", "<|im_start|>"), ("smollm2", "<|im_end|>")):
        assert leaving(tree, name).end == end


def test_the_system_prompt_of_the_training_is_in_the_chat_template(tree: Build) -> None:
    prompt = "你是'检验科'专家。\n只答\\数值。"
    one = leaving(tree, default_system=prompt)
    assert mended(one)[-1] == (
        "chat_template.jinja: asks as in training (the model's own, with the system prompt of the training)"
    )
    source = special(Path("merged")).chat_template
    assert source is not None and source.endswith(making.CHATML), "its own, which knows of more than questions"
    asked = written.by_jinja(source, special(Path("merged")), [("user", "a")], "", add_generation_prompt=True)
    assert asked == f"<|im_start|>system\n{prompt}<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n"
    other = written.by_jinja(source, special(Path("merged")), [("user", "a")], "Another.", add_generation_prompt=True)
    assert "Another." in other and "检验科" not in other


def test_an_older_file_for_the_chat_template_says_the_same(tree: Build) -> None:
    old = json.dumps({"eos_token": "<|im_end|>", "unk_token": "[UNK]", "chat_template": "old"})
    mended(leaving(tree, merged={"merged/tokenizer_config.json": old}, default_system="一"))
    assert said("merged/tokenizer_config.json")["chat_template"] == special(Path("merged")).chat_template


@pytest.mark.parametrize("name", every_template())
def test_every_template_of_upstream_can_leave(name: str, tree: Build) -> None:
    """In Jinja, judged by rendering it; and as a Modelfile, whose every slot is there."""
    tree(making.model("base"))
    own = special(Path("base"))
    plain = chat_template.find(name)
    assert plain is not None
    for system, thinks in (("它\\是'引\n号'。{{x}}", True), (None, False)):
        template = plain.configured(system, thinks)
        assert jinja_template.choose([None], template, own, own), thinks
        text = servers.modelfile(template, own, ["<|im_end|>"], 4096)
        assert text is not None and "{{ .Content }}" in text
        assert ('SYSTEM """' in text) == bool(template.default_system)


def test_a_model_that_was_trained_not_to_think_is_asked_not_to(tree: Build) -> None:
    own = special(tree(making.model("base")) / "base")
    template = written.configured({"template": "qwen3", "enable_thinking": False}, None)
    assert template is not None
    source = jinja_template.choose([making.CHATML], template, own, own)
    assert source is not None
    asked = written.by_jinja(source, own, [("user", "a")], "", add_generation_prompt=True)
    assert asked.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    modelfile = servers.modelfile(template, own, [], 1)
    assert modelfile is not None
    assert "{{ if eq (len (slice $.Messages $i)) 1 }}<think>\n\n</think>\n\n{{ end }}" in modelfile


def test_the_modelfile_is_whole(tree: Build) -> None:
    own = special(tree(making.model("base")) / "base")
    template = written.configured({"template": "chatml", "default_system": "你是检验科专家。"}, None)
    assert template is not None
    assert servers.modelfile(template, own, ["<|im_end|>"], 8192, "./llf-kit-f16.gguf") == (
        "FROM ./llf-kit-f16.gguf\n\n"
        'TEMPLATE """{{ if .System }}<|im_start|>system\n{{ $.System }}<|im_end|>\n{{ end }}'
        '{{ range $i, $_ := .Messages }}{{ if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '<|im_start|>assistant\n{{ else if eq .Role "assistant" }}{{ .Content }}<|im_end|>\n{{ end }}{{ end }}"""\n\n'
        'SYSTEM """你是检验科专家。"""\n\n'
        'PARAMETER stop "<|im_end|>"\nPARAMETER num_ctx 8192\nPARAMETER temperature 0\nPARAMETER repeat_penalty 1.0\n'
    )
    unsayable = written.configured({"template": "chatml", "default_system": 'three """ quotes'}, None)
    assert unsayable is not None and servers.modelfile(unsayable, own, [], 1) is None


@pytest.mark.parametrize(
    ("merged", "says"),
    [
        ({"merged/tokenizer.json": None}, "upstream wrote no tokenizer.json"),
        (making.model("merged", vocab_size=9), "config.json says 9 tokens, and the weights have 8"),
        (
            {"merged/model.safetensors": making.safetensors({"model.embed_tokens.weight": [7, 4]})}
            | {"merged/config.json": json.dumps({"vocab_size": 7})},
            r"the weights have no row for <\|im_end\|>, which the template adds",
        ),
        ({"merged/tokenizer.json": "{}"}, r"merged/tokenizer\.json: cannot be read"),
    ],
)
def test_what_no_edit_can_mend_is_refused(tree: Build, merged: dict[str, Any], says: str) -> None:
    one = leaving(tree, merged={name: text for name, text in merged.items() if text is not None})
    for name, text in merged.items():
        if text is None:
            Path(name).unlink()
    with pytest.raises(LlfKitError, match=says):
        mended(one)


def test_a_tokenizer_with_other_numbers_is_refused(tree: Build) -> None:
    one = leaving(tree)
    text = Path("merged/tokenizer.json").read_text(encoding="utf-8")
    Path("merged/tokenizer.json").write_text(text.replace('"a":1', '"b":1').replace('"b":2', '"a":2'), encoding="utf-8")
    with pytest.raises(RunError, match="2 tokens have another number than in training"):
        mended(one)


def test_the_precision_is_told(tree: Build) -> None:
    half = {"merged/model.safetensors": making.safetensors(making.WEIGHTS, "BF16")}
    found = mended(leaving(tree, merged=half))
    assert "config.json: dtype is bfloat16, as the weights are stored" in found
    assert any("the weights are bfloat16, those of the base float32" in line for line in found)
    assert said("merged/config.json")["dtype"] == "bfloat16"


def plan(tree: Build, overrides: list[str] | None = None, **base: Any) -> dict[str, Any]:
    tree({**making.model("base", **base), **making.adapter("saves/lab"), **making.run("saves/lab")})
    return exporting.planned(tuned.find(Path("saves/lab"), overrides or [], leaves=True)).config.values


def test_a_run_is_merged_in_the_precision_of_its_base(tree: Build) -> None:
    values = plan(tree)
    assert values["export_dir"] == "models/lab" and values["infer_dtype"] == "float32"
    assert plan(tree, ["infer_dtype=bfloat16", "export_dir=x"])["infer_dtype"] == "bfloat16"


def test_what_must_not_leave_is_refused_before_anything_is_loaded(tree: Build) -> None:
    with pytest.raises(ConfigError, match="cannot be merged into a quantised model"):
        plan(tree, ["quantization_bit=4"])
    with pytest.raises(ConfigError, match="cannot be merged into a quantised model"):
        plan(tree, quantization_config={"quant_method": "gptq"})
    with pytest.raises(ConfigError, match="export_hub_model_id sends the model away"):
        plan(tree, ["export_hub_model_id=lab/expert"])


def test_a_folder_of_somebody_elses_is_left_alone(llf_kit: Run, tree: Build) -> None:
    plan(tree)
    tree(making.model("models/lab"))
    done = llf_kit("export", "saves/lab", "--no-check")
    assert done.status == 1
    assert "error: models/lab: holds a model that is no export." in done.err


def test_without_a_converter_gguf_is_refused_at_once(
    llf_kit: Run, tree: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan(tree)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = llf_kit("export", "saves/lab", "--no-check", "--gguf")
    assert done.status == 1 and not Path("models").exists()
    assert "error: --gguf: llama.cpp's convert_hf_to_gguf.py is not on PATH. Get llama.cpp" in done.err
    monkeypatch.setenv(gguf.VARIABLE, "gone.py")
    with pytest.raises(NotInstalledError, match=r"gone\.py: is no file"):
        gguf.find()


def converter(kind: str) -> str:
    """The text of a converter that writes a GGUF file with two keys, a list and no weights."""
    return f"""
import struct, sys
def text(one):
    return struct.pack("<Q", len(one)) + one.encode()
keys = text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
keys += text("tokenizer.ggml.model") + struct.pack("<I", 8) + text({kind!r})
keys += text("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 7)
open(sys.argv[sys.argv.index("--outfile") + 1], "wb").write(b"GGUF" + struct.pack("<IQQ", 3, 0, 3) + keys)
"""


def test_a_converter_that_takes_the_tokenizer_for_another_is_refused(tree: Build) -> None:
    tree(making.model("merged"))
    path = Path("merged/tokenizer.json")
    parts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**parts, "pre_tokenizer": {"type": "ByteLevel"}}), encoding="utf-8")
    for kind in ("gpt2", "llama"):
        tree({f"{kind}.py": converter(kind)})
    made = gguf.convert(Path("gpt2.py"), Path("merged"), "f16")
    assert made == Path("merged/llf-kit-f16.gguf")
    assert gguf.metadata(made) == {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.eos_token_id": 7}
    with pytest.raises(RunError, match="takes its tokenizer for 'llama', and it is 'gpt2'"):
        gguf.convert(Path("llama.py"), Path("merged"), "q8_0")
    assert not list(Path("merged").glob("*q8_0*"))
    made.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 9))
    with pytest.raises(RunError, match="is no GGUF file"):
        gguf.metadata(made)


def test_the_card_says_of_what_it_is_made_and_for_what_it_is_not(tree: Build) -> None:
    result = {"train_loss": 0.1234567, "train_runtime": 12.0, "train_samples_per_second": 3.0}
    tree({**making.run("saves/lab", {"learning_rate": 1e-4}, result=result, base="e" * 64), **making.run("merged")})
    text = card.card("lab", record.load(Path("merged")), record.load(Path("saves/lab")), "你是检验科专家。", ["x: y"])
    for needed in (
        "Not a medical device",
        "不是医疗器械",
        "你是检验科专家。",
        "f" * 64,
        "e" * 64,
        "| 4 |",
        "0.1235",
        "- x: y",
    ):
        assert needed in text
    assert "runtime" not in text and "/" not in text.split("## 数据")[1].split("##")[0]
    bare = card.card("lab", record.load(Path("merged")), None, "", [])
    assert "There is no record of the training." in bare and "None in training." in bare
