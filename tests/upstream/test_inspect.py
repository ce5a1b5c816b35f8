"""What `inspect` shows of a dataset: by made-up rows, and through the real LLaMA-Factory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

from llf_kit.checks import rows as checked
from llf_kit.checks import survey
from llf_kit.errors import ConfigError, UsageError
from llf_kit.upstream import inspect, page
from llf_kit.upstream.dataset_entries import Dataset
from llf_kit.upstream.inspect import Request, Row, Seen, View

COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
LAB = {"file_name": "lab.jsonl", "columns": COLUMNS}
SCRIPT = "<script>alert(1)</script>"
ROW = {"instruction": f"血钾？{SCRIPT}", "input": "", "output": "3.5～5.3 mmol/L", "system": "", "history": []}
LONG = {**ROW, "instruction": "long " * 60, "output": "answer " * 60, "system": "师", "history": [["早", "晚"]]}
PAIR = {"q": "甲", "a": "better", "b": "worse"}
ENTRIES = {
    "lab": LAB,
    "pairs": {"file_name": "pairs.jsonl", "ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}},
}


class Page(HTMLParser):
    """The tags of a page, and the texts inside `mark`."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.marked = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["mark"]:
            self.marked += data


def test_a_page_escapes_every_text_and_loads_nothing() -> None:
    view = View(SCRIPT, ((f"问{SCRIPT}", False), (f"答{SCRIPT}", True)))
    seen = Seen(SCRIPT, "sft", 64, 2, 0, 5, [Row(1, True, True, 9, 5, (view, view)), Row(2, False)], [9])
    parsed = Page()
    text = page.html(seen)
    parsed.feed(text)
    assert "script" not in parsed.tags and "<script" not in text
    assert parsed.marked == "Marked text" + f"答{SCRIPT}" * 2
    for tag in ("section", "pre", "mark", "body", "html", "table"):
        assert parsed.tags.count(tag) == parsed.tags.count(f"/{tag}") > 0
    assert "truncated" in text and "dropped" in text and "default-src 'none'" in text


def test_the_yaml_is_given_or_the_only_one_that_names_the_dataset(tree: Callable[[dict[str, Any]], Path]) -> None:
    tree({
        "dataset_info.json": json.dumps(ENTRIES),
        "a.yaml": "model_name_or_path: m\ntemplate: qwen\ndataset: lab\ndataset_dir: .\nstage: dpo\n",
        "other.yaml": "dataset: another\n",
        "broken.yaml": "{",
    })  # fmt: skip
    found = inspect.request("lab", template="chatml")
    assert (found.stage, found.where) == ("rm", "a.yaml")
    assert found.values["template"] == "chatml" and found.values["model_name_or_path"] == "m"
    alone = inspect.request("pairs", template="chatml", model="m")
    assert (alone.stage, alone.values["dataset_dir"]) == ("rm", ".")
    tree({"b.yml": "dataset: x, lab\n"})
    with pytest.raises(UsageError, match="several YAMLs name it"):
        inspect.request("lab")
    assert inspect.request("lab", config=Path("a.yaml")).where == "a.yaml"
    with pytest.raises(UsageError, match="which tokenizer"):
        inspect.request("pairs")
    with pytest.raises(ConfigError, match=r"has no entry 'labb'. Did you mean 'lab'"):
        inspect.request("labb", model="m", template="qwen")


@pytest.mark.parametrize(
    ("error", "text", "says"),
    [
        ("ValueError", "Template x does not exist.", "Give the `template`"),
        ("KeyError", "'outptu'", "KeyError: 'outptu'"),
        (
            "ValueError",
            "The number of images does not match in [{'content': '张三'}].",
            "upstream ends with ValueError.",
        ),
    ],
)
def test_what_upstream_says_is_told_without_rows(error: str, text: str, says: str) -> None:
    said = inspect._told(Request("lab", {}, "sft", "a.yaml"), {"error": error, "text": text, "outer": text})
    assert said.startswith("a.yaml: ") and says in said and "张三" not in said


@pytest.fixture(scope="module")
def shown(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[..., Result]]:
    """A project with a dropped and a truncated row, and the command in it."""
    here = tmp_path_factory.mktemp("inspected")
    files = {"lab.jsonl": [ROW, {**ROW, "output": None}, LONG], "pairs.jsonl": [PAIR, {**PAIR, "b": None}]}
    for name, data in files.items():
        (here / name).write_text("".join(json.dumps(row) + "\n" for row in data))
    (here / "dataset_info.json").write_text(json.dumps(ENTRIES))
    (here / "train.yaml").write_text(
        f"model_name_or_path: {smollm2}\nstage: sft\ndataset: lab\ndataset_dir: .\ntemplate: chatml\ncutoff_len: 64\n"
        "do_train: true\noutput_dir: saves\nbf16: true\n"  # a precision of another machine does not matter here
    )

    def call(*arguments: object) -> Result:
        command = [sys.executable, "-c", "from llf_kit.cli import main; main()", "inspect", *map(str, arguments)]
        path = f"{Path(__file__).parents[2]}:{os.environ.get('PYTHONPATH', '')}"
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False, env=environment)
        return Result(done.returncode, done.stdout, done.stderr)

    return here, call


@pytest.mark.real
def test_every_row_is_shown_as_it_is_trained_on(shown: tuple[Path, Callable[..., Result]]) -> None:
    here, call = shown
    done = call("lab", "--html", "page.html")
    assert done.status == 0, done.err
    assert (
        f"<|im_start|>user\n血钾？{SCRIPT}<|im_end|>\n<|im_start|>assistant\n⟦3.5～5.3 mmol/L<|im_end|>\n⟧" in done.out
    )
    assert "row 2: dropped" in done.out and ", truncated\n" in done.out
    assert "read 3 = kept 2 + dropped 1; truncated 1" in done.out
    parsed = Page()
    parsed.feed((here / "page.html").read_text(encoding="utf-8"))
    assert "script" not in parsed.tags and "3.5～5.3 mmol/L<|im_end|>" in parsed.marked
    assert (here / "page.html").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in here.iterdir()) == [
        *("dataset_info.json", "lab.jsonl", "page.html", "pairs.jsonl", "train.yaml"),
    ]


@pytest.mark.real
def test_pairs_have_two_texts_and_the_check_foretells_the_counts(shown: tuple[Path, Callable[..., Result]]) -> None:
    here, call = shown
    done = call("pairs", "--config", "train.yaml", "--json", "--rows", 1)
    assert done.status == 1 and "stage rm and dpo alone" in done.err and "Traceback" not in done.err
    model = (here / "train.yaml").read_text().split("\n")[0].removeprefix("model_name_or_path: ")
    told = call("pairs", "--template", "chatml", "--model", model, "--json", "--rows", 1).json
    assert (told["stage"], told["read"], told["kept"], told["dropped"]) == ("rm", 2, 1, 1)
    (row,) = told["rows"]
    trained = {view["name"]: [piece["text"] for piece in view["pieces"] if piece["trained"]] for view in row["views"]}
    assert trained == {"chosen": ["better<|im_end|>\n"], "rejected": ["worse<|im_end|>\n"]}
    found = survey.survey(Dataset("pairs", "dataset", ENTRIES["pairs"], here / "pairs.jsonl"), "rm")
    assert checked.kept(found, "rm") == told["kept"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--template", "chatmll"), "train.yaml: ValueError: Template chatmll does not exist. Give the `template`"),
        (("--model", "nowhere/model"), "train.yaml: "),
    ],
)
def test_upstreams_errors_come_in_a_line(
    shown: tuple[Path, Callable[..., Result]], arguments: tuple[str, ...], says: str
) -> None:
    done = shown[1]("lab", *arguments)
    assert done.status == 1 and says in done.err and "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1, done.err
