"""`llf-kit webui`: what it refuses, warns of and chooses, before any board is started."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Result

from llf_kit.checks import subject
from llf_kit.errors import UsageError
from llf_kit.upstream import ports, webui
from llf_kit.upstream.presets import Preset

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
ENTRY = {"file_name": "lab.jsonl", "formatting": "alpaca", "columns": COLUMNS}
ROW = {"instruction": "血钾？", "input": "", "output": "3.5～5.3 mmol/L", "system": "", "history": []}
CONFIG = (
    "model_name_or_path: Qwen/Qwen2-1.5B-Instruct\ntemplate: qwen\nstage: sft\ndo_train: true\nfinetuning_type: lora\n"
    "dataset_dir: .\ndataset: lab\noutput_dir: saves/a\nlearning_rate: 1.0e-4\nreport_to: none\n"
)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would be handed to the board, which is not started."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(webui, "open_board", lambda preset, door, **given: calls.append((preset, door, given)))
    monkeypatch.setattr(subject, "has_gpu", lambda: False)
    return calls


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def lab(tree: Tree, **files: Any) -> Path:
    return tree({"dataset_info.json": json.dumps({"lab": ENTRY}), "lab.jsonl": [ROW] * 8, "a.yaml": CONFIG, **files})


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--host", "0.0.0.0"), 2, "--host 0.0.0.0: whoever reaches this machine could train on it"),
        (("--host", "::"), 2, "Add --auth NAME, or leave --host out and come by ssh -L."),
        (("--share-host", "192.168.1.7"), 2, "--host 192.168.1.7: whoever"),
        (("--host", "192.0.2.1", "--auth", "lab:pw"), 2, "--port 7860: cannot be used on 192.0.2.1"),
        (("--auth", ":pw"), 2, "is not NAME or NAME:PASSWORD"),
        (("--auth", "lab:"), 2, "is not NAME or NAME:PASSWORD"),
        (("--lang", "fr"), 2, "'fr' is not one of 'zh', 'en'"),
        (("gone.yaml",), 1, "gone.yaml: there is no such file"),
        (("a.yaml", "dataset=labb"), 1, "labb"),
        (("a.yaml", "model_name_or_path=./gone"), 1, "./gone: there is no such folder"),
        (("a.yaml", "learning_rat=1"), 1, "learning_rat"),
    ],
)
def test_what_is_refused(
    llf_kit: Run, tree: Tree, opened: list[Any], arguments: tuple[str, ...], status: int, says: str
) -> None:
    here = lab(tree)
    done = llf_kit("webui", *arguments)
    assert (done.status, opened) == (status, [])
    assert says in done.err and "Traceback" not in done.err
    assert not (here / "llamaboard_config").exists()


def test_a_taken_port_is_said_before_anything_else(llf_kit: Run, tree: Tree, opened: list[Any], taken: int) -> None:
    lab(tree)
    done = llf_kit("webui", "a.yaml", "--port", taken)
    assert done.status == 2 and not opened
    assert done.err.splitlines() == [
        f"error: --port {taken}: cannot be used on 127.0.0.1 (Address already in use). "
        "Give another --port, or end what uses it."
    ]


def test_a_yaml_is_chosen_through(llf_kit: Run, tree: Tree, opened: list[Any]) -> None:
    here = lab(tree, **{"saves/a/checkpoint-3/x": ""})  # its own output folder is done; the board takes another
    done = llf_kit("webui", "a.yaml", "max_steps=3", "bf16=true", "--lang", "zh")
    assert done.status == 0, done.err
    ((preset, door, _),) = opened
    assert (door.host, door.port, door.login) == ("127.0.0.1", 7860, None)
    shown = {key: preset.values[f"train.{key}"] for key in ("dataset", "learning_rate", "compute_type", "extra_args")}
    assert shown == {
        "dataset": ["lab"],
        "learning_rate": "1e-4",
        "compute_type": "fp32",
        "extra_args": '{"max_steps": 3}',
    }
    assert (
        "model      Qwen/Qwen2-1.5B-Instruct (template qwen)\n             is no folder here: it is fetched" in done.err
    )
    assert "precision  fp32: this machine shows no GPU for bf16" in done.err
    assert "extra      max_steps: without a widget" in done.err
    assert yaml.safe_load((here / "llamaboard_config/a.yaml").read_text())["train.learning_rate"] == "1e-4"
    assert yaml.safe_load((here / "llamaboard_cache/user_config.yaml").read_text())["lang"] == "zh"
    assert json.loads((here / "data/dataset_info.json").read_text())["lab"]["file_name"] == "../lab.jsonl"


def test_without_a_yaml_the_prepared_dataset_is_chosen(llf_kit: Run, tree: Tree, opened: list[Any]) -> None:
    pairs = {"file_name": "p.jsonl", "ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}}
    entries = {"lab_test": ENTRY, "lab": ENTRY, "pairs": pairs}
    pair = {"q": "甲", "a": "better", "b": "worse"}
    rows = [{**ROW, "system": "你是检验科的助手。"}] * 8
    tree({"dataset_info.json": json.dumps(entries), "lab.jsonl": rows, "p.jsonl": [pair] * 8})
    assert llf_kit("webui").status == 0
    tree({"llf-kit.yaml": "name: pairs\nmodel: qwen2.5-7b-instruct\nsystem: of other rows\n"})
    assert llf_kit("webui").status == 0
    first, second = (preset.values for preset, _, _ in opened)
    assert (first["train.dataset"], first["eval.dataset"]) == (["lab"], ["lab_test"])
    assert (second["train.dataset"], second["train.training_stage"]) == (["pairs"], "DPO")
    assert (second["top.model_name"], second["top.template"]) == ("Qwen2.5-7B-Instruct", "qwen")
    # The chat begins as the rows do, whatever the settings say by now.
    assert (first["infer.system"], second["infer.system"]) == ("你是检验科的助手。", "")


def test_nothing_prepared_and_a_name_that_is_not(llf_kit: Run, tree: Tree, opened: list[Any]) -> None:
    done = llf_kit("webui")
    assert done.status == 2 and "no dataset is prepared here. Convert one first, or give a YAML." in done.err
    lab(tree, **{"llf-kit.yaml": "name: labb\n"})
    done = llf_kit("webui")
    assert done.status == 2 and "labb is not in dataset_info.json. Convert it first. Did you mean 'lab'?" in done.err
    assert not opened


def test_a_password_on_the_command_line_is_warned_of_and_none_is_made(
    llf_kit: Run, tree: Tree, opened: list[Any]
) -> None:
    lab(tree)
    done = llf_kit("webui", "a.yaml", "--auth", "lab:geheim:x")
    assert opened[0][1].login == ("lab", "geheim:x")
    assert "warning: --auth: a password on the command line" in done.err and "geheim" not in done.err
    done = llf_kit("webui", "a.yaml", "--auth", "lab")
    name, password = opened[1][1].login
    assert name == "lab" and len(password) >= 16 and done.err.count(password) == 1
    assert "geheim" not in "".join(path.read_text() for path in Path().rglob("*.yaml"))


def test_on_a_terminal_the_password_is_asked_for(
    llf_kit: Run, tree: Tree, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import click

    lab(tree)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(type(stream), "isatty", lambda _: True)
    monkeypatch.setattr(click, "prompt", lambda *_, **given: "typed" if given["hide_input"] else "")
    assert llf_kit("webui", "a.yaml", "--auth", "lab").status == 0
    assert opened[0][1].login == ("lab", "typed")


def test_how_to_come_from_elsewhere_is_ready_to_paste(
    llf_kit: Run, tree: Tree, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab(tree)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 51234 10.0.0.9 2222")
    monkeypatch.setattr("getpass.getuser", lambda: "lab")
    monkeypatch.setattr(webui, "open_board", lambda _preset, _door, **given: given["on_ready"]("http://127.0.0.1:7861"))
    said = llf_kit("webui", "a.yaml", "--port", 7861).err
    assert "ready: http://127.0.0.1:7861" in said
    assert "\n    ssh -p 2222 -L 7861:127.0.0.1:7861 lab@10.0.0.9\n" in said
    assert "\n    llf-kit webui a.yaml --host 0.0.0.0 --port 6006 --auth lab\n" in said
    assert " -L 7860:[::1]:7860 lab@" in llf_kit("webui", "a.yaml", "--host", "::1").err
    said = llf_kit("webui", "a.yaml", "--host", "0.0.0.0", "--auth", "lab").err
    assert "travel unencrypted" in said and "ssh" not in said


@pytest.mark.parametrize(
    ("host", "loopback", "address"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:80"),
        ("localhost", True, "http://localhost:80"),
        ("::1", True, "http://[::1]:80"),
        ("0.0.0.0", False, "http://127.0.0.1:80"),
        ("::", False, "http://[::1]:80"),
        ("192.168.1.7", False, "http://192.168.1.7:80"),
        ("board.example", False, "http://board.example:80"),
    ],
)
def test_addresses(host: str, loopback: bool, address: str) -> None:
    assert (ports.is_loopback(host), ports.url(host, 80)) == (loopback, address)


def test_a_stranger_is_kept_out_by_the_library_too(project: Path) -> None:
    with pytest.raises(UsageError, match="whoever reaches this machine"):
        webui.open_board(Preset("a", "a", False, "a", None), webui.Door("0.0.0.0"), project=project)


def test_the_language_is_that_of_the_last_time_else_of_the_locale(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tree({})
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert (webui._language(here, None), webui._language(here, "en")) == ("zh", "en")
    tree({"llamaboard_cache/user_config.yaml": "lang: en\n"})
    assert webui._language(here, None) == "en"


def test_the_hub_is_what_upstreams_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USE_MODELSCOPE_HUB", raising=False)
    monkeypatch.delenv("USE_OPENMIND_HUB", raising=False)
    assert webui._hub() is None
    monkeypatch.setenv("USE_MODELSCOPE_HUB", "1")
    assert webui._hub() == "modelscope"


def test_the_password_reaches_the_board_by_no_way_that_others_see(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def run(command: list[str], *, stdin: Any, env: dict[str, str], **_: Any) -> tuple[int, bool]:
        told.update(json.load(stdin), seen=f"{command} {env}")
        return 0, True

    monkeypatch.setattr(webui.process, "run", run)
    monkeypatch.setattr(ports, "check_free", lambda *_: None)
    webui.open_board(Preset("a", "a", False, "a", None), webui.Door("::1", 7861, ("lab", "geheim")), project=project)
    assert (told["host"], told["port"], told["auth"]) == (
        "[::1]",
        7861,
        ["lab", "geheim"],
    )  # as gradio wants an address
    assert "geheim" not in told["seen"]
    assert "'GRADIO_ANALYTICS_ENABLED': 'False'" in told["seen"]
