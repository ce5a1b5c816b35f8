"""What web pages, templates and exports leave behind: tags, entities, ``{{…}}``, a written-out ``\\n``."""

from __future__ import annotations

import html
import re

import polars as pl

from llf_kit.cleaning.text.rules import Rule, each

# Known names only, with attributes only in full: "<3.5", "p<0.05 and q>1" are no tags.
_ATTRIBUTES = r"""(?:\s+(?:[A-Za-z_:@][A-Za-z0-9_:.-]*\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)|nowrap|disabled|checked|selected|hidden|noshade))*\s*/?>"""
_BLOCKS = "br|p|div|li|ul|ol|tr|table|thead|tbody|tfoot|h[1-6]|hr|section|article|header|footer|blockquote|pre|dl|dt|dd|center|form|o:p"
_INLINE = "a|abbr|b|big|button|code|del|em|figure|figcaption|font|i|img|input|ins|kbd|label|mark|nobr|s|small|span|strike|strong|sub|sup|tt|u|var|wbr|iframe|video|source|caption|col|colgroup|html|body|head|meta|link"
_SCRIPT = r"(?is)<(?:script|style)(?:\s[^<>]*)?>.*?</(?:script|style)\s*>|<!--.*?-->|<!doctype[^<>]*>"
_BLOCK = rf"(?i)[ \t]*</?(?:{_BLOCKS}){_ATTRIBUTES}[ \t]*"
_CELL = rf"(?i)</?(?:td|th){_ATTRIBUTES}"
_TAG = rf"(?i)</?(?:{_INLINE}){_ATTRIBUTES}"

_UP, _DOWN = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻"), str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_RAISED = re.compile(r"<(su[pb])(?:\s[^<>]{0,200})?>\s?([0-9+−-]{1,4})\s?</\1>", re.IGNORECASE)


def _raise(text: str) -> str:
    """A superscript is part of the number: ``10<sup>9</sup>`` is 10⁹, not 109."""
    return _RAISED.sub(lambda found: found[2].translate(_UP if found[1].lower() == "sup" else _DOWN), text)


def _without_tags(texts: pl.Series) -> pl.Series:
    return (
        each(_raise)(texts)
        .str.replace_all(_SCRIPT, "")
        .str.replace_all(_BLOCK, "\n")
        .str.replace_all(_CELL, " ")
        .str.replace_all(_TAG, "")
        .str.replace_all("\n{3,}", "\n\n")
    )


_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")


def _unescape(text: str) -> str:
    for _ in range(2):  # exports escape what is escaped already: &amp;lt;
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text


_TEMPLATE = r"\{\{[^{}\n]{0,80}\}\}|\{%[^%{}\n]{0,80}%\}|<%[^%<>\n]{0,80}%>|\[object Object\]|_x000[Dd]_"

_WRITTEN_END = r"\\r\\n|\\n|\\r"
# TeX and paths of Windows begin words with these letters too.
_OTHER_BACKSLASH = r"\$|[A-Za-z]:\\|\\(?:n(?:u|e|eq|abla|ot|otin|eg|i|ewline|oindent)|r(?:ho|ight|m)|frac|times|theta|tau|alpha|beta|gamma|mu|sqrt|sum|left|geq?|leq?|cdot|text|pm)(?:[^a-z]|$)"


def _written_ends(texts: pl.Series) -> pl.Series:
    """Line ends for ``\\n`` where the text has no other line end."""
    whole = ~texts.str.contains("\n", literal=True) & ~texts.str.contains(_OTHER_BACKSLASH)
    ended = texts.str.replace_all(_WRITTEN_END, "\n").str.replace_all("\\t", "\t", literal=True)
    return ended.zip_with(whole, texts)


_JSON = r'^\s*(?:\{\s*["}]|\[\s*[\[{"\]])[\s\S]*[\]}]\s*$'


def _but_json(rule: Rule) -> Rule:
    """The rule, that leaves a tool call alone: in JSON ``\\n`` and ``&quot;`` are what they are."""

    def change(texts: pl.Series) -> pl.Series:
        return rule.change(texts).zip_with(~texts.str.contains(_JSON), texts)

    return Rule(rule.name, rule.sign, change)


RULES = tuple(
    map(
        _but_json,
        (
            Rule("written-out line end", r"\\[nr]", _written_ends),
            Rule("HTML entity", "&[A-Za-z#][A-Za-z0-9]{1,30};", each(_unescape)),
            Rule("HTML tag", "<[/!A-Za-z]", _without_tags),
            Rule(
                "template debris", r"\{\{|\{%|<%|\[object O|_x000", lambda texts: texts.str.replace_all(_TEMPLATE, "")
            ),
        ),
    )
)
