"""Numbers that only their label proves: record, specimen, bed and insurance numbers, passports and permits, phones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llf_kit.cleaning.identifiers.digits import DIGIT, TO_ASCII
from llf_kit.cleaning.identifiers.kinds import (
    BED,
    INSURANCE,
    PASSPORT,
    PERMIT,
    PHONE,
    QQ,
    RECORD,
    SPECIMEN,
    WECHAT,
    Finder,
    Hit,
    Kind,
)

_D = f"[{DIGIT}]"
# What may stand between a label and its number: a bracket or a quotation mark, a colon or "is", white space
_BETWEEN = r"""[)）】"'”]?\s{0,3}(?:[:：=＝#是为]|is|was|：)?\s{0,3}["'“]?"""
_ENGLISH_NUMBER = r"(?i:\s{0,2}(?:numbers?|num|no\b\.?|id\b|\#|code))"
# A code in one piece, or its digits spaced out one by one. What follows after a space is not of it.
_CODE = rf"(?:{_D}(?: {_D}){{4,24}}(?![{DIGIT}])|[A-Za-zＡ-Ｚ]{{0,4}}[-_]?{_D}{{%d,}}(?:[-_/]?[{DIGIT}A-Z]+)*)(?![.．%%％]?{_D})"


@dataclass(frozen=True)
class Label:
    """The words in front of a kind's numbers, in Chinese and in English, and what such a number looks like.

    ``begins`` are how all of these words begin, in lower case: to look for them costs far less than to search a pattern.
    """

    kind: Kind
    chinese: str
    english: str
    value: str
    begins: tuple[str, ...]


LABELS: tuple[Label, ...] = (
    Label(
        PASSPORT,
        r"护照(?:证件)?(?:号码|编号|号)?",
        rf"(?i:passport){_ENGLISH_NUMBER}?",
        rf"[A-Za-z]{{0,2}}{_D}{{6,9}}(?![{DIGIT}A-Za-z])",
        ("护照", "passport"),
    ),
    Label(
        PERMIT,
        r"(?:通行证|回乡证|台胞证|居留证|居留许可|居住证|军官证|士兵证|警官证|身份证明书?|港澳证)(?:号码|编号|号)?",
        rf"(?i:(?:travel |residence |home return )permit){_ENGLISH_NUMBER}?",
        rf"(?:[A-Za-z]{{0,3}}{_D}{{7,18}}|[军武]?字?第?{_D}{{6,10}})(?![{DIGIT}A-Za-z])",
        (
            "通行证",
            "回乡证",
            "台胞证",
            "居留",
            "居住证",
            "军官证",
            "士兵证",
            "警官证",
            "身份证明",
            "港澳证",
            "travel",
            "residence",
            "home return",
        ),
    ),
    Label(
        INSURANCE,
        r"(?:医保|社保|医疗保险|社会保障|社会保险|参保|新农合|农合)(?:卡|证|人员)?(?:号码|编号|号)",
        rf"(?i:(?:health |medical )?insurance|policy|medicare|medicaid|nhs|member|social security){_ENGLISH_NUMBER}|SSN",
        rf"(?:{_D}{{3}}[ -]{_D}{{2}}[ -]{_D}{{4}}(?![{DIGIT}])|{_CODE % 4})",
        (
            "医保",
            "社保",
            "医疗保险",
            "社会保",
            "参保",
            "新农合",
            "农合",
            "health",
            "medical",
            "insurance",
            "policy",
            "medicare",
            "medicaid",
            "nhs",
            "member",
            "social",
            "ssn",
        ),
    ),
    Label(
        RECORD,
        r"(?:住院|入院|病历|病案|门诊|门急诊|急诊|就诊|诊疗|病人|病员|患者|登记|体检|档案|挂号|健康|挂号单)(?:流水|卡|识别)?(?:号码|编号|号|ID|Id|id)|ID号|(?:就诊|诊疗|健康)卡",
        rf"(?i:MRN|(?:medical|patient|hospital) record{_ENGLISH_NUMBER}?|(?:hospital|admission|inpatient|outpatient|patient|visit|encounter|chart|clinic|file){_ENGLISH_NUMBER})",
        _CODE % 4,
        (
            "住院",
            "入院",
            "病历",
            "病案",
            "门诊",
            "门急诊",
            "急诊",
            "就诊",
            "诊疗",
            "病人",
            "病员",
            "患者",
            "登记",
            "体检",
            "档案",
            "挂号",
            "健康",
            "id号",
            "mrn",
            "medical",
            "patient",
            "hospital",
            "admission",
            "inpatient",
            "outpatient",
            "visit",
            "encounter",
            "chart",
            "clinic",
            "file",
        ),
    ),
    Label(
        SPECIMEN,
        r"(?:标本|样本|样品|条码|条形码|检验|检验单|化验|化验单|申请|申请单|报告|报告单|流水|试管|采血|采样|送检|医嘱)(?:条码|条形码)?(?:号码|编号|号|ID|id)|条码|条形码|流水号",
        rf"(?i:(?:specimen|sample|accession|lab|laboratory|requisition|order|tube|report){_ENGLISH_NUMBER}|accession|bar ?code{_ENGLISH_NUMBER}?)",
        _CODE % 4,
        (
            "标本",
            "样本",
            "样品",
            "条码",
            "条形码",
            "检验",
            "化验",
            "申请",
            "报告",
            "流水",
            "试管",
            "采血",
            "采样",
            "送检",
            "医嘱",
            "specimen",
            "sample",
            "accession",
            "lab",
            "requisition",
            "order",
            "tube",
            "report",
            "bar",
        ),
    ),
    Label(
        BED,
        r"(?:床位|病床|床)号",
        r"(?i:bed)(?=\s?[:：#]|\s(?i:no|number)\b|\s[0-9]{1,3}(?:[,;)]|\.?$|\.\s))(?i:\s(?:no\b\.?|number))?",
        rf"\+?[A-Za-z]{{0,2}}{_D}{{1,4}}(?:-{_D}{{1,3}})?床?(?![{DIGIT}.．]|\s?[张个])",
        ("床", "病床", "bed"),
    ),
    Label(
        PHONE,
        r"(?:电话|手机|座机|固话|传真|联系方式|致电|拨打)(?:号码|号)?",
        rf"(?i:telephone|tel|phone|mobile|cell|fax|call)(?:{_ENGLISH_NUMBER}|\.| at| me at| us at| on)?",
        rf"(?:(?:\+|00){_D}{{1,3}}[ .-]?)?[(（]?{_D}{{2,4}}[)）]?[ .-]{{0,2}}{_D}{{3,4}}[ .-]?{_D}{{3,4}}(?![{DIGIT}]|[.．]{_D})",
        (
            "电话",
            "手机",
            "座机",
            "固话",
            "传真",
            "联系方式",
            "致电",
            "拨打",
            "tel",
            "phone",
            "mobile",
            "cell",
            "fax",
            "call",
        ),
    ),
    Label(
        QQ, r"(?i:QQ|扣扣|企鹅)(?:号码|号)?", r"(?!)", rf"[1-9１-９]{_D}{{4,10}}(?![{DIGIT}])", ("qq", "扣扣", "企鹅")
    ),
    Label(
        WECHAT,
        r"(?:微信|薇信|威信|V信|v信)(?:账号|帐号|号码|号|ID|id)?|加[vV]",
        r"(?i:we ?chat|weixin|wx|vx)(?i:\s?(?:id|account|number|no\.?))?",
        r"[A-Za-z][-_A-Za-z0-9]{5,19}(?![A-Za-z0-9@])",
        ("微信", "薇信", "威信", "v信", "加v", "wechat", "we chat", "weixin", "wx", "vx"),
    ),
)


def _pattern(label: Label) -> re.Pattern[str]:
    words = rf"(?:{label.chinese}|(?<![A-Za-z])(?:{label.english})(?![A-Za-z]))"
    return re.compile(rf"{words}(?P<between>{_BETWEEN})(?P<value>{label.value})")


_PATTERNS = tuple((label.kind, _pattern(label)) for label in LABELS)
_BEGINS = tuple((begin, number) for number, label in enumerate(LABELS) for begin in label.begins)

_ACCOUNT = re.compile(r"wxid_[A-Za-z0-9]{8,20}")
_TRADE_CODE = re.compile(r"69[0-9]{11}")  # GS1 prefixes 690 to 699, of China: a code of goods


def _find(text: str) -> Iterator[Hit]:
    lower = text.lower()
    if len(lower) != len(text):  # one letter of Turkish becomes two
        lower = "".join(char.lower() if char.isascii() else char for char in text)
    for begin, number in [one for one in _BEGINS if one[0] in lower]:
        at = lower.find(begin)
        while at >= 0:
            kind, pattern = _PATTERNS[number]
            match = pattern.match(text, at)
            at = lower.find(begin, at + 1)
            if match and (value := _value(kind, match)):
                yield Hit(match.start("value"), match.end("value"), kind, value)
    for match in _ACCOUNT.finditer(text):
        yield Hit(match.start(), match.end(), WECHAT, match[0])


def _value(kind: Kind, match: re.Match[str]) -> str:
    """The number however it is written, or nothing where it is none of that kind."""
    value = match["value"]
    if kind is WECHAT and not (re.search(r"[0-9_]", value) or re.search("[:：]", match["between"])):
        return ""  # an ordinary word: "WeChat account"
    plain = re.sub(r"[\s().（）-]", "", value.translate(TO_ASCII))
    if kind is SPECIMEN and (_TRADE_CODE.fullmatch(plain) or sum(char.isdigit() for char in plain) < 4):
        return ""
    return plain


# Ends of the labels above, short enough that looking for them is quick; a digit must follow closely.
_WORDS = (
    "护照|通行证|回乡证|台胞证|居留证|居留许可|居住证|军官证|士兵证|警官证|身份证明|港澳证|电话|手机|座机|固话|传真|方式|致电|拨打|[Qq][Qq]|扣扣|企鹅|"
    "[住入]院号|[案历诊卡者员单检院号记位床本样品验请告查水管血样检嘱码保障]号|[本样品验请告人者员历案检]编号|编码|号码|条码|条形码|[诊疗康]卡|ID号?|[Ii]d|"
    "(?i:passport|permit|number|num|no|code|ssn|mrn|record|accession|bed|tele?|phone|telephone|mobile|cell|fax|call)(?: me at| us at| at| on)?"
)
_SIGN = (
    rf"""(?:{_WORDS})(?:号码?|编号)?[)）】"'”.]?\s{{0,3}}(?:[:：=＝#是为]|is|was)?\s{{0,3}}["'“]?[(（+]?[军武]?字?第?[A-Za-zＡ-Ｚ]{{0,4}}[-_]?{_D}|"""
    "[微薇威Vv]信|加[vV]|(?i:wechat|we chat|weixin|wxid_)|[Ww][Xx][:：]|[Vv][Xx][:：]"
)

FINDER = Finder(_SIGN, _find, lambda _: True)  # to find how a label begins is as quick as to ask
