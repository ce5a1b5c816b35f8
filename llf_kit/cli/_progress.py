"""A run's progress on stderr: a bar on a terminal, a line a log entry elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llf_kit.cli._options import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from llf_kit.upstream import Progress


class Lines:
    """A line for every status and every report: for logs and pipes."""

    def status(self, text: str) -> None:
        """What is being done now."""
        say(text)

    def report(self, report: Progress) -> None:
        """How far it is."""
        say(f"  step {report.step}/{report.steps}  {_figures(report)}")


class _Bar(Lines):
    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, figures="")

    def status(self, text: str) -> None:
        self._bar.console.print(text, highlight=False)
        self._bar.reset(self._task, total=None, description=text, figures="loading packages, model and data")

    def report(self, report: Progress) -> None:
        self._bar.update(self._task, total=report.steps, completed=report.step, figures=_figures(report))


@contextmanager
def shown() -> Iterator[Lines]:
    """Where to tell what is done and how far it is, while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as RichProgress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    figures = TextColumn("{task.fields[figures]}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), figures)
    with RichProgress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)


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
