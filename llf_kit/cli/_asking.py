"""``llf-kit evaluate RUN``: the candidate is asked, with its progress on stderr; what it cost is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llf_kit.cli import _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.asking import Extras, Measured
    from llf_kit.evaluation.candidates import Candidate

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def ask(
    word: str,
    overrides: Sequence[str],
    dataset: str | None,
    *,
    trained_on: Sequence[str],
    allowed: Sequence[str],
    unmasked: str | None,
    extras: Extras,
    surprise: bool,
) -> Measured:
    """Ask whom ``word`` stands for; a dataset goes to another machine only with its identifiers masked."""
    from llf_kit.evaluation import asking, candidates
    from llf_kit.evaluation.predict import Watch

    here = Path.cwd()
    candidate = candidates.find(word, overrides)
    name = dataset or asking.default_dataset(candidate, here)
    check_leaving(candidate, name, unmasked)
    with _progress.shown() as progress:
        watch = Watch(progress.status, progress.report)
        return asking.ask(
            candidate, name, here, trained_on=trained_on, allowed=allowed, extras=extras, surprise=surprise, watch=watch
        )


def check_leaving(candidate: Candidate, name: str, unmasked: str | None) -> None:
    """That the texts of dataset ``name`` may go where the candidate is asked."""
    from llf_kit.registered import converted

    if candidate.endpoint and urlsplit(candidate.endpoint.url).hostname not in _LOOPBACK and unmasked != name:
        converted.check_masked(Path.cwd(), name, to="an endpoint", option="--unmasked")


def show(details: dict[str, Any]) -> None:
    """What answers cost, and how steady they are."""
    for name, cost in details.get("efficiency", {}).items():
        first, whole = cost["first_seconds"], cost["seconds"]
        say(f"cost of {name}, {cost['questions']} questions one after another:")
        say(
            f"  first token after {first['median']:.2f} s (95th percentile {first['p95']:.2f} s), "
            f"whole answer after {whole['median']:.2f} s ({whole['p95']:.2f} s), {cost['tokens_per_second']} tokens/s"
        )
        sizes = {
            "memory": cost["memory"],
            "GPU memory": cost["gpu_memory"],
            "model on disk": cost["model_size"],
            "adapter on disk": cost["adapter_size"],
        }
        say("  " + ", ".join(f"{what} {size / 2**20:,.0f} MiB" for what, size in sizes.items() if size is not None))
    if steady := details.get("stability"):
        for key, what in (("again", f"asked {steady['times']} times"), ("other_words", "asked in other words")):
            text, values = steady[key]["text"], steady[key]["values"]
            held = "no values to compare" if values is None else f"the same values in {values:.1f} % of pairs"
            alike = "" if text is None else f", texts alike to {text:.1f} %"
            say(f"steadiness, {what}: {held}{alike}")
        if steady["partial"]:
            say(f"steadiness is not whole: {steady['partial']}")
