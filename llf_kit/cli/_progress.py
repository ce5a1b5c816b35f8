"""A run's progress on stderr: a bar on a terminal, a line a log entry elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.upstream import Progress


@contextmanager
def shown(title: str) -> Iterator[Callable[[Progress], None]]:
    """The function to call with every progress report while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        say(f"{title} …")
        yield lambda report: say(f"  step {report.step}/{report.steps}  {_figures(report)}")
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, figures="loading packages, model and data")
        yield lambda report: bar.update(task, total=report.steps, completed=report.step, figures=_figures(report))


def _figures(report: Progress) -> str:
    parts = []
    if report.loss is not None:
        parts.append(f"loss {report.loss:.4f}")
    if report.eval_loss is not None:
        parts.append(f"validation loss {report.eval_loss:.4f}")
    if report.learning_rate is not None:
        parts.append(f"lr {report.learning_rate:.2e}")
    if seconds := _seconds(report.elapsed):
        parts.append(f"{report.step / seconds:.2f} steps/s")
    parts.append(f"{report.elapsed}, {report.remaining} left")
    return "  ".join(parts)


def _seconds(clock: str) -> int:
    """Seconds of upstream's ``h:mm:ss`` or ``n days, h:mm:ss``."""
    days, _, rest = clock.rpartition(" day")
    total = int(days or 0) * 86_400
    for part, weight in zip(reversed(rest.split(", ")[-1].split(":")), (1, 60, 3600), strict=False):
        total += int(part) * weight if part.isdigit() else 0
    return total
