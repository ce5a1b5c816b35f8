"""What ``--fix`` writes: the mend, and every other byte as it stood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result

from llf_kit.checks.edits import edited, written

ODD = """\
# a project of ours\x20
model_name_or_path:   Qwen/Qwen2-1.5B-Instruct   # 基座
template : qwen


do_train: "true"      # yes, train
lora_rank:    '8' # small # very
"lora_alpha": "16"
\x20\x20
dataset_dir: .
cutoff_len: 1024.0\t# a tab before it
evaluation_strategy: no   # nothing is evaluated
output_dir: saves/x#1
learning_rate: >-
  1e-5
lora_target: >-
  q_proj,v_proj
seed: "42\""""  # and no line end at last
MENDED = {
    '"true"': "true",
    "'8'": "8",
    '"16"': "16",
    '"lora_alpha"': "lora_alpha",
    "1024.0": "1024",
    "evaluation_strategy: no": 'eval_strategy: "no"',
    ">-\n  1e-5": "1.0e-05",
    '"42"': "42",
}


@pytest.mark.parametrize(("mark", "end"), [("", "\n"), ("", "\r\n"), ("\ufeff", "\n")])
def test_comments_order_and_odd_formatting_stay(
    project: Path, llf_kit: Callable[..., Result], mark: str, end: str
) -> None:
    path = project / "train.yaml"
    path.write_bytes((mark + ODD.replace("\n", end)).encode())
    path.chmod(0o640)
    llf_kit("check", "train.yaml", "--fix")
    wanted = ODD
    for old, new in MENDED.items():
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert path.read_bytes().decode() == mark + wanted.replace("\n", end)
    assert path.stat().st_mode & 0o777 == 0o640
    again = llf_kit("check", "train.yaml", "--fix")
    assert "+++" not in again.err  # there is nothing left to mend


def test_a_mapping_in_one_line_and_a_link(project: Path, llf_kit: Callable[..., Result]) -> None:
    (project / "real.yaml").write_text('{model_name_or_path: x/y, lora_rank: "8", packing: "false"}\n')
    (project / "link.yaml").symlink_to("real.yaml")
    llf_kit("check", "link.yaml", "--fix")
    assert (project / "link.yaml").is_symlink()
    assert (project / "real.yaml").read_text() == "{model_name_or_path: x/y, lora_rank: 8, packing: false}\n"


@pytest.mark.parametrize(
    "text",
    [
        'lora_rank: &r "8"\nlora_alpha: *r\n',  # an alias would be left without its anchor
        "evaluation_strategy: steps\neval_strategy: epoch\n",  # the new name is there already
        "lora_rank: '8'\nlora_rank: 9\n",  # which of the two is meant?
    ],
)
def test_what_would_take_judgement_is_left_alone(project: Path, llf_kit: Callable[..., Result], text: str) -> None:
    path = project / "train.yaml"
    path.write_text(f"model_name_or_path: x/y\n{text}")
    done = llf_kit("check", "train.yaml", "--fix")
    assert done.status == 1
    assert path.read_text() == f"model_name_or_path: x/y\n{text}"


def test_an_edit_leaves_nested_keys_of_the_same_name_alone() -> None:
    text = 'dpo:\n  lora_rank: "8"\nlora_rank: "8"\n'
    assert edited("lora_rank", "lora_rank", "8", text) == 'dpo:\n  lora_rank: "8"\nlora_rank: 8\n'


@pytest.mark.parametrize(("value", "text"), [(1e-5, "1.0e-05"), (True, "true"), (8, "8"), (["a", "b"], "[a, b]")])
def test_values_are_written_as_every_reader_takes_them(value: object, text: str) -> None:
    assert written(value) == text


def test_a_file_that_is_no_yaml_keeps_nobody_from_the_others(project: Path, llf_kit: Callable[..., Result]) -> None:
    (project / "broken.yaml").write_text("a: [\n")
    (project / "other.yaml").write_text("model_name_or_path: x/y\nlora_rnak: 8\n")
    done = llf_kit("check", "broken.yaml", "other.yaml", "none.yaml", "--json")
    assert done.status == 1
    assert [(one["check"], one["where"]) for one in done.json if one["severity"] == "error"] == [
        ("yaml", "broken.yaml:2"),
        ("keys", "other.yaml:2"),
        ("yaml", "none.yaml"),
    ]
