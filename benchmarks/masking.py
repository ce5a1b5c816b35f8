"""What masking finds and what it leaves alone, on consultations that are made up with every kind of identifier in them.

    python benchmarks/masking.py [--rows 20000] [--seed 1]

Two tables: over the phrasings that the rules were written beside, and over those that were held back. An identifier is
found when the hits cover all of it; a hit is right when it touches a planted one. A laboratory value is changed when
any character of it is; the whole of cleaning runs for that, as `llf-kit convert` has it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field

import polars as pl
from _consultations import NAMED, NUMBERED, consultations

from llf_kit.cleaning import text
from llf_kit.cleaning.identifiers import find


@dataclass
class Measured:
    """Counts over one set: per kind what was planted and found; hits, right hits, values, changed values."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    hits: int = 0
    right: int = 0
    values: int = 0
    changed: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def recall(self, kinds: tuple[str, ...]) -> float:
        return sum(self.found[kind] for kind in kinds) / sum(self.planted[kind] for kind in kinds)

    @property
    def precision(self) -> float:
        return self.right / self.hits


def measure(rows: int, seed: int, held: bool) -> Measured:
    """Look for identifiers in so many consultations, and compare with what was planted."""
    measured = Measured()
    values: list[str] = []
    for made in consultations(rows, seed, held):
        hits = find(made.text)
        covered = [False] * len(made.text)
        for hit in hits:
            covered[hit.start : hit.end] = [True] * (hit.end - hit.start)
        planted = [span for span in made.spans if span.kind != "value"]
        for span in planted:
            measured.planted[span.kind] += 1
            whole = all(covered[at] for at in range(span.start, span.end) if made.text[at].isalnum())
            measured.found[span.kind] += whole
            if not whole:
                measured.missed.append(f"{span.kind}: {made.text[span.start - 15 : span.end + 12]!r}")
        for hit in hits:
            measured.hits += 1
            right = any(span.start < hit.end and hit.start < span.end for span in planted)
            measured.right += right
            if not right:
                measured.wrong.append(f"{hit.kind.name}: {made.text[hit.start - 12 : hit.end + 12]!r}")
        for span in made.spans:
            if span.kind == "value":
                value = made.text[span.start : span.end]
                measured.values += 1
                measured.changed += any(covered[span.start : span.end])
                values.append(value)
    measured.changed += sum(new != old for new, old in zip(_spelled_anew(values), values, strict=True))
    return measured


def _spelled_anew(values: list[str]) -> list[str]:
    """Values after text cleaning, but for the micro sign and full-width colons, which are spelled anew on purpose."""
    plain = [value.replace("µ", "μ").replace("：", ":") for value in values]
    return [new if new != old else value for value, old, new in zip(values, plain, _cleaned(values), strict=True)]


def _cleaned(values: list[str]) -> list[str]:
    return text.clean(pl.Series(values), text.Style(), text.Changes()).to_list()


def table(measured: Measured) -> None:
    print("| kind | planted | found | recall |")
    print("|---|---|---|---|")
    for kind, planted in sorted(measured.planted.items()):
        found = measured.found[kind]
        print(f"| {kind} | {planted} | {found} | {found / planted:.4f} |")
    print(f"\nnumbered identifiers: recall {measured.recall(NUMBERED):.4f} (aim 0.99)")
    print(f"names and addresses:  recall {measured.recall(NAMED):.4f} (aim 0.95)")
    print(f"precision {measured.precision:.4f} of {measured.hits} hits (aim 0.98)")
    print(f"laboratory values changed: {measured.changed} of {measured.values} (aim 0)\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="what was missed and what was wrong, of the first set")
    given = parser.parse_args()
    for held in (False, True):
        print("## Phrasings that were held back\n" if held else "## Phrasings at hand\n")
        measured = measure(given.rows, given.seed, held)
        table(measured)
        if given.show and not held:
            print("\n".join(sorted({*measured.missed, *measured.wrong})[:60]))


if __name__ == "__main__":
    main()
