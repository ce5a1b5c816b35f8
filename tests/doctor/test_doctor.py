"""Each finding of the doctor from made-up machines; no network is asked."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

from llf_kit import doctor
from llf_kit.doctor import devices, network, packages, places
from llf_kit.schema import Finding
from llf_kit.upstream import environment, locate
from llf_kit.upstream.environment import Environment

SOUND = {
    "llamafactory": "0.9.5", "transformers": "5.5.4", "torch": "2.11.0+cu130", "torchaudio": "2.11.0+cu130",
    "datasets": "4.0.0", "gradio": "5.50.0",
}  # fmt: skip
REQUIRES = ("transformers!=4.52.0,!=4.57.0,<=5.6.0,>=4.55.0", "gradio<=5.50.0,>=4.38.0", 'vllm<=0.11; extra == "vllm"')


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Finding]]:
    """What is said of an environment with these packages."""

    def look(
        changes: dict[str, str | None] | None = None, cuda: str | None = "13.0", nvidia: bool = False, **more: Any
    ) -> list[Finding]:
        command = tmp_path / "llamafactory-cli"
        command.write_text("#!/bin/false\n")
        command.chmod(0o755)
        has = {name: version for name, version in (SOUND | (changes or {})).items() if version}
        found = Environment("3.11.7", Path(more.get("prefix", sys.prefix)), has, REQUIRES, cuda)
        monkeypatch.setattr(locate, "find", lambda: command)
        monkeypatch.setattr(environment, "probe", lambda python: found)
        monkeypatch.setattr(packages, "has_nvidia", lambda: nvidia)
        monkeypatch.setenv("PATH", more.get("path", str(tmp_path)))
        return [one for one in packages.run() if one.severity != "info" or more]

    return look


def test_a_sound_environment_yields_no_error_and_no_warning(here: Callable[..., list[Finding]]) -> None:
    assert here() == []
    assert here(nvidia=True) == []


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"transformers": "5.6.0"}, "warning", "cannot use FlashAttention"),
        ({"transformers": "4.57.0"}, "error", "was withdrawn"),
        ({"transformers": "4.52.0"}, "error", "is excluded"),
        ({"transformers": "5.7.0"}, "warning", "transformers 5.7.0 is outside what LLaMA-Factory asks for"),
        ({"gradio": "6.0.1"}, "warning", "does not start with gradio 6"),
        ({"torch": "2.12.0+cu130"}, "error", "do not go together"),
        ({"torch": "2.10.1+cu130"}, "error", "torchaudio 2.11.0+cu130 does not go with torch 2.10.1+cu130"),
        ({"torchaudio": "2.11.0+cpu"}, "error", "built for another device"),
        ({"torchaudio": None}, "error", "torchaudio is missing"),
        ({"llamafactory": None}, "error", "the package llamafactory is not"),
    ],
)
def test_packages_that_do_not_go_together_are_told(
    here: Callable[..., list[Finding]], changes: dict[str, str | None], severity: str, words: str
) -> None:
    found = here(changes)
    assert [(one.severity, bool(one.hint)) for one in found if words in one.message] == [(severity, True)], found


def test_a_torch_for_the_processor_on_a_machine_with_a_gpu_is_an_error(here: Callable[..., list[Finding]]) -> None:
    changes = {"torch": "2.11.0+cpu", "torchaudio": "2.11.0+cpu"}
    assert here(changes, cuda=None) == []
    assert ["without CUDA" in one.message for one in here(changes, cuda=None, nvidia=True)] == [True]


def test_where_the_command_is(here: Callable[..., list[Finding]], tmp_path: Path) -> None:
    found = here(path="/nowhere", prefix="/elsewhere")
    said = {
        one.severity: one.message for one in found if "versions" not in one.message and "llf-kit 0" not in one.message
    }
    assert "another environment than llf-kit: /elsewhere" in said["info"]
    assert "is not on PATH" in said["warning"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "llamafactory-cli").write_text("#!/bin/false\n")
    (other / "llamafactory-cli").chmod(0o755)
    assert any("PATH leads to another" in one.message for one in here(path=str(other)))


def test_a_missing_command_is_an_error_with_the_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locate.VARIABLE, "/nowhere/llamafactory-cli")
    (found,) = packages.run()
    assert (found.severity, found.message) == ("error", "is no program")


@pytest.mark.parametrize(
    ("versions", "version", "fits"),
    [
        (">=4.55.0,!=4.57.0,<=5.6.0", "5.6.0", True), (">=4.55.0,!=4.57.0,<=5.6.0", "4.57.0", False),
        ("<2.12", "2.11.0+cu130", True), (">=2.12", "2.12.0", True), ("==5.6.0", "5.6", True), ("==5.6.*", "5.6.3", True),
        ("~=2.1", "2.4", True), ("~=2.1", "3.0", False), ("", "1.0", True), ("<0.9.0", "0.10", True),
    ],
)  # fmt: skip
def test_specifiers_are_read_as_pip_reads_them(versions: str, version: str, fits: bool) -> None:
    assert environment.admits(versions, version) is (fits if version != "0.10" else False)


def test_every_known_bad_pair_says_what_to_do_and_where_it_is_said() -> None:
    for entry in environment._known():
        assert entry["severity"] in ("error", "warning")
        assert all(entry[key] for key in ("message", "hint", "source", "package", "versions"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#!{python}\nimport re\n", True),
        ("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n", True),
        ("#!/nowhere/python3\n", False),
    ],
)
def test_the_interpreter_behind_a_command(tmp_path: Path, text: str, found: bool) -> None:
    python = tmp_path / "a b" / "python3.11" if "exec" in text else tmp_path / "python3.11"
    python.parent.mkdir(exist_ok=True)
    python.write_text("")
    (tmp_path / "llamafactory-cli").write_text(text.format(python=python))
    assert (locate.interpreter(tmp_path / "llamafactory-cli") == python) is found


def test_the_probe_tells_of_this_environment() -> None:
    told = environment.probe(Path(sys.executable))
    assert (told.python, told.prefix) == (sys.version.split()[0], Path(sys.prefix))


def test_the_probe_runs_and_reads_nothing_of_the_folder_it_is_in(project: Path) -> None:
    (project / "json.py").write_text("raise SystemExit('of the current directory')")
    (project / "torch").mkdir()
    (project / "torch" / "__init__.py").touch()
    (project / "torch" / "version.py").write_text("__version__ = 'notes'")
    assert environment.probe(Path(sys.executable)).packages.get("torch") != "notes"


def test_gpus_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'NVIDIA A10, 23028, 22000, 550.54'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(devices, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemFree: 1 kB\nMemAvailable: 4000000 kB\n")
    gpu, memory = devices.run()
    assert gpu.message == "NVIDIA A10: 22.5 GiB of memory, 21.5 GiB free, driver 550.54"
    assert memory.severity == "warning" and "15.3 GiB of memory, 3.8 GiB free" in memory.message
    smi.write_text("#!/bin/sh\nexit 9\n")
    assert next(devices.run()).message == "nvidia-smi is there and does not answer"
    smi.unlink()
    monkeypatch.setattr(devices, "DRM", tmp_path)
    if not Path("/dev/davinci_manager").exists():
        assert "there is no GPU" in next(devices.run()).message


@pytest.mark.parametrize(("gib", "severity"), [(100, "info"), (10, "warning"), (1, "error")])
def test_room_on_the_disk(project: Path, monkeypatch: pytest.MonkeyPatch, gib: int, severity: str) -> None:
    class Usage:
        free = gib * 2**30

    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: Usage)
    assert {one.severity for one in places.run() if "free" in one.message} == {severity}


def test_a_place_that_cannot_be_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "file").write_text("")
    monkeypatch.setenv("HF_HOME", str(project / "file" / "hub"))
    assert [one.message for one in places.run() if one.severity == "error"] == ["HF_HOME cannot be written"]


def test_a_locale_that_cannot_read_dataset_info(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> list[str]:
        return [one.severity for one in places.run() if one.where == "locale"]

    assert said() == []
    monkeypatch.setattr(places.locale, "getencoding", lambda: "ANSI_X3.4-1968")
    assert said() == ["warning"]
    (project / "dataset_info.json").write_text('{"甲": {}}', encoding="utf-8")
    assert said() == ["error"]


def test_hubs_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not network.reaches("file:///etc/passwd")
    monkeypatch.setattr(network, "reaches", lambda hub: "modelscope" in hub or time.sleep(9))
    monkeypatch.setattr(network, "_SECONDS", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(network, "PORTS", {taken.getsockname()[1]: "LLaMA Board"})
        begun = time.monotonic()
        one, other, port = network.run()
    assert time.monotonic() - begun < 2
    assert ("cannot be reached" in one.message, other.message) == (True, "can be reached")
    assert {one.severity, other.severity} == {"info"}
    assert port.severity == "warning" and "something listens" in port.message


def test_the_command_prints_findings_and_fails_for_an_error_alone(
    llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (Finding("packages", severity, "甲", "乙。", "丙") for severity in ("error", "info"))
    monkeypatch.setattr(doctor, "PARTS", {"one": lambda: iter([good]), "two": lambda: iter([bad])})
    done = llf_kit("doctor", "--json")
    assert (done.status, [set(one) for one in done.json]) == (
        1,
        [{"check", "severity", "message", "hint", "where"}] * 2,
    )
    assert json.loads(done.out)[0]["severity"] == "error"
    monkeypatch.setattr(doctor, "PARTS", {"one": lambda: iter([good])})
    done = llf_kit("doctor")
    assert (done.status, done.out) == (0, "info     丙: 甲. 乙。\n")
