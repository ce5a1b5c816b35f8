"""Mistakes that show only where LLaMA-Factory is started: each by its own command, and the check that says it first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from checking import ENTRY, SOUND, project

from llf_kit import checks
from llf_kit.errors import ConfigError

pytestmark = pytest.mark.real

TORCHRUN = {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": "1"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(*command: str, **environment: str) -> str:
    """What a command says, whatever becomes of it; those of this environment come first on PATH."""
    binaries = Path(sys.executable).parent
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(binaries / command[0]), *command[1:]],
        env={**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=600,
    )
    return done.stdout + done.stderr


def said(path: Path, check: str) -> list[str]:
    return [f"{one.severity}: {one.message}" for one in checks.check(path) if one.check == check]


def test_a_config_in_json(here: Path) -> None:
    (here / "train.json").write_text(json.dumps(SOUND))
    assert "'PosixPath' object has no attribute 'read'" in started("llamafactory-cli", "train", "train.json")
    with pytest.raises(ConfigError, match=r"train\.json: LLaMA-Factory reads \.yaml and \.yml only"):
        checks.check(Path("train.json"))


def test_a_path_with_a_space_under_torchrun(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(here).rename("my train.yaml")
    assert "Please provide `model_name_or_path`" in started("llamafactory-cli", "train", "my train.yaml", **TORCHRUN)
    monkeypatch.setenv("FORCE_TORCHRUN", "1")
    assert said(Path("my train.yaml"), "launch") == ["error: the path has a space, at which torchrun cuts it in two"]


def test_chinese_in_dataset_info_where_the_locale_is_ascii(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project(here)
    (here / "dataset_info.json").write_text(json.dumps({"lab": ENTRY, "检验": ENTRY}, ensure_ascii=False), "utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    script = "from llamafactory.data.parser import get_dataset_list; get_dataset_list(['lab'], '.')"
    assert "'ascii' codec can't decode byte" in started("python", "-c", script, **ascii_only)
    told = started("llf-kit", "check", str(path), **ascii_only)
    assert "error: it is not ASCII, and upstream reads it in the locale's encoding" in told
    (here / "dataset_info.json").write_text(json.dumps({"lab": ENTRY, "检验": ENTRY}))
    assert "Error" not in started("python", "-c", script, **ascii_only)
    assert said(path, "entries") == []


def test_two_processes_double_the_batch(here: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"model_name_or_path": str(smollm2), "template": "chatml", "cutoff_len": 32}
    changes |= {"gradient_accumulation_steps": 4, "max_steps": 1, "use_cpu": True, "report_to": "none"}
    values = {**SOUND, **changes}
    path = project(here, changes)
    path.write_text(yaml.safe_dump(values))
    two = {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": "2", "OMP_NUM_THREADS": "1"}
    told = started("llamafactory-cli", "train", str(path), **two)
    assert "Total train batch size (w. parallel, distributed & accumulation) = 16" in told, told[-3000:]
    for key, value in two.items():
        monkeypatch.setenv(key, value)
    assert said(path, "launch") == ["info: 2 processes make an effective batch of 2 × 4 × 2 = 16"]
