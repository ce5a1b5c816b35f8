"""Addresses on the net: e-mail, and URLs that lead to a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.kinds import EMAIL, URL, Finder, Hit

_EMAIL = re.compile(
    # The longest local part and labels that RFC 5321 and RFC 1035 admit bound the search.
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64} ?[@＠] ?((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"
)
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'*+,;=%]{4,2000}")
_PERSONAL = re.compile(
    r"(?i)/(?:users?|u|people|person|profiles?|members?)/[^/?#]+|/(?:patients?|accounts?|space|home)/[^/?#]*[0-9]|/patients?/.*[?&]id=|"
    r"linkedin\.com/in/|/~[a-z]|"
    r"[?&#;](?:[a-z]+_)?(?:name|realname|username|uid|user|userid|patient|patientid|pid|patid|mrn|phone|mobile|tel|"
    r"email|mail|idcard|idno|cardno|openid|unionid|token|dob|birth|birthday|address|account)=[^&#]"
)
_OURS = "example.com"  # RFC 2606: what pseudonyms use


def _find(text: str) -> Iterator[Hit]:
    for match in _URL.finditer(text):
        if _PERSONAL.search(match[0]):
            yield Hit(match.start(), match.end(), URL, match[0])
    for match in _EMAIL.finditer(text):
        if match[1].lower() != _OURS:
            value = match[0].replace(" ", "").replace("＠", "@").lower()
            yield Hit(match.start(), match.end(), EMAIL, value)


def _may(text: str) -> bool:
    return "@" in text or "＠" in text or "http" in text or "www." in text


FINDER = Finder("[@＠]|https?://|www\\.", _find, _may)
