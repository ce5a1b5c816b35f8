"""What becomes of an earlier training, and why a step is done again: on real files, with nobody there to train."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import making
import pytest

from llf_kit import line as whole_line
from llf_kit.errors import ConfigError, LlfKitError
from llf_kit.line import Watch, continuing
from llf_kit.project import PROBES
from llf_kit.upstream import configs, process, record

RAW = "question,answer\n" + "".join(
    f"Normal {name} of adults?,{low}-{high} mmol/L\n"
    for name, low, high in (("potassium", 3.5, 5.3), ("sodium", 137, 147), ("chloride", 99, 110), ("calcium", 2, 3))
)
PROBE = {"question": "Say the limits of potassium.", "low": "3.5", "high": "5.3", "unit": "mmol/L",
         "answer": "3.5-5.3 mmol/L", "source": "WS/T 404.3-2012"}  # fmt: skip
SETTINGS = "name: lab\nsources: [raw]\nmodel: base\ntrain: {set: {template: chatml, precision: fp32, val_size: 0}}\n"
OUTPUT = Path("saves/lora_sft")
WEIGHTS = OUTPUT / "adapter_model.safetensors"

Line = Callable[[], dict[str, str]]


def left(*files: str, **facts: Any) -> record.Record:
    """What the training that the line would begin now has left; ``facts`` of its record are otherwise."""
    found = record.start("train", configs.load(Path("lora_sft.yaml")), OUTPUT, Path())
    for name, value in facts.items():
        setattr(found, name, value)
    for name in files:
        (OUTPUT / name).parent.mkdir(parents=True, exist_ok=True)
        (OUTPUT / name).write_bytes(making.safetensors(making.WEIGHTS))
    found.write()
    return found


def run() -> dict[str, str]:
    """What became of each step until the training, as it is told; of one that could not be done, the error."""
    told: list[str] = []
    try:
        whole_line.run(Path(), "train", Watch(told.append))
    except LlfKitError as error:
        told.append(f"error: {error}")
    return dict(text.split(": ", 1) for text in told if ": " in text)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose training is there, done by `llf-kit train` after `llf-kit run` could not."""
    here = tmp_path_factory.mktemp("walked")
    for name, text in {"raw/a.csv": RAW, PROBES: json.dumps(PROBE), "llf-kit.yaml": SETTINGS,
                       **making.model("base")}.items():  # fmt: skip
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setenv("LLF_KIT_LLAMAFACTORY_CLI", "nobody")
        assert run()["error"].startswith("LLF_KIT_LLAMAFACTORY_CLI=nobody: is no program")
        left(WEIGHTS.name, status="done")
        assert run()["train"] == "again, because it did not end the last time"
    return here


@pytest.fixture
def line(walked: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A copy of that project."""
    shutil.copytree(walked, project, dirs_exist_ok=True)
    monkeypatch.setenv("LLF_KIT_LLAMAFACTORY_CLI", "nobody")
    return run


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new), encoding="utf-8")


def unchanged(said: dict[str, str]) -> set[str]:
    return {step for step, why in said.items() if why == "skipped, nothing changed"}


def test_a_training_that_is_there_is_taken_and_one_that_is_damaged_is_done_again(line: Line) -> None:
    assert unchanged(line()) == {"convert", "quality", "render", "check", "train"}
    WEIGHTS.write_text("cut short")
    said = line()
    assert "is no program" in said["error"], "it has to be trained again"
    assert len(list(Path("saves").glob("lora_sft_*"))) == 1, "set aside, not lost"
    left(status="done", started="2026-01-01T00:00:00+00:00")
    assert "is no program" in line()["error"], "a record without weights is no training"


def test_a_changed_probe_leaves_the_training_as_it_is(line: Line) -> None:
    edit(PROBES, "5.3", "5.5")
    said = line()
    assert said["convert"] == f"again, because {PROBES} changed"
    assert unchanged(said) == {"quality", "render", "check", "train"}


def test_a_row_more_is_converted_and_trained_again(line: Line) -> None:
    edit("raw/a.csv", RAW, RAW + "Normal magnesium of adults?,0.75-1.02 mmol/L\n")
    said = line()
    assert said["convert"] == "again, because raw/a.csv changed"
    assert said["check"] == "again, because datasets/lab.jsonl changed"
    assert "is no program" in said["error"]


def test_another_name_of_the_dataset_is_another_dataset(line: Line) -> None:
    edit("llf-kit.yaml", "name: lab", "name: other")
    said = line()
    assert said["convert"] == "again, because llf-kit.yaml: name changed"
    assert said["quality"] == "again, because datasets/other.jsonl is new, datasets/lab.jsonl is gone"
    assert said["render"].startswith("again, because llf-kit.yaml: dataset changed")
    assert "is no program" in said["error"]


def test_another_method_is_another_run(line: Line) -> None:
    edit("llf-kit.yaml", "train: {", "train: {template: train/full_sft, ")
    said = line()
    assert "template train/full_sft is new" in said["render"]
    assert said["check"] == "again, because full_sft.yaml is new, lora_sft.yaml is gone"
    assert "is no program" in said["error"]
    assert WEIGHTS.is_file(), "the other run lies where it lay"


def test_settings_that_cannot_be_read_change_nothing(line: Line) -> None:
    edit("llf-kit.yaml", "train: {", "train: [")
    assert "llf-kit.yaml" in line()["error"]
    edit("llf-kit.yaml", "train: [", "train: {")
    assert unchanged(line()) == {"convert", "quality", "render", "check", "train"}


def test_where_the_yaml_says_the_output_goes_is_where_it_is_looked_for(line: Line) -> None:
    edit("lora_sft.yaml", "saves/lora_sft", "saves/mine")
    OUTPUT.rename("saves/mine")
    said = line()
    assert said["render"] == "skipped, lora_sft.yaml changed by hand, which is kept"
    assert "is no program" in said["error"], "another YAML is another training"
    assert next(Path("saves").iterdir()).name.startswith("mine_"), "there it was found, and set aside"


def test_edits_are_not_lost_where_another_file_is_gone(line: Line) -> None:
    edit("datasets/lab.jsonl", "mmol/L", "mmol/L in serum")
    Path("datasets/lab_probes.jsonl").unlink()
    assert "because datasets/lab_probes.jsonl is gone. That would lose the edits" in str(line())
    assert "in serum" in Path("datasets/lab.jsonl").read_text(encoding="utf-8")


def test_two_lines_in_one_project_do_not_meet(line: Line) -> None:
    with Path(".llf-kit/line.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another `llf-kit run` is at work here" in str(line())


@pytest.mark.parametrize(
    ("checkpoints", "facts", "goes_on", "said"),
    [
        ((2, 10), {}, True, "goes on after step 10"),
        ((), {}, False, "begins anew, since a training did not end, and it left no checkpoint"),
        ((2,), {"data": {}}, False, "and its data changed"),
        ((2,), {"config_sha256": "", "base": "another"}, False, "and its settings, base model changed"),
    ],
)
def test_a_training_that_was_stopped_goes_on_or_it_is_said_why_not(
    line: Line, checkpoints: tuple[int, ...], facts: dict[str, Any], goes_on: bool, said: str
) -> None:
    left(*(f"checkpoint-{step}/trainer_state.json" for step in checkpoints), status="running", **facts)
    left("checkpoint-12/model.safetensors", status="running", **facts)  # killed while it was written
    told: list[str] = []
    now = record.start("train", configs.load(Path("lora_sft.yaml")), OUTPUT, Path())
    assert continuing.resumes(OUTPUT, now, told.append) == goes_on
    assert said in told[0]
    assert sorted(one.name for one in OUTPUT.glob("checkpoint-*")) == ["checkpoint-10", "checkpoint-2"] * goes_on


def test_a_training_that_outlived_its_llf_kit_is_left_at_work(line: Line) -> None:
    left("checkpoint-2/trainer_state.json", status="running")
    with process.private_log(OUTPUT / "llf-kit-run.log") as log:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=log)
    said = line()  # who started it has closed the log, as one who was killed
    child.communicate(b"\n")
    assert "a run is at work in it" in said["error"]
    assert "is no program" in line()["error"], "now it is not"


def test_a_folder_of_somebody_elses_is_left_alone(line: Line) -> None:
    now = record.load(OUTPUT)
    (OUTPUT / record.FILE).unlink()
    with pytest.raises(ConfigError, match="holds what is no training of llf-kit"):
        continuing.resumes(OUTPUT, now, [].append)
    assert WEIGHTS.is_file()
