"""The real board in a real browser: ready when it opens, through a training, to a chat with the result."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.real

BIN = Path(sys.executable).parent
ROWS = [
    ("血钾的参考区间？", "3.5～5.3 mmol/L"),
    ("血钠的参考区间？", "137～147 mmol/L"),
    ("血氯的参考区间？", "99～110 mmol/L"),
    ("白蛋白的参考区间？", "40～55 g/L"),
]
MINUTE = 60_000  # milliseconds
SYSTEM = "你是检验科的助手。"


class Opened:
    """A running `llf-kit webui`: what it said until it was ready, and its address."""

    def __init__(self, directory: Path, *arguments: object, **environment: str) -> None:
        self.port = free_port()
        command = [BIN / "llf-kit", "webui", *arguments, "--port", self.port, "--no-browser"]
        # One thread: on a machine that others use too, two that wait for each other are many times slower.
        variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        self.process = subprocess.Popen(
            [str(part) for part in command], cwd=directory, env=variables, stderr=subprocess.PIPE, text=True
        )
        self.said = ""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if line.startswith("ready: "):
                break
        else:
            log = directory / ".llf-kit/webui.log"
            pytest.fail(self.said + (log.read_text()[-3000:] if log.exists() else ""))
        self.address = self.said.rpartition("ready: ")[2].split()[0]

    def close(self) -> None:
        """Ctrl-C, and nothing of it is left."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        assert family, "the board runs in a child"
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=60) == 0
        assert self.process.stderr is not None
        self.process.stderr.close()
        assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def field(page: Page, label: str) -> Locator:
    """The box of what is called ``label`` on the tab that is shown."""
    name = f'//span[@data-testid="block-info"][normalize-space()="{label}"]'
    box = page.locator(f"xpath={name}/ancestor::*[.//input or .//textarea][1]").locator("visible=true")
    return box.locator("input, textarea").first


def chosen(page: Page) -> list[str]:
    """The names in the boxes that hold several, on the tab that is shown."""
    return [text.strip() for text in page.locator(".token:visible").all_inner_texts()]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


@pytest.fixture
def laboratory(smollm2: Path, project: Path) -> Path:
    """A project with a dataset and a YAML for the small model, which bare upstream would take too."""
    rows = [{"question": question, "answer": answer} for question, answer in ROWS * 4]
    (project / "raw.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    (project / "llf-kit.yaml").write_text(f"system: {SYSTEM}\n", encoding="utf-8")
    settings = {"model": smollm2, "dataset": "lab", "cutoff_len": 96, "val_size": 0, "per_device_train_batch_size": 1}
    settings |= {"gradient_accumulation_steps": 1, "logging_steps": 1, "learning_rate": "2.0e-4", "precision": "fp32"}
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    for arguments in (
        ["convert", "raw.jsonl", "--name", "lab"],
        ["render", "train/lora_sft", "-o", "lora.yaml", *given],
    ):
        done = subprocess.run([BIN / "llf-kit", *arguments], cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def opened(laboratory: Path) -> Iterator[Callable[..., Opened]]:
    """Open the board in the laboratory; it is closed at the end."""
    running: list[Opened] = []

    def start(*arguments: object, **environment: str) -> Opened:
        running.append(Opened(laboratory, *arguments, **environment))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with closing(browser.new_page(viewport={"width": 1280, "height": 1400}, locale="zh-CN")) as opened_page:
        opened_page.set_default_timeout(MINUTE)
        yield opened_page


def test_from_the_ready_page_through_a_training_to_a_chat(
    opened: Callable[..., Opened], page: Page, laboratory: Path, smollm2: Path
) -> None:
    board = opened("lora.yaml", "max_steps=8", "max_new_tokens=12", "--lang", "zh")
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto(board.address)

    # Everything is chosen.
    shown = {
        "模型名称": "SmolLM2-135M-Instruct",
        "模型路径": str(smollm2),
        "对话模板": "smollm2",
        "微调方法": "lora",
        "训练阶段": "Supervised Fine-Tuning",
        "数据路径": ".",
        "学习率": "2e-4",
        "计算类型": "fp32",
        "批处理大小": "1",
        "截断长度": "96",
        "梯度累积": "1",
    }
    assert {label: field(page, label).input_value() for label in shown} == shown
    assert chosen(page) == ["lab"]
    output = field(page, "输出目录").input_value()
    assert re.fullmatch(r"train_\d{4}(-\d\d){5}", output)
    page.get_by_text("其它参数设置").click()
    extra = json.loads(field(page, "额外参数").input_value())
    assert (extra["max_steps"], extra["warmup_ratio"]) == (8, 0.1)

    # The preview shows the first rows.
    press(page, "预览数据集")
    page.get_by_text("血钾的参考区间？").first.wait_for()
    assert page.get_by_text("3.5～5.3 mmol/L").first.is_visible()
    press(page, "关闭")

    # A training, looked at again in the middle.
    press(page, "开始")
    page.get_by_text(re.compile(r"Running \d+/8")).wait_for(timeout=5 * MINUTE)
    page.reload()
    page.get_by_text(re.compile(r"Running \d+/8")).wait_for()
    assert field(page, "输出目录").input_value() == output
    page.get_by_text("训练完毕。").first.wait_for(timeout=5 * MINUTE)
    page.locator("img[alt='plot'], .plot img, [data-testid='matplotlib'] img").first.wait_for()

    # The adapter is chosen, and the next training would go elsewhere.
    page.get_by_text(f"已选中适配器 {output}").wait_for()
    assert chosen(page) == [output, "lab"]
    assert (laboratory / "saves/SmolLM2-135M-Instruct/lora" / output / "adapter_model.safetensors").is_file()
    assert field(page, "输出目录").input_value() != output
    assert page.get_by_text(f"已选中适配器 {output}").count() == 1
    page.reload()
    page.get_by_text(output).first.wait_for()

    # A chat with it, and where it would be exported to.
    page.get_by_role("tab", name="Chat").click()
    press(page, "加载模型")
    page.get_by_placeholder("输入...").fill("血钾的参考区间？")
    assert page.get_by_placeholder("系统提示词（非必填）").input_value() == SYSTEM
    press(page, "提交")
    page.locator(".bot.message, .message.bot").first.wait_for(timeout=2 * MINUTE)
    page.get_by_role("tab", name="Export").click()
    assert field(page, "导出目录").input_value() == f"models/{output}"
    page.get_by_role("tab", name="Evaluate & Predict").click()
    assert chosen(page) == [output, "lab"]
    # Gradio's page asks for one script of its own; nothing else leaves the machine.
    assert {url.split("/")[2] for url in elsewhere} <= {f"127.0.0.1:{board.port}", "cdnjs.cloudflare.com"}


def test_with_a_login_nobody_else_comes_in_and_ctrl_c_ends_a_training(
    opened: Callable[..., Opened], page: Page, laboratory: Path, smollm2: Path
) -> None:
    # No YAML: a prepared dataset of pairs, for a stage whose choice empties the board's list of datasets.
    entries = json.loads((laboratory / "dataset_info.json").read_text(encoding="utf-8"))
    columns = {"prompt": "q", "chosen": "better", "rejected": "worse"}
    entries["pairs"] = {"file_name": "pairs.jsonl", "ranking": True, "columns": columns}
    (laboratory / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")
    pairs = [{"q": question, "better": answer, "worse": "不知道"} for question, answer in ROWS * 4]
    (laboratory / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    (laboratory / "llf-kit.yaml").write_text(f"name: pairs\nmodel: {smollm2}\n", encoding="utf-8")
    board = opened("--auth", "lab", "--host", "0.0.0.0", "--lang", "en")
    password = re.search(r"password   (\S+)", board.said)
    assert password
    assert status(f"{board.address}/config") == status(f"{board.address}/gradio_api/info") == 401
    page.goto(board.address)

    def log_in(secret: str) -> int:
        page.get_by_test_id("textbox").fill("lab")
        page.get_by_test_id("password").fill(secret)
        with page.expect_response("**/login") as answer:
            press(page, "登录")  # that page speaks the browser's language
        return answer.value.status

    assert log_in("guessed") == 400
    assert not page.get_by_text("Learning rate").count()
    assert log_in(password[1]) == 200
    page.get_by_text("Learning rate", exact=True).wait_for()
    assert field(page, "Model path").input_value() == str(smollm2)
    assert field(page, "Stage").input_value() == "DPO"
    page.wait_for_timeout(2000)  # milliseconds, in which the board's own handlers would have emptied it
    assert chosen(page) == ["pairs"]
    press(page, "Start")
    page.get_by_text("Running").first.wait_for(timeout=5 * MINUTE)
    family = psutil.Process(board.process.pid).children(recursive=True)
    assert any("training_args.yaml" in " ".join(one.cmdline()) for one in family)


@pytest.fixture
def other_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH: the real llamafactory, with a board that is made by a function of another name."""
    spec = find_spec("llamafactory")
    assert spec and spec.origin
    real, folder = Path(spec.origin).parent, tmp_path_factory.mktemp("other")
    for source, target in ((real, folder / "llamafactory"), (real / "webui", folder / "llamafactory/webui")):
        target.mkdir()
        for file in source.iterdir():
            if file.name not in ("webui", "interface.py", "__pycache__"):
                (target / file.name).symlink_to(file)
    text = (real / "webui/interface.py").read_text(encoding="utf-8")
    (folder / "llamafactory/webui/interface.py").write_text(text.replace("create_ui", "build_ui"), encoding="utf-8")
    return folder


def test_a_board_of_another_shape_opens_as_it_is_and_two_clicks_make_it_ready(
    opened: Callable[..., Opened], page: Page, smollm2: Path, other_shape: Path
) -> None:
    paths = os.pathsep.join((str(other_shape), os.environ.get("PYTHONPATH", "")))
    board = opened("lora.yaml", "--lang", "en", PYTHONPATH=paths)
    assert "laid out in another way than llf-kit knows" in board.said
    assert "choose lora.yaml" in board.said and "press Load arguments" in board.said
    listening = {one.laddr.ip for one in psutil.net_connections("tcp") if one.laddr.port == board.port}
    assert listening == {"127.0.0.1"}
    page.goto(board.address)
    page.get_by_text("Learning rate", exact=True).wait_for()
    page.wait_for_function("value => [...document.querySelectorAll('textarea')].some(one => one.value === value)",
                           arg=str(smollm2))  # fmt: skip
    assert field(page, "Learning rate").input_value() == "5e-5"
    field(page, "Config path").fill("lora.yaml")
    field(page, "Config path").press("Enter")
    press(page, "Load arguments")
    page.get_by_text("lab", exact=True).first.wait_for()
    told = {"Learning rate": "2e-4", "Cutoff length": "96", "Chat template": "smollm2", "Data dir": "."}
    assert {label: field(page, label).input_value() for label in told} == told
    assert chosen(page) == ["lab"]


def test_a_login_is_not_given_up_for_a_board_of_another_shape(laboratory: Path, other_shape: Path) -> None:
    paths = os.pathsep.join((str(other_shape), os.environ.get("PYTHONPATH", "")))
    command = [BIN / "llf-kit", "webui", "lora.yaml", "--auth", "lab", "--port", free_port(), "--no-browser"]
    done = subprocess.run([str(part) for part in command], cwd=laboratory, env={**os.environ, "PYTHONPATH": paths},
                          capture_output=True, text=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 1
    assert "cannot be given a login. Open it without --host and --auth." in done.stderr
