"""What a run has taken: of the largest process, out of what the system and nvidia-smi tell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llf_kit.upstream import memory


def test_the_memory_of_gpus_is_that_of_the_largest_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\nprintf '11, 300\\n11, 200\\n12, 400\\n13, 9000\\n'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert memory.gpu(11, 12) == 500 * 2**20, "one process on two GPUs"
    assert memory.gpu(14) is None
    monkeypatch.setenv("PATH", "")
    assert memory.gpu(11) is None


def test_the_peak_of_a_process_is_more_than_it_started_with() -> None:
    assert (memory.peak(os.getpid()) or 0) > 2**20
    assert memory.peak(2**22 + 1) is None
