"""Many runs of one YAML: nested sizes, folds, their tables; and two real ones, of which one overfits on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Trained, rows

from llf_kit.errors import ConfigError, UsageError
from llf_kit.evaluation.curves import crossval, curve, plan_curve, plan_folds
from llf_kit.evaluation.fit_judging import judge
from llf_kit.evaluation.runs import Ran, run_all
from llf_kit.project import read_yaml
from llf_kit.upstream import configs

COLUMNS = {"prompt": "instruction", "response": "output"}
ENTRY = {"formatting": "alpaca", "columns": COLUMNS}


def codes(*names: str, shift: int = 0) -> list[dict[str, Any]]:
    """Rows whose answers nobody can know."""
    return [
        {
            "instruction": f"What is the code of analyser {name}?",
            "output": f"The code of {name} is {(len(name) * 7919 + sum(map(ord, name)) * 613 + shift) % 9000 + 1000}.",
        }
        for name in names
    ]


def yaml(**settings: object) -> str:
    base = {
        "stage": "sft",
        "do_train": True,
        "dataset_dir": ".",
        "dataset": "lab",
        "output_dir": "saves/run",
        "seed": 7,
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in {**base, **settings}.items())


def info(*names: str) -> str:
    return json.dumps({name: {**ENTRY, "file_name": f"{name}.jsonl"} for name in names})


def test_a_bigger_size_holds_the_smaller_and_all_are_validated_on_the_same_rows(
    tree: Callable[[dict[str, Any]], Path],
) -> None:
    tree({
        "dataset_info.json": info("lab"),
        "lab.jsonl": codes(*(f"a{number}" for number in range(40))),
        "train.yaml": yaml(val_size=0.1, max_samples=5, eval_strategy="epoch"),
    })  # fmt: skip
    planned = plan_curve(configs.load(Path("train.yaml")), [1, 0.25, 0.5])
    assert [(one.group, one.rows) for one in planned] == [("0.25", 9), ("0.5", 18), ("1", 36)]
    data = Path("saves/run_curve/data")
    parts = [{row["instruction"] for row in rows(data / f"lab_{size}.jsonl")} for size in ("0_25", "0_5", "1")]
    assert parts[0] < parts[1] < parts[2]
    held = {row["instruction"] for row in rows(data / "lab_held_out.jsonl")}
    assert len(held) == 4
    assert not held & parts[2]
    values = read_yaml(Path("saves/run_curve/size_0.25.yaml"))
    assert (values["dataset"], values["eval_dataset"], values["do_eval"]) == ("lab_0_25", "lab_held_out", True)
    assert not {"val_size", "max_samples"} & values.keys()
    assert values["output_dir"] == "saves/run_curve/size_0.25"
    before = (data / "lab_1.jsonl").read_bytes()
    plan_curve(configs.load(Path("train.yaml")), [0.5, 1], seeds=[1, 2])
    assert (data / "lab_1.jsonl").read_bytes() == before, "the seed of a run is not that of the subsets"
    assert Path("saves/run_curve/size_1_seed_2.yaml").is_file()


def test_an_eval_dataset_stays_whole(tree: Callable[[dict[str, Any]], Path]) -> None:
    tree({
        "dataset_info.json": info("lab", "lab_val"),
        "lab.jsonl": codes("a", "b", "c", "d"),
        "lab_val.jsonl": codes("e", "f"),
        "train.yaml": yaml(eval_dataset="lab_val"),
    })  # fmt: skip
    plan_curve(configs.load(Path("train.yaml")), [0.5, 1])
    entries = json.loads(Path("saves/run_curve/data/dataset_info.json").read_text())
    assert Path(entries["lab_val"]["file_name"]) == Path("lab_val.jsonl").resolve()
    assert entries["lab_val"]["columns"] == COLUMNS


@pytest.mark.parametrize(
    ("settings", "sizes", "error", "message"),
    [
        ({"val_size": 0.5}, [1.0], UsageError, "two or more shares"),
        ({"val_size": 0.5}, [0.5, 1.5], UsageError, "two or more shares"),
        ({}, [0.5, 1.0], ConfigError, "nothing is held out"),
        ({"val_size": 0.5}, [0.01, 1.0], ConfigError, "lab: 0.01 of its 2 rows is none"),
        ({"val_size": 0.5, "do_train": False}, [0.5, 1.0], ConfigError, "trains nothing"),
    ],
)
def test_what_makes_no_curve_is_refused(
    tree: Callable[[dict[str, Any]], Path], settings: dict[str, Any], sizes: list[float], error: type, message: str
) -> None:
    tree({
        "dataset_info.json": info("lab"),
        "lab.jsonl": codes("a", "b", "c", "d"),
        "train.yaml": yaml(**settings),
    })  # fmt: skip
    with pytest.raises(error, match=message):
        plan_curve(configs.load(Path("train.yaml")), sizes)


def test_each_fold_is_held_out_once(tree: Callable[[dict[str, Any]], Path]) -> None:
    names = [f"lab_fold{number}" for number in (1, 2, 10)]
    tree({
        "dataset_info.json": info(*names, "other_fold1"),
        **{f"{name}.jsonl": codes("a", "b") for name in names},
        "train.yaml": yaml(dataset="lab_fold1,lab_fold2", eval_dataset="lab_fold10", val_size=0.1),
        "plain.yaml": yaml(dataset="other"),
    })  # fmt: skip
    planned = plan_folds(configs.load(Path("train.yaml")))
    assert [(one.name, one.rows) for one in planned] == [("fold1", 4), ("fold2", 4), ("fold10", 4)]
    values = read_yaml(Path("saves/run_crossval/fold2.yaml"))
    assert (values["dataset"], values["eval_dataset"]) == ("lab_fold1,lab_fold10", "lab_fold2")
    assert "val_size" not in values
    with pytest.raises(ConfigError, match="Convert with --name other --folds 5"):
        plan_folds(configs.load(Path("plain.yaml")))


def ran(group: str, loss: float | None, count: int = 10, problem: str | None = None) -> Ran:
    return Ran(f"size_{group}", group, count, "saves", {} if loss is None else {"eval_loss": loss}, problem)


def test_a_curve_says_whether_more_data_will_help() -> None:
    rising = curve([ran("0.25", 2.0, 25), ran("0.5", 1.6, 50), ran("1", 1.3, 100)])
    assert rising.sentences["en"].startswith("Still rising: from 50 to 100 training rows")
    assert "再增加数据会有帮助" in rising.sentences["zh"]
    flat = curve([ran("0.25", 2.0, 25), ran("0.5", 1.31, 50), ran("1", 1.3, 100)])
    assert flat.sentences["en"].startswith("Flat")
    noisy = curve([ran("0.5", 1.2), ran("0.5", 2.0), ran("1", 1.1), ran("1", 1.9)])
    assert noisy.groups["1"] is not None and noisy.groups["1"].runs == 2
    assert noisy.sentences["en"].startswith("Flat"), "no more than the spread between seeds"
    failed = curve([ran("0.5", 1.6), ran("1", None, problem="out of memory")])
    assert "cannot be said" in failed.sentences["en"]
    assert "1 of 2 runs failed" in failed.sentences["en"]


def test_folds_have_a_spread_and_a_hardest_one() -> None:
    made = crossval([ran("fold1", 1.0), ran("fold2", 1.4), ran("fold3", 1.2)])
    assert "3 folds: eval_loss has mean 1.20, standard deviation 0.20, range 1.00–1.40" in made.sentences["en"]
    assert "the hardest is fold2" in made.sentences["en"]
    assert "cannot be said" in crossval([ran("fold1", 1.0)]).sentences["en"]


def test_a_dry_run_trains_nothing(llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]) -> None:
    tree({
        "dataset_info.json": info("lab"),
        "lab.jsonl": codes("a", "b", "c", "d"),
        "train.yaml": yaml(val_size=0.5),
    })  # fmt: skip
    done = llf_kit("curve", "train.yaml", "--sizes", "0.5,1", "--dry-run", "--json")
    assert (done.status, [one["rows"] for one in done.json]) == (0, [1, 2])
    assert not Path("saves/run_curve/size_1").exists()
    wrong = llf_kit("curve", "train.yaml", "--sizes", "half,1")
    assert (wrong.status, "no comma list of numbers" in wrong.err) == (2, True)


@pytest.mark.real
def test_a_real_curve_whose_largest_run_overfits_is_run_once(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path], smollm2: Path
) -> None:
    """Codes that cannot be known, a high rate and five rounds: what is learnt of them cannot help with the others."""
    tree({
        "dataset_info.json": info("lab", "lab_val"),
        "lab.jsonl": codes("alpha", "brio", "cato", "delta", "eros", "felis", "gamma", "hugo"),
        "lab_val.jsonl": codes("ivo", "juno", "kilo", "lima", shift=4321),
        "train.yaml": yaml(
            model_name_or_path=str(smollm2), template="chatml", finetuning_type="lora", lora_target="all",
            eval_dataset="lab_val", eval_strategy="epoch", cutoff_len=64, per_device_train_batch_size=4,
            per_device_eval_batch_size=4, learning_rate=0.005, lr_scheduler_type="constant", num_train_epochs=5.0,
            logging_steps=1, save_steps=4, save_only_model=True, disable_gradient_checkpointing=True, report_to="none",
        ),
    })  # fmt: skip
    done = llf_kit("curve", "train.yaml", "--sizes", "0.25,1", "--json")
    assert done.status == 0, done.err
    assert list(done.json["rows"].values()) == [2, 8]
    assert all(one["mean"] > 0 for one in done.json["groups"].values())
    verdict = judge(Path("saves/run_curve/size_1"))
    assert verdict.kind == "overfitting", verdict.sentences["en"]
    assert verdict.turned is not None and verdict.turned.step is not None and verdict.turned.step < 10
    assert verdict.keep is not None and Path(verdict.keep, "adapter_config.json").is_file()
    again = llf_kit("curve", "train.yaml", "--sizes", "0.25,1", "--json")
    assert [one["again"] for one in again.json["runs"]] == [False, False]
    assert again.json["groups"] == done.json["groups"]
    other = llf_kit("curve", "train.yaml", "learning_rate=0.001", "--sizes", "0.25,1")
    assert (other.status, "holds a run of other settings" in other.err) == (1, True)


@pytest.mark.real
def test_a_real_run_of_two_steps_is_undertrained(trained: Trained) -> None:
    verdict = judge(trained.adapter)
    assert verdict.kind == "underfitting"
    assert "moved only 2 times" in verdict.sentences["en"]
    assert verdict.keep == str(trained.adapter)
    assert "no eval_strategy" in verdict.missing["en"][0]


@pytest.mark.real
def test_a_run_that_fails_is_a_row(tree: Callable[[dict[str, Any]], Path]) -> None:
    tree({
        "dataset_info.json": info("lab_fold1", "lab_fold2"),
        "lab_fold1.jsonl": codes("a", "b"),
        "lab_fold2.jsonl": codes("c", "d"),
        "train.yaml": yaml(model_name_or_path="nowhere", no_such_key=1),
    })  # fmt: skip
    done = run_all(plan_folds(configs.load(Path("train.yaml")))[:1])
    assert done[0].problem is not None and "no_such_key" in done[0].problem
    made = crossval(done)
    assert made.groups == {"fold1": None}
    assert "1 of 1 runs failed" in made.sentences["en"]
