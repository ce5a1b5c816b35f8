"""The three files by which the bare board is nearly ready too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from llf_kit.errors import ConfigError
from llf_kit.upstream import artefacts
from llf_kit.upstream.presets import Preset

Tree = Callable[[dict[str, Any]], Path]

ENTRY = {"file_name": "datasets/lab.jsonl", "columns": {"prompt": "问题"}}
INFO = {"lab": ENTRY, "hub": {"hf_hub_url": "a/b"}, "elsewhere": {"file_name": "/data/x.json"}}


def preset(**given: Any) -> Preset:
    values = {
        "top.model_path": "models/our",
        "top.model_name": "our",
        "train.dataset": ["lab"],
        "eval.dataset": ["lab"],
    }
    return Preset(**{"name": "a", "label": "our", "listed": False, "path": "models/our", "template": "qwen",
                     "values": values, **given})  # fmt: skip


def write(
    here: Path, made: Preset, dataset_dir: str = ".", lang: str = "zh", hub: str | None = None
) -> tuple[str, ...]:
    return artefacts.write(here, made, Path(dataset_dir), lang=lang, hub=hub)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_data_folder_leads_to_the_files_that_the_project_has(tree: Tree) -> None:
    here = tree({"dataset_info.json": json.dumps(INFO), "datasets/lab.jsonl": "{}\n"})
    assert write(here, preset()) == ()
    text = (here / "data/dataset_info.json").read_text()
    made = json.loads(text)
    assert text.isascii() and list(made) == ["lab", "hub", "elsewhere"]
    assert made["lab"] == {**ENTRY, "file_name": "../datasets/lab.jsonl"}
    assert (here / "data" / made["lab"]["file_name"]).is_file()
    assert (made["hub"], made["elsewhere"]) == (INFO["hub"], INFO["elsewhere"])
    tree({"dataset_info.json": json.dumps({"lab": {**ENTRY, "columns": {"prompt": "q"}}})})
    assert write(here, preset()) == ()  # an entry of ours follows the project's
    assert json.loads((here / "data/dataset_info.json").read_text())["lab"]["columns"] == {"prompt": "q"}


def test_data_of_the_users_own_stay(tree: Tree) -> None:
    own = {"lab": {"file_name": "mine.json"}, "other": {"file_name": "o.json"}}
    here = tree({"dataset_info.json": json.dumps(INFO), "data/dataset_info.json": json.dumps(own)})
    assert write(here, preset()) == ("lab",)
    made = json.loads((here / "data/dataset_info.json").read_text())
    assert made["lab"] == own["lab"] and made["other"] == own["other"] and "hub" in made
    tree({"data/dataset_info.json": "[1]"})
    with pytest.raises(ConfigError, match=r"is not an object of entries"):
        write(here, preset())
    assert (here / "data/dataset_info.json").read_text() == "[1]"


def test_data_that_a_link_leads_to_are_not_touched(tree: Tree) -> None:
    here = tree({"dataset_info.json": json.dumps(INFO), "shared/dataset_info.json": "{}"})
    (here / "data").symlink_to(here / "shared")
    assert write(here, preset()) == ()
    assert (here / "shared/dataset_info.json").read_text() == "{}"


def test_a_project_that_keeps_its_data_where_the_board_looks_is_left_as_it_is(tree: Tree) -> None:
    here = tree({"data/dataset_info.json": json.dumps(INFO)})
    assert write(here, preset(), "data") == ()
    assert json.loads((here / "data/dataset_info.json").read_text()) == INFO


def test_the_board_remembers_the_model_and_what_it_knew_before(tree: Tree) -> None:
    here = tree({"llamaboard_cache/user_config.yaml": "lang: en\ncache_dir: /big\npath_dict:\n  Old: /old\n"})
    write(here, preset(), hub="modelscope")
    assert read(here / artefacts.USER) == {
        "lang": "zh",
        "hub_name": "modelscope",
        "cache_dir": "/big",
        "last_model": "Custom",
        "path_dict": {"Old": "/old", "our": "models/our", "Custom": "models/our"},
    }
    write(here, preset(label="Qwen2-7B-Instruct", listed=True), lang="en")
    memory = read(here / artefacts.USER)
    assert (memory["last_model"], memory["lang"], memory["hub_name"]) == ("Qwen2-7B-Instruct", "en", "modelscope")
    tree({"llamaboard_cache/user_config.yaml": "{"})
    write(here, preset())
    assert read(here / artefacts.USER)["last_model"] == "Custom"


def test_the_saved_arguments_hold_only_what_the_board_can_load(tree: Tree) -> None:
    here = tree({"dataset_info.json": "{}"})
    write(here, preset())
    assert read(here / "llamaboard_config/a.yaml") == {"top.model_name": "Custom", "train.dataset": ["lab"]}


def test_a_folder_that_cannot_be_written_is_a_sentence(tree: Tree) -> None:
    here = tree({"dataset_info.json": json.dumps(INFO), "llamaboard_cache": "a file"})
    with pytest.raises(ConfigError, match=r"llamaboard_cache: cannot be written"):
        write(here, preset())
