"""Consultations as a laboratory gets them, made up: every kind of identifier in many phrasings, beside its look-alikes.

Names, places and ways to write a number differ between the phrasings that were at hand while the rules were written
and those that were held back (see _phrasings.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from _phrasings import CHINESE, ENGLISH, HELD_CHINESE, HELD_ENGLISH, LOOK_ALIKES

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国玉兰红梅志文斌鹏飞宇浩然子轩梓涵欣怡佳琪雨思晓春燕凤萍玲波辉峰海云龙振东林森宏亮庆祥瑞雪晨曦"
RARE_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "查", "娄", "臧", "覃", "柯", "尚", "骆", "褚", "柴", "占", "滕")
RARE_GIVEN = "睿彤煜骁翊妍婧淼烨翀岚湘皓硕铭钰颖璇昊琳薇蕾悦宁"
FIRST = ("James", "Mary", "Robert", "Linda", "Michael", "Susan", "David", "Karen", "Wei", "Ahmed", "Maria", "Carlos")
LAST = (
    "Smith",
    "Johnson",
    "Brown",
    "Taylor",
    "Anderson",
    "Chen",
    "Patel",
    "O'Connor",
    "Garcia",
    "Nguyen",
    "Lopez-Ruiz",
)
HELD_FIRST = ("Priya", "Olga", "Hiroshi", "Fatima", "George", "Helen", "Thomas", "Emily")
HELD_LAST = ("Kowalski", "MacDonald", "van Dijk", "Ibrahim", "Tanaka", "Hughes", "Petrov", "Walker")
CITIES = (
    "北京市朝阳区",
    "上海市浦东新区",
    "广东省广州市越秀区",
    "浙江省杭州市西湖区",
    "四川省成都市武侯区",
    "安徽省合肥市蜀山区",
)
HELD_CITIES = (
    "黑龙江省哈尔滨市南岗区",
    "广西壮族自治区桂林市七星区",
    "河北省石家庄市正定县",
    "重庆市渝中区",
    "云南省大理白族自治州大理市",
)
ROADS = ("建国路", "人民大街", "中山北路", "解放大道", "文一西路", "学院南路", "长江中路")
HELD_ROADS = ("西大直街", "漓江路", "朝阳胡同", "民生巷", "滨河东路")
MOBILE_HEADS = ("130", "131", "135", "136", "138", "139", "150", "158", "166", "177", "186", "189", "199")
NUMERALS = "零一二三四五六七八九"


def _digits(rng: random.Random, number: int) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(number))


def _written(rng: random.Random, digits: str, groups: tuple[int, ...]) -> str:
    """A number as people and evaders write it: plain, grouped, spaced out, full-width, in Chinese numerals."""
    form = rng.choice(("plain", "plain", "plain", "space", "dash", "spaced", "wide", "chinese"))
    if form in ("space", "dash"):
        cut, parts = 0, []
        for size in groups:
            parts.append(digits[cut : cut + size])
            cut += size
        return (" " if form == "space" else "-").join(parts)
    if form == "spaced":
        return " ".join(digits)
    if form == "wide":
        return digits.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    if form == "chinese" and digits.isdigit():
        return "".join(NUMERALS[int(digit)] for digit in digits)
    return digits


def _mobile(rng: random.Random, held: bool) -> str:
    number = rng.choice(MOBILE_HEADS) + _digits(rng, 8)
    if held and rng.random() < 0.3:
        return rng.choice((f"{number[:3]}.{number[3:7]}.{number[7:]}", f"{number[:7]}\n{number[7:]}", f"+86{number}"))
    return _written(rng, number, (3, 4, 4))


def _resident_id(rng: random.Random, held: bool) -> str:
    region = rng.choice(("110105", "310104", "440106", "330102", "510107", "650104"))
    front = f"{region}{rng.randint(1930, 2015)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{_digits(rng, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    number = front + "10X98765432"[sum(int(d) * w for d, w in zip(front, weights, strict=True)) % 11]
    if held and rng.random() < 0.3:
        return rng.choice(
            (number.lower(), f"{number[:6]} {number[6:14]} {number[14:]}", f"{number[:10]}\n{number[10:]}")
        )
    return _written(rng, number, (6, 8, 4))


def _landline(rng: random.Random, held: bool) -> str:
    area = rng.choice(("010", "021", "0571", "0551", "028", "0451"))
    local = (
        f"{rng.randint(2, 8)}{_digits(rng, 10 - len(area))}"
        if len(area) == 4
        else f"{rng.randint(2, 8)}{_digits(rng, 7)}"
    )
    return f"({area}){local}" if held and rng.random() < 0.4 else f"{area}-{local}"


def _us_phone(rng: random.Random, held: bool) -> str:
    area, exchange, line = rng.randint(201, 989), rng.randint(200, 999), _digits(rng, 4)
    forms = (f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"+1 {area} {exchange} {line}")
    return rng.choice((*forms, f"{area}.{exchange}.{line}") if held else forms)


def _bank_card(rng: random.Random, held: bool) -> str:
    front = rng.choice(("622202", "621700", "622848", "623668")) + _digits(rng, 12)
    total = sum(
        sum(divmod(int(digit) * (2 if place % 2 == 0 else 1), 10)) for place, digit in enumerate(reversed(front))
    )
    number = front + str(-total % 10)
    return _written(rng, number, (4, 4, 4, 4, 3)).translate({ord(c): str(n) for n, c in enumerate(NUMERALS)})


def _name(rng: random.Random, held: bool) -> str:
    if held and rng.random() < 0.5:
        surname = rng.choice(RARE_SURNAMES) if rng.random() < 0.5 else rng.choice(SURNAMES)
        return surname + "".join(rng.choices(RARE_GIVEN, k=rng.randint(1, 2)))
    if rng.random() < 0.08:
        return rng.choice(SURNAMES) + rng.choice(("某", "某某", "XX", "××"))
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2))))


def _english_name(rng: random.Random, held: bool) -> str:
    first, last = (HELD_FIRST, HELD_LAST) if held and rng.random() < 0.6 else (FIRST, LAST)
    middle = f" {rng.choice('ABCDEJKLMRT')}." if rng.random() < 0.2 else ""
    return f"{rng.choice(first)}{middle} {rng.choice(last)}"


def _address(rng: random.Random, held: bool) -> str:
    city, road = (HELD_CITIES, HELD_ROADS) if held else (CITIES, ROADS)
    return f"{rng.choice(city)}{rng.choice(road)}{rng.randint(1, 999)}号{rng.choice(('', '', f'{rng.randint(1, 30)}号楼{rng.randint(1, 6)}单元{rng.randint(101, 2500)}室', f'{rng.randint(2, 30)}栋{rng.randint(101, 999)}'))}"


def _english_address(rng: random.Random, held: bool) -> str:
    roads = ("Maple Street", "Oak Avenue", "Park Road", "W. Elm Drive", "Lincoln Blvd")
    more = ("Queen's Lane", "St. James Court", "Old Mill Way", "North Harbor Parkway")
    tail = rng.choice(("", ", Springfield", ", Apt 4B, Boston, MA 02118", ", Leeds LS1 4AP"))
    return f"{rng.randint(1, 9999)} {rng.choice(more if held else roads)}{tail}"


def _date(rng: random.Random, held: bool) -> str:
    year, month, day = rng.randint(1931, 2015), rng.randint(1, 12), rng.randint(1, 28)
    forms = (f"{year}年{month}月{day}日", f"{year}-{month:02d}-{day:02d}", f"{year}/{month}/{day}")
    return rng.choice((*forms, f"{year}.{month:02d}.{day:02d}", f"{year}{month:02d}{day:02d}") if held else forms)


def _english_date(rng: random.Random, held: bool) -> str:
    year, month, day = rng.randint(1931, 2015), rng.randint(1, 12), rng.randint(1, 28)
    name = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "September", "Oct", "Nov", "December")[
        month - 1
    ]
    forms = (f"{month:02d}/{day:02d}/{year}", f"{year}-{month:02d}-{day:02d}", f"{name} {day}, {year}")
    return rng.choice((*forms, f"{day} {name} {year}", f"{day}.{month}.{year}") if held else forms)


def _account(rng: random.Random, held: bool) -> str:
    return rng.choice(("wx_", "zhang", "lily", "a", "doc-")) + rng.choice("bcdefgh") + _digits(rng, rng.randint(5, 8))


def _email(rng: random.Random, held: bool) -> str:
    user = f"{rng.choice(('zhang.san', 'li_si', 'mary', 'lab'))}{rng.randint(1, 99)}"
    at = rng.choice(("@", "@", "＠", " @ ")) if held else "@"
    return f"{user}{at}{rng.choice(('hospital.org.cn', '163.com', 'gmail.com', 'lab.example-clinic.co.uk'))}"


def _passport(rng: random.Random, held: bool) -> str:
    head = rng.choice(("E", "G", "D", "EA", "EJ"))
    return head + _digits(rng, 9 - len(head))


def _permit(rng: random.Random, held: bool) -> str:
    return rng.choice(("H", "M", "C")) + _digits(rng, rng.choice((8, 10)))


def _number(rng: random.Random, held: bool) -> str:
    return rng.choice(("", "", "ZY", "A", "MZ")) + _digits(rng, rng.randint(6, 12))


def _bed(rng: random.Random, held: bool) -> str:
    return rng.choice((str(rng.randint(1, 80)), f"{rng.randint(1, 20)}-{rng.randint(1, 6)}", f"+{rng.randint(1, 9)}"))


def _url(rng: random.Random, held: bool) -> str:
    more = ("https://hos.cn/report?openid=o{0}&t=1", "http://lis.example.cn/people/chen{0}", "https://weibo.com/u/{0}")
    some = (
        "https://my.hospital.cn/patient/{0}/report",
        "http://emr.cn/query?name=li{0}&type=lab",
        "https://a.com/user/z{0}",
    )
    return rng.choice(more if held else some).format(_digits(rng, 7))


MAKERS: dict[str, Callable[[random.Random, bool], str]] = {
    "resident id": _resident_id,
    "passport": _passport,
    "permit": _permit,
    "mobile": _mobile,
    "landline": _landline,
    "email": _email,
    "account": _account,
    "qq": lambda rng, held: str(rng.randint(1, 9)) + _digits(rng, rng.randint(5, 9)),
    "bank card": _bank_card,
    "record number": _number,
    "bed": _bed,
    "insurance": _number,
    "name": _name,
    "english name": _english_name,
    "surname": lambda rng, held: rng.choice(SURNAMES),
    "english surname": lambda rng, held: rng.choice((*LAST, *HELD_LAST) if held else LAST),
    "birth date": _date,
    "english birth date": _english_date,
    "us phone": _us_phone,
    "age over 89": lambda rng, held: str(rng.randint(90, 106)),
    "address": _address,
    "english address": _english_address,
    "url": _url,
}

NUMBERED = (
    *("resident id", "passport", "permit", "mobile", "landline", "us phone", "email", "account", "qq", "bank card"),
    *("record number", "bed", "insurance"),
)
NAMED = ("name", "english name", "surname", "english surname", "address", "english address")

_CONTEXT = (
    "请结合临床判断。",
    "建议复查并排除溶血。",
    "<K 4.2 mmol/L>，<Cl 101 mmol/L>。",
    "室内质控在控。",
)
_ENGLISH_CONTEXT = ("Please advise. ", "The sample was not haemolysed. ", "Chloride was <101 mmol/L>. ")
_SLOT = re.compile(r"\{([a-z0-9 ]+)\}|<([^<>]*)>")


@dataclass(frozen=True)
class Span:
    """What stands where in a text: an identifier of a kind, or (kind ``value``) what must not be touched."""

    kind: str
    start: int
    end: int


@dataclass
class Consultation:
    """A text and what was planted in it: identifiers, and values that must survive."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)

    def add(self, phrasing: str, rng: random.Random, held: bool) -> None:
        """Append a phrasing with its slots filled."""
        done = 0
        for slot in _SLOT.finditer(phrasing):
            self.text += phrasing[done : slot.start()]
            done = slot.end()
            kind = slot[1] or "value"
            value = MAKERS[kind](rng, held) if slot[1] else slot[2]
            self.spans.append(Span(kind, len(self.text), len(self.text) + len(value)))
            self.text += value
        self.text += phrasing[done:]


def consultations(rows: int, seed: int, held: bool) -> Iterator[Consultation]:
    """So many texts, Chinese three times of four: context, a phrasing or two, and in every other one a look-alike."""
    rng = random.Random(seed)
    for number in range(rows):
        chinese = number % 4 != 0
        phrasings = (HELD_CHINESE if held else CHINESE) if chinese else (HELD_ENGLISH if held else ENGLISH)
        alike = [text for text in LOOK_ALIKES if chinese or text.isascii()]
        context = _CONTEXT if chinese else _ENGLISH_CONTEXT
        parts = [rng.choice(context), *rng.sample(phrasings, rng.randint(1, 2)), rng.choice(context)]
        if rng.random() < 0.5:
            parts.insert(rng.randrange(len(parts) + 1), rng.choice(alike))
        made = Consultation()
        for part in parts:
            made.add(part, rng, held)
            made.text += rng.choice(("\n", " "))
        yield made
