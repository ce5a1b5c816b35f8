"""A page of a dataset that was looked at: self-contained, every text escaped, what is trained on highlighted."""

from __future__ import annotations

from html import escape

from llf_kit.upstream.inspect import Row, Seen

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right }
section { border: 1px solid #ccc; border-radius: 6px; margin: 1em 0; padding: .5em 1em }
section.dropped { background: #fbe9e7 } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6;
padding: .6em } mark { background: #b7e4c7 } .note { color: #a33 }
"""
# Nothing is loaded and nothing runs, whatever stands in the data.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(seen: Seen) -> str:
    """The page."""
    counts = seen.to_dict()
    head = {key: counts[key] for key in ("read", "kept", "dropped", "truncated")} | seen.statistics()
    names = "".join(f"<th>{escape(key)}</th>" for key in head)
    numbers = "".join(f"<td>{value}</td>" for value in head.values())
    title = f"{escape(seen.name)} as LLaMA-Factory sees it"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"<p>Stage {escape(seen.stage)}, cutoff_len {seen.cutoff_len}; lengths in tokens. "
        f"<mark>Marked text</mark> is trained on.</p>\n"
        f"<table>\n<tr>{names}</tr>\n<tr>{numbers}</tr>\n</table>\n"
        + "".join(_section(row) for row in seen.rows)
        + "</body>\n</html>\n"
    )


def _section(row: Row) -> str:
    if not row.kept:
        return f'<section class="dropped">\n<h2>Row {row.number}</h2>\n<p class="note">dropped</p>\n</section>\n'
    note = ' <span class="note">truncated</span>' if row.cut else ""
    views = "".join(
        (f"<h3>{escape(view.name)}</h3>\n" if len(row.views) > 1 or view.name != "row" else "")
        + "<pre>"
        + "".join(f"<mark>{escape(text)}</mark>" if trained else escape(text) for text, trained in view.pieces)
        + "</pre>\n"
        for view in row.views
    )
    counts = f"<p>{row.tokens} tokens, {row.trained} trained{note}</p>"
    return f"<section>\n<h2>Row {row.number}</h2>\n{counts}\n{views}</section>\n"
