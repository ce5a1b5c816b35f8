"""The whole way in: the sum always holds, nothing is half written, and what others own stays as it is."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Result, rows

from llf_kit.convert import Plan, convert

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

STRANGER = (
    "分类,提问,解答\n生化,血钾？,3.5～5.3 mmol/L\n生化,血钾？,3.5～5.3 mmol/L\n"
    "生化,,x\n生化,血钠？,nan\n免疫,电话13800138000,好\n"
)


def test_a_strangers_gb18030_csv(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER.encode("gb18030")})
    done = llf_kit("convert", "a.csv", "--name", "lab", "--system", "你是检验师。")
    assert done.status == 0
    assert "read 5 = written 2 + duplicates 1 + rejected 2" in done.err
    assert "gb18030" in done.err
    assert rows(here / "datasets/lab.jsonl") == [
        {
            "instruction": "血钾？",
            "input": "",
            "output": "3.5～5.3 mmol/L",
            "system": "你是检验师。",
            "history": [],
            "label": "生化",
        },
        {
            "instruction": "电话【电话】",
            "input": "",
            "output": "好",
            "system": "你是检验师。",
            "history": [],
            "label": "免疫",
        },
    ]
    rejected = rows(here / ".llf-kit/rejected/lab.jsonl")
    assert [(row["source"], row["row"], row["reason"]) for row in rejected] == [
        ("a.csv", 4, "no question"),
        ("a.csv", 5, "no answer"),
    ]


def test_json_prints_one_object_and_nothing_else(tree: Tree, llf_kit: Run) -> None:
    tree({"a.csv": STRANGER})
    said = llf_kit("convert", "a.csv", "--name", "lab", "--json").json
    assert {"read": 5, "written": 2, "duplicates": 1, "rejected": 2}.items() <= said.items()
    assert said["reasons"] == {"no answer": 1, "no question": 1}
    assert said["files"] == ["datasets/lab.jsonl"]
    assert said["masked"] == {"phone": 1}


def test_rejects_are_for_the_owner_only_and_never_committed(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER})
    llf_kit("convert", "a.csv", "--name", "lab")
    assert stat.S_IMODE((here / ".llf-kit/rejected/lab.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE((here / ".llf-kit").stat().st_mode) == 0o700
    assert (here / ".llf-kit/.gitignore").read_text() == "*\n"
    assert not list((here / ".llf-kit").glob("work-*"))


def test_entries_are_complete_and_those_of_others_are_kept(tree: Tree, llf_kit: Run) -> None:
    other = {"theirs": {"hf_hub_url": "someone/中文"}}
    here = tree({"a.csv": STRANGER, "dataset_info.json": json.dumps(other)})
    llf_kit("convert", "a.csv", "--name", "lab", "--format", "sharegpt", "--test", "0.5")
    text = (here / "dataset_info.json").read_text(encoding="ascii")
    info = json.loads(text)
    assert info["theirs"] == other["theirs"]
    assert info["lab_test"] == {**info["lab"], "file_name": "datasets/lab_test.jsonl"}
    for name in ("lab", "lab_test"):
        columns = set(info[name]["columns"].values())
        assert columns | {"label"} == set(rows(here / info[name]["file_name"])[0])
        assert set(info[name]["tags"]) == {
            f"{tag}_tag" for tag in ("role", "content", "user", "assistant", "observation", "function", "system")
        }


def test_without_a_test_set_an_old_one_goes_with_its_entry(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER})
    llf_kit("convert", "a.csv", "--name", "lab", "--test", "0.5")
    assert (here / "datasets/lab_test.jsonl").exists()
    llf_kit("convert", "a.csv", "--name", "lab")
    assert not (here / "datasets/lab_test.jsonl").exists()
    assert set(json.loads((here / "dataset_info.json").read_text())) == {"lab"}


def test_settings_come_from_the_project_file_and_options_win(tree: Tree, llf_kit: Run) -> None:
    here = tree({"raw/a.csv": STRANGER, "llf-kit.yaml": "name: lab\nsources: [raw]\nformat: sharegpt\nsystem: 甲\n"})
    assert llf_kit("convert", "--system", "乙").status == 0
    first = rows(here / "datasets/lab.jsonl")[0]
    assert (first["system"], first["conversations"][0]) == ("乙", {"from": "human", "value": "血钾？"})


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["gone.csv", "--name", "lab"], 1, "gone.csv: there is no such file or folder. Check the path."),
        (["a.csv", "--name", "检验"], 2, "Use ASCII letters, digits, _ and - only."),
        (["a.csv", "--name", "my lab"], 2, "For example 'my_lab'."),
        (["a.csv", "--name", "lab", "--format", "alpacca"], 2, "Did you mean 'alpaca'?"),
        (["a.csv", "--name", "lab", "--test", "1.5"], 2, "Give a number from 0 to below 1"),
        (["a.csv", "--name", "lab", "--map", "question"], 2, "is not KEY=VALUE"),
        (["a.csv"], 2, "--name lab_qa"),
        (["--name", "lab"], 2, "Give the files to convert"),
        (["other.csv", "--name", "lab"], 1, "--map question=患者提的问"),
        (["empty.csv", "--name", "lab"], 1, "is empty. Give a table whose first row names its columns."),
        (["header.csv", "--name", "lab"], 1, "its sources are empty or only a header"),
    ],
)
def test_wrong_input_is_told_and_writes_nothing(
    tree: Tree, llf_kit: Run, arguments: list[str], status: int, says: str
) -> None:
    info = '{"theirs": {"file_name": "x.json"}}'
    here = tree(
        {
            "a.csv": STRANGER,
            "other.csv": "患者提的问,说明\n1,2\n",
            "empty.csv": "",
            "header.csv": "问题,答案\n",
            "dataset_info.json": info,
        }
    )
    done = llf_kit("convert", *arguments)
    assert done.status == status
    assert says in done.err
    assert "Traceback" not in done.err
    assert (here / "dataset_info.json").read_text() == info
    assert not (here / "datasets").exists() or not list((here / "datasets").iterdir())


def test_what_others_wrote_is_not_replaced(tree: Tree, llf_kit: Run) -> None:
    here = tree(
        {
            "a.csv": STRANGER,
            "datasets/mine.jsonl": "my own",
            "datasets/lab_test.jsonl": "my own too",
            "dataset_info.json": '{"theirs": {"hf_hub_url": "someone/theirs"}, "lab_test": {"file_name": "x.json"}}',
        }
    )
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    for arguments, says in (
        (["--name", "theirs"], "has an entry 'theirs' of another's"),
        (["--name", "mine"], "datasets/mine.jsonl is there and not registered"),
        (["--name", "lab", "--test", "0.5"], "has an entry 'lab_test' of another's"),
    ):
        done = llf_kit("convert", "a.csv", *arguments)
        assert (done.status, says in done.err) == (2, True), done.err
        assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    assert llf_kit("convert", "a.csv", "--name", "lab").status == 0
    assert (here / "datasets/lab_test.jsonl").read_text() == "my own too"
    assert json.loads((here / "dataset_info.json").read_text())["lab_test"] == {"file_name": "x.json"}


def test_where_nothing_can_be_written_the_rejects_say_why_and_the_old_data_stay(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER, "b.csv": "问题,答案\n甲,\n乙,\n"})
    llf_kit("convert", "a.csv", "--name", "lab", "--test", "0.5")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and ".llf-kit" not in path.parts}
    done = llf_kit("convert", "b.csv", "--name", "lab")
    assert done.status == 1
    assert "nothing to write out of 2 rows (2 × no answer). .llf-kit/rejected/lab.jsonl has the place" in done.err
    assert [row["row"] for row in rows(here / ".llf-kit/rejected/lab.jsonl")] == [2, 3]
    for path, content in before.items():
        assert path.read_bytes() == content


def test_a_dry_run_shows_and_writes_nothing(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER})
    done = llf_kit("convert", "a.csv", "--name", "lab", "--test", "0.5", "--dry-run")
    assert done.status == 0
    assert "read 5 = written 2 + duplicates 1 + rejected 2" in done.err
    assert "nothing was written" in done.err
    assert [json.loads(line)["instruction"] for line in done.out.splitlines()] == ["血钾？", "电话【电话】"]
    assert [path.name for path in here.rglob("*") if path.is_file() and path.name != ".gitignore"] == ["a.csv"]


def test_files_of_one_name_in_two_folders_are_told_apart(tree: Tree, llf_kit: Run) -> None:
    here = tree({"one/a.csv": "问题,答案\n甲,\n", "two/a.csv": "问题,答案\n乙,好\n丙,\n"})
    llf_kit("convert", "one", here / "two", "--name", "lab")
    rejected = rows(here / ".llf-kit/rejected/lab.jsonl")
    assert [(row["source"], row["row"]) for row in rejected] == [("one/a.csv", 2), ("two/a.csv", 3)]


def test_a_broken_dataset_info_is_found_before_any_work(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": STRANGER, "dataset_info.json": "{oops"})
    done = llf_kit("convert", "a.csv", "--name", "lab")
    assert done.status == 1
    assert "Mend it; it was left as it is." in done.err
    assert (here / "dataset_info.json").read_text() == "{oops"
    assert not (here / "datasets").exists()


def test_wrong_project_files_tell_every_key_at_once(tree: Tree, llf_kit: Run) -> None:
    tree({"llf-kit.yaml": "nmae: lab\ntest: 2\nsystem: [1]\n"})
    done = llf_kit("convert")
    assert done.status == 1
    assert "llf-kit.yaml: nmae: unknown key. Did you mean 'name'?" in done.err
    assert done.err.count("error:") == 3


def test_a_damaged_csv_is_taken_apart_row_by_row(tree: Tree) -> None:
    here = tree({"a.csv": "问题,答案\n甲,1\n乙,2,3\n丙,4\n"})
    summary = convert(Plan("lab", (here / "a.csv",)), here)
    assert (summary.read, summary.written, summary.reasons) == (3, 2, {"3 fields where the header has 2": 1})


def test_identifiers_are_counted_once_even_with_a_test_set(tree: Tree) -> None:
    here = tree({"a.jsonl": [{"question": f"问{n} 13800138000", "answer": "a@b.cn"} for n in range(40)]})
    assert convert(Plan("lab", (here / "a.jsonl",), test=0.25), here).masked == {"email": 40, "phone": 40}


def test_a_full_disk_leaves_the_old_files(tree: Tree) -> None:
    here = tree({"a.csv": STRANGER, "big.jsonl": [{"q": "问" * 2000, "a": f"答{n}"} for n in range(2000)]})
    convert(Plan("lab", (here / "a.csv",)), here)
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and path.name != "big.jsonl"}
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"  # as on a full disk
        "sys.argv = ['llf-kit', 'convert', 'big.jsonl', '--name', 'lab']\n"
        "from llf_kit.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert {
        path: path.read_bytes() for path in here.rglob("*") if path.is_file() and path.name != "big.jsonl"
    } == before


def test_the_shipped_data_convert_whole_and_give_the_same_bytes_every_time(project: Path) -> None:
    raw = REPOSITORY / "datasets/raw"
    summary = convert(Plan("lab_qa", (raw,), test=0.1), project)
    assert (summary.rejected, summary.duplicates, summary.masked) == (0, 0, {})
    assert summary.written >= 320
    assert 0.07 < summary.rows["test"] / summary.written < 0.13
    for name in ("lab_qa.jsonl", "lab_qa_test.jsonl"):
        assert (project / "datasets" / name).read_bytes() == (REPOSITORY / "datasets" / name).read_bytes()
    assert json.loads((project / "dataset_info.json").read_text()) == json.loads(
        (REPOSITORY / "dataset_info.json").read_text()
    )


def test_running_as_another_user_who_may_not_read(tree: Tree, llf_kit: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tree({"a.csv": STRANGER})
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "a.csv":
            raise PermissionError(13, os.strerror(13), str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    done = llf_kit("convert", "a.csv", "--name", "lab")
    assert done.status == 1
    assert "a.csv: cannot be read (Permission denied). Check that it is yours to read." in done.err
