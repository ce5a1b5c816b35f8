"""Stand-ins that read like the real thing, are the same for the same person everywhere, and show that they are none.

Each is made from HMAC-SHA256 of kind and value under a key that never leaves ``.llf-kit``: without it, nobody can try
all phone numbers to see which one fits. They show what they are: numbers begin as no real one does, names are 某甲 or
Doe, mail goes to example.com (RFC 2606).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from llf_kit.cleaning.identifiers import kinds
from llf_kit.cleaning.identifiers.kinds import Hit, Kind
from llf_kit.cleaning.identifiers.name_words import COMPOUND

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_FIRST = ("Alex", "Casey", "Jamie", "Jordan", "Kim", "Lee", "Morgan", "Pat", "Quinn", "Robin", "Sam", "Taylor")
_INITIALS = "ABCDEFGHJKLMNPRSTUVWY"


def load_key(private: Path, *, keep: bool) -> bytes:
    """The project's key. There is one from the first use on, which only its owner can read; without ``keep`` none is
    written."""
    path = private / "pseudonym_key"
    key = secrets.token_bytes(32)
    if keep or path.exists():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return bytes.fromhex(path.read_text(encoding="ascii"))
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.hex())
    return key


class Pseudonyms:
    """What stands for whom under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, hit: Hit, chinese: bool) -> str:
        """The stand-in for what was hit, in a Chinese or another text."""
        return self.made(hit.kind, hit.value, chinese)

    def made(self, kind: Kind, value: str, chinese: bool) -> str:
        """The stand-in for a value of a kind."""
        digest = hmac.digest(self._key, f"{kind.name}\0{value}".encode(), hashlib.sha256)
        number = int.from_bytes(digest, "big")
        digits = f"{number % 10**16:016d}"
        match kind:
            case kinds.NAME:
                return _chinese_name(number, value) if "\u3400" <= value[:1] <= "\u9fff" else _english_name(number)
            case kinds.RESIDENT_ID:
                return f"990000{1900 + number % 90}0101{digits[:4]}"  # no region's code begins with 99
            case kinds.PHONE:
                return f"100{digits[:8]}"  # no mobile number begins with 10
            case kinds.EMAIL:
                return f"user{digits[:6]}@example.com"
            case kinds.PASSPORT | kinds.PERMIT:
                return f"X0{digits[:7]}"
            case kinds.BANK_CARD:
                return f"0000{digits[:12]}"
            case kinds.WECHAT:
                return f"example_{digits[:6]}"
            case kinds.QQ:
                return f"0{digits[:8]}"
            case kinds.BED:
                return f"X{digits[:2]}"
            case kinds.BIRTH_DATE:
                month, day = number % 12 + 1, number // 12 % 28 + 1
                return f"1900年{month}月{day}日" if "年" in value else f"1900-{month:02d}-{day:02d}"
            case kinds.AGE:
                return kind.placeholder(chinese)
            case kinds.ADDRESS:
                house = number % 900 + 100
                return (
                    f"某市某区示例路甲{house}"
                    if "\u3400" <= value[-1:] <= "\u9fff" or chinese
                    else f"Example Street {house}"
                )
            case kinds.URL:
                return f"https://example.com/{digits[:8]}"
        return f"X{digits[:8]}"


def _chinese_name(number: int, value: str) -> str:
    """``赵某甲子`` for a full name, ``赵某`` for a surname alone."""
    surname, number = _SURNAMES[number % len(_SURNAMES)], number // len(_SURNAMES)
    if len(value) == 1 or value in COMPOUND:
        return f"{surname}某"
    return f"{surname}某{_STEMS[number % 10]}{_BRANCHES[number // 10 % 12]}"


def _english_name(number: int) -> str:
    first, number = _FIRST[number % len(_FIRST)], number // len(_FIRST)
    initials = _INITIALS[number % 21], _INITIALS[number // 21 % 21]
    return f"{first} {initials[0]}. {initials[1]}. Doe"
