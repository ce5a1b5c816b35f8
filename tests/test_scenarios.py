"""Every scenario in both languages: its data are sound, its settings known, and the way of its README can be walked."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, ask_upstream, rows, typed_at_a_terminal

from llf_kit import base_models, convert, line, quality, scenarios
from llf_kit.errors import UsageError
from llf_kit.evaluation import probes, scoring
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.scoring import Wanted
from llf_kit.project import PROBES, PROJECT_FILE, load_settings, read_yaml
from llf_kit.render import load as load_template
from llf_kit.templating import to_yaml

EVERY = [(name, language) for name in scenarios.names() for language in scenarios.LANGUAGES]
each = pytest.mark.parametrize(("name", "language"), EVERY)


@dataclass
class Started:
    """A project of a scenario, and its dataset converted as its own llf-kit.yaml says."""

    directory: Path
    summary: convert.Summary


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Started]:
    """Each made once for all tests of this file."""
    made: dict[tuple[str, str], Started] = {}

    def start(name: str, language: str) -> Started:
        if (name, language) not in made:
            here = tmp_path_factory.mktemp(f"{name}-{language}")
            scenarios.start(scenarios.load(name, language), here)
            said = load_settings(here)
            assert said.name is not None
            plan = convert.Plan(
                said.name, tuple(here / one for one in said.sources), system=said.system, test=said.test,
                near_duplicates=said.near_duplicates,
            )  # fmt: skip
            made[name, language] = Started(here, convert.convert(plan, here))
        return made[name, language]

    return start


def commands(directory: Path) -> list[list[str]]:
    """The commands of a project's README, without the program."""
    text = (directory / "README.md").read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in re.findall(r"^llf-kit .+$", text, re.MULTILINE)]


def test_there_are_the_five_of_the_guide() -> None:
    assert scenarios.names() == ["expert", "extraction", "generation", "report", "roleplay"]


@each
def test_the_data_convert_without_loss_and_no_check_of_a_laboratory_finds_anything(
    name: str, language: str, started: Callable[[str, str], Started]
) -> None:
    one = started(name, language)
    assert one.summary.read == one.summary.written >= 24
    assert not one.summary.flagged and not one.summary.masked and not one.summary.changed
    assert one.summary.files == [f"datasets/lab_{name}.jsonl", f"datasets/lab_{name}_test.jsonl"]
    report = quality.look(one.directory, f"lab_{name}", load_settings(one.directory))
    assert not report.persons, "rows that need a person"
    for finding in ("refused", "flags", "contradictions", "near_duplicates", "contamination"):
        assert not report.figures[finding], finding


def sources(raw: Path) -> Iterator[str]:
    """What each raw row names as its source."""
    import openpyxl
    import polars as pl

    (file,) = raw.iterdir()
    if file.suffix == ".jsonl":
        yield from (str(list(row.values())[-1]) for row in rows(file))
    elif file.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(file).worksheets[0]
        yield from (str(line[-1]) for line in sheet.iter_rows(min_row=2, values_only=True))
    else:
        encoding = "gb18030" if file.parts[-4:-2] == ("expert", "zh") else "utf8"
        yield from pl.read_csv(file, encoding=encoding).to_series(-1).cast(pl.String).to_list()


@each
def test_every_row_and_every_probe_names_its_source(name: str, language: str) -> None:
    files = scenarios.load(name, language).files
    named = list(sources(files / "raw"))
    assert len(named) >= 24 and all(len(one.strip()) > 3 for one in named)
    assert all(len(str(probe.source)) > 3 for probe in probes.load(files / PROBES))


@each
def test_probes_are_answered_right_by_their_own_answers_and_training_never_sees_them(
    name: str, language: str, started: Callable[[str, str], Started]
) -> None:
    one = started(name, language)
    found = probes.load(one.directory / PROBES)
    assert len(found) >= 4
    for probe, judged in zip(found, probes.judge(found, [probe.answer for probe in found]), strict=True):
        assert judged.right == 1.0, (probe.id, judged.note)
    asked = {row["instruction"] for file in one.summary.files for row in rows(one.directory / file)}
    assert not asked & {probe.question for probe in found}


@each
def test_settings_are_known_and_right_answers_pass_the_gate(
    name: str, language: str, started: Callable[[str, str], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = started(name, language)
    monkeypatch.chdir(one.directory)  # where answer_format is looked for
    said = load_settings(one.directory)
    assert set(said.train.parameters) <= set(load_template(said.train.template).parameters)
    assert base_models.find(said.model or "")
    assert said.metrics and set(said.metrics) <= set(NAMES) and set(said.gate) <= set(said.metrics)

    def judged(dataset: str, answer: Callable[[str], str]) -> dict[str, bool]:
        asked = [
            Prediction(row["instruction"], answer(row["output"]), row["output"], question=row["instruction"])
            for row in rows(one.directory / f"datasets/{dataset}.jsonl")
        ]
        evaluation = scoring.evaluate(asked, name="x", dataset=dataset, wanted=Wanted(None, (), said.answer_format))
        return {judgement.name: judgement.passed for judgement in scoring.judged(evaluation, said.gate)[1]}

    # Every metric of the gate is scored on the test set: one that is not would stop every release.
    assert all(judged(f"lab_{name}_test", str).values())
    assert not all(judged(f"lab_{name}_test", lambda _: "- 3.0 mg/dL\n" * 5).values())


@pytest.mark.parametrize("name", scenarios.names())
def test_the_commands_of_its_readme_work_in_their_order(
    name: str, project: Path, llf_kit: Callable[..., Result]
) -> None:
    made = llf_kit("init", "--scenario", name, "--lang", "en")
    assert made.status == 0 and made.err.endswith("next: llf-kit convert\n")
    for verb, *arguments in commands(project):
        if verb in ("convert", "render", "check"):
            done = llf_kit(verb, *arguments, *(["--json"] if verb == "check" else []))
            assert done.status == 0, done.err
            if verb == "check":
                assert {one["severity"] for one in done.json} == {"info"}, done.json
        elif verb == "evaluate":
            assert arguments[0] == read_yaml(project / "train.yaml")["output_dir"]
            if "--dataset" in arguments:
                dataset = arguments[arguments.index("--dataset") + 1]
                assert len(rows(project / f"datasets/{dataset}.jsonl")) == len(probes.load(project / PROBES))
    trained = read_yaml(project / "train.yaml")
    for key, value in load_settings(project).train.set.items():
        assert trained[key] == value
    assert trained["finetuning_type"] == ("full" if name == "extraction" else "lora")


def test_every_answer_is_an_option(project: Path, llf_kit: Callable[..., Result]) -> None:
    done = llf_kit("init", "a b", "--scenario", "report", "--lang", "en", "--name", "mine", "--json",
                   "--model", "me/mine-7b", "--template", "qwen")  # fmt: skip
    assert done.json["next"] == "cd 'a b' && llf-kit convert"
    assert all((project / file).is_file() for file in done.json["files"])
    said = load_settings(project / "a b")
    assert (said.name, said.model, said.train.set["template"]) == ("mine", "me/mine-7b", "qwen")
    (project / "base").mkdir()
    assert llf_kit("init", "c", "--model", "base", "--template", "qwen").status == 0
    assert load_settings(project / "c").model == str(project / "base"), "as seen from the project it would be missing"


def test_a_terminal_is_asked_for_what_is_missing(project: Path) -> None:
    status, shown = typed_at_a_terminal(project, "roleplay\nen\n\n", "init", "here")
    assert status == 0, shown
    assert "A consultant on laboratory questions" in shown
    assert load_settings(project / "here").name == "lab_roleplay"
    status, shown = typed_at_a_terminal(project, "", "init", "there", "--scenario", "report", "--lang", "zh",
                                        "--model", "qwen3-1.7b")  # fmt: skip
    assert status == 0 and "Base model" not in shown
    status, shown = typed_at_a_terminal(project, "\x04", "init", "nowhere")
    assert status == 1 and "Traceback" not in shown and not (project / "nowhere").exists()
    status, shown = typed_at_a_terminal(project, "", "init", "there")
    assert status == 2 and "there is a project already" in shown and "Language" not in shown, "asked for nothing"


def test_a_model_that_is_not_known_is_asked_for_again_or_for_its_template(project: Path) -> None:
    status, shown = typed_at_a_terminal(project, "report\nen\nqwen3-1.7bb\n\nme/mine\nqwen\n", "init")
    assert status == 0, shown
    assert "Did you mean 'qwen3-1.7b'?" in shown and "Enter for another model" in shown
    said = load_settings(project)
    assert (said.model, said.train.set["template"]) == ("me/mine", "qwen")


def test_data_that_are_there_are_not_mixed_with_the_example(
    tree: Callable[[dict[str, Any]], Path], llf_kit: Callable[..., Result]
) -> None:
    here = tree({"mine/raw/lab.csv": "question,answer\nNormal potassium?,3.5-5.3 mmol/L\n", "mine/notes.txt": ""})
    done = llf_kit("init", "mine", "--lang", "en")
    assert (done.status, "kept      mine/raw  your files alone" in done.err) == (0, True), done.err
    assert [one.name for one in (here / "mine/raw").iterdir()] == ["lab.csv"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--scenario", "extracton"), 2, "--scenario extracton: there is no such scenario. Did you mean 'extraction'?"),
        (("--lang", "de"), 2, "--lang de: there is no such language. Take zh or en."),
        (("--model", "qwen2-1.5b-instrukt"), 2, "Did you mean 'qwen2-1.5b-instruct'?"),
        (("--model", "me/mine"), 2, "--model me/mine: llf-kit does not know its template. Add --template NAME"),
        (("--name", "检验"), 2, "Use ASCII letters, digits, _ and - only."),
        (("file",), 2, "file: is a file. Name a folder for the project."),
        (("file/below",), 2, "file: is a file. Name a folder for the project."),
        (("project",), 2, "project/llf-kit.yaml: there is a project already."),
        (("taken",), 2, "taken/README.md: is there already. Move it away, or name another folder"),
        (("blocked",), 2, "blocked/raw: is a file, and a folder has to be there. Move it away."),
        (("linked",), 2, "linked/raw: leads out of the project. Remove the link."),
    ],
)
def test_what_cannot_be_is_told_with_its_mend_and_leaves_nothing(
    arguments: tuple[str, ...], status: int, said: str, tree: Callable[[dict[str, Any]], Path],
    llf_kit: Callable[..., Result],
) -> None:  # fmt: skip
    here = tree({"file": "", "project/llf-kit.yaml": "", "taken/README.md": "mine", "blocked/raw": "mine"})
    (here / "linked").mkdir()
    (here / "linked/raw").symlink_to(here / "taken")
    before = sorted(here.rglob("*"))
    done = llf_kit("init", *arguments)
    assert (done.status, said in done.err) == (status, True), done.err
    assert sorted(here.rglob("*")) == before
    assert (here / "taken/README.md").read_text() == "mine"


def test_what_was_written_is_taken_back_where_the_rest_cannot_be(
    project: Path, llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "full").mkdir()
    (project / "full" / "notes.txt").write_text("mine")
    whole = Path.replace

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == PROJECT_FILE:
            raise OSError(28, "No space left on device", str(target))
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", full)
    for directory in ("full", "new/deep"):
        done = llf_kit("init", directory)
        assert done.status == 1
        assert f"{directory}/llf-kit.yaml: cannot be written (No space left on device)." in done.err
    assert [path.name for path in project.rglob("*")] == ["full", "notes.txt"]


def test_a_folder_that_may_not_be_written_is_told(
    project: Path, llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)  # tests may run as root, whom no folder refuses
    done = llf_kit("init", "new")
    assert done.status == 1 and "new: cannot be written (Permission denied). Choose a folder" in done.err


def test_unknown_names_are_refused_in_the_library_too() -> None:
    with pytest.raises(UsageError, match="Did you mean 'expert'"):
        scenarios.load("experts", "zh")


THROUGH_UPSTREAM = """
from llamafactory.data.loader import _get_dataset_processor, _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import AutoTokenizer, TrainingArguments

model = ModelArguments(model_name_or_path=data["model"], cache_dir=data["cache"])
tokenizer = AutoTokenizer.from_pretrained(data["model"])
result = {}
for key, (name, directory) in data["sets"].items():
    arguments = DataArguments(template="smollm2", dataset=name, dataset_dir=directory, cutoff_len=1024)
    training = TrainingArguments(output_dir=data["cache"], use_cpu=True)
    aligned = _load_single_dataset(get_dataset_list([name], directory)[0], model, arguments, training)
    shaped = get_template_and_fix_tokenizer(tokenizer, arguments)
    ready = _get_dataset_processor(arguments, "sft", shaped, tokenizer, None).preprocess_dataset(aligned[:])
    result[key] = [tokenizer.decode([t for t in labels if t >= 0]) for labels in ready["labels"]]
"""


@pytest.mark.real
def test_llamafactory_trains_on_every_answer_of_every_scenario(
    smollm2: Path, started: Callable[[str, str], Started], tmp_path: Path
) -> None:
    sets = {name: (f"lab_{name}", str(started(name, "zh").directory)) for name in scenarios.names()}
    seen = ask_upstream(THROUGH_UPSTREAM, {"sets": sets, "cache": str(tmp_path), "model": str(smollm2)})
    for key, (name, directory) in sets.items():
        wanted = [
            "".join(f"{said}<|im_end|>\n" for said in (*(answer for _, answer in row["history"]), row["output"]))
            for row in rows(Path(directory) / f"datasets/{name}.jsonl")
        ]
        assert seen[key] == wanted, key


SMALL = {"precision": "fp32", "val_size": 0, "gradient_accumulation_steps": 1, "per_device_train_batch_size": 1,
         "num_train_epochs": 0.01}  # fmt: skip


def made_small(project: Path, **changed: Any) -> None:
    """One step of training, two probes asked, a word of each answer; all else as the scenario says."""
    file = project / PROJECT_FILE
    said = read_yaml(file)
    said["train"]["set"] |= SMALL
    file.write_text(to_yaml(said | {"test": 0, "max_new_tokens": 8} | changed), encoding="utf-8")
    asked = (project / PROBES).read_text(encoding="utf-8").splitlines(keepends=True)[:2]
    (project / PROBES).write_text("".join(asked), encoding="utf-8")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "language", "word"),
    [
        ("extraction", "en", "It did not pass the gate."),
        ("generation", "zh", "没有通过放行门槛。"),
        ("report", "en", "It did not pass the gate."),
        ("roleplay", "zh", "没有通过放行门槛。"),
    ],
)
def test_a_model_that_learnt_nothing_is_reported_on_and_does_not_leave(
    name: str, language: str, word: str, project: Path, smollm2: Path, llf_kit: Callable[..., Result]
) -> None:
    llf_kit("init", "--scenario", name, "--lang", language, "--model", smollm2)
    gate = load_settings(project).gate
    made_small(project)
    done = llf_kit("run")
    (run,) = (project / "saves").iterdir()
    measured = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    shutil.rmtree(run / "checkpoint-1")  # gigabytes, where every weight is trained
    assert done.status == 1, done.err
    assert f"saves/{run.name}: the gate failed: format is 0.00" in done.err
    assert (measured["dataset"], measured["n"]) == (f"lab_{name}_probes", 2)
    assert (measured["gate"], measured["partial"]) == ("failed", None)
    # Eight tokens are not words enough to repeat any
    counted = {*gate, *load_settings(project).metrics} - {"repetition", "distinct-2"}
    assert all(measured["metrics"][one]["scored"] == 2 for one in counted), measured["metrics"]
    assert "likelihood" not in done.err, "perplexity is not among the metrics"
    page = (run / "report.html").read_text(encoding="utf-8")
    assert word in page and f"lab_{name}_probes" in page
    assert not (project / "models").exists()


@pytest.mark.real
def test_the_whole_line_of_a_scenario_and_nothing_twice(
    project: Path, smollm2: Path, llf_kit: Callable[..., Result]
) -> None:
    llf_kit("init", "--scenario", "expert", "--lang", "zh", "--model", smollm2)
    made_small(project, gate={"chrf": 0})
    done = llf_kit("run", "--json")
    assert done.status == 0, done.err
    assert {one["step"]: one["why"] for one in done.json} == dict.fromkeys(line.STEPS, "for the first time")
    assert "通过了放行门槛。" in (project / "saves/lora_sft/report.html").read_text(encoding="utf-8")
    from transformers import AutoConfig, AutoTokenizer

    merged = project / "models/lora_sft"
    assert AutoConfig.from_pretrained(merged).model_type == "llama"
    tokenizer = AutoTokenizer.from_pretrained(merged)
    assert "你是检验科的专家" in tokenizer.apply_chat_template([{"role": "user", "content": "血钾？"}], tokenize=False)
    again = llf_kit("run", "--json")
    assert {one["step"]: one["why"] for one in again.json} == dict.fromkeys(line.STEPS, "skipped, nothing changed")
    assert "…" not in again.err

    (project / "saves/lora_sft/report.html").unlink()
    (merged / "README.md").write_text("Our model.\n", encoding="utf-8")
    (merged / "lora_sft-Q8_0.gguf").write_text("of llf-kit export --gguf", encoding="utf-8")
    again = llf_kit("run")
    assert "report: again, because saves/lora_sft/report.html is gone" in again.err
    assert "rows 1 to" not in again.err, "what was answered is asked again"
    assert "export: skipped, models/lora_sft/README.md changed by hand, which is kept" in again.err
    assert again.err.endswith("\n  export    models/lora_sft/\n")

    file = project / PROJECT_FILE
    file.write_text(to_yaml(read_yaml(file) | {"gate": {"chrf": 100}}), encoding="utf-8")
    failed = llf_kit("run")
    assert failed.status == 1 and "the gate failed: chrf is" in failed.err
    assert "train: skipped, nothing changed" in failed.err
    assert "evaluate: again, because llf-kit.yaml: gate changed" in failed.err
    assert "rows 1 to" not in failed.err
    assert "没有通过放行门槛。" in (project / "saves/lora_sft/report.html").read_text(encoding="utf-8")
    assert llf_kit("run", "--until", "evaluate").status == 1, "nothing changed, and it has not passed"
