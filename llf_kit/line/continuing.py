"""Room for a training: what an earlier one left in its output folder is gone on with, set aside, or removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from llf_kit.errors import ConfigError
from llf_kit.upstream import record, runs
from llf_kit.upstream.record import Record

_CALLED = {"config": "settings", "config_sha256": "settings", "overrides": "settings"}
# Trainer writes it after all else of a checkpoint: one without it was cut short, and cannot be resumed from.
_LAST_WRITTEN = "trainer_state.json"


def resumes(folder: Path, now: Record, tell: Callable[[str], None]) -> bool:
    """Whether the training ``now`` goes on with one that was stopped in ``folder``; if not, there is room for it.

    ``tell`` is told which, and why. What was finished is set aside, under the time at which it began.

    Raises:
        ConfigError: the folder holds what is no training of llf-kit, or one is at work in it.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return False
    runs.check_idle(folder)
    try:
        before = record.load(folder)
    except ConfigError:
        raise ConfigError(f"{folder}: holds what is no training of llf-kit. Move it away, or name another output_dir "
                          "under `train: set:`.") from None  # fmt: skip
    if before.status == "done":
        place = folder.with_name(f"{folder.name}_{before.started[:19].replace(':', '').replace('-', '')}")
        folder.rename(place)
        tell(f"  the earlier run is in {place.name} now, beside the new one")
        return False
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / _LAST_WRITTEN).is_file():
            shutil.rmtree(checkpoint)
    changed = [_CALLED.get(name, name) for name in before.differences(now)]
    changed += ["base model"] if before.base != now.base else []
    found = sorted(int(one.name.removeprefix("checkpoint-")) for one in folder.glob("checkpoint-*"))
    if found and not changed:
        tell(f"  goes on after step {found[-1]} of the training that did not end")
        return True
    why = f"its {', '.join(dict.fromkeys(changed))} changed" if changed else "it left no checkpoint"
    tell(f"  begins anew, since a training did not end, and {why}")
    shutil.rmtree(folder)
    return False
