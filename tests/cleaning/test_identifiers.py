"""What is an identifier and what only looks like one. Every person and number here is made up."""

from __future__ import annotations

import re
import time

import pytest
from _consultations import consultations
from hypothesis import given
from hypothesis import strategies as st

from llf_kit.cleaning.identifiers import Policy, Pseudonyms, find, mask
from llf_kit.cleaning.identifiers.finding import FINDERS, replaced


# 11010519491231002X is the example that GB 11643 itself prints.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("身份证11010519491231002X请查", "身份证【身份证号】请查"),
        ("身份证：11010519491231002x。", "身份证：【身份证号】。"),
        ("1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X", "[ID]"),
        ("证件 110105-19491231-002X", "证件 【身份证号】"),
        ("电话13800138000请回", "电话【电话】请回"),
        ("+86 138-0013-8000 转", "【电话】 转"),
        ("call 13800138000,13900139000", "call [PHONE],[PHONE]"),
        ("打１３８００１３８０００", "打【电话】"),
        ("一三八零零一三八零零零", "【电话】"),
        ("手机1 3 8 0 0 1 3 8 0 0 0", "手机【电话】"),
        ("电话 1380013\n8000", "电话 【电话】"),
        ("科室010-62345678，", "科室【电话】，"),
        ("Call (212) 555-0123 now", "Call [PHONE] now"),
        ("寄到zhang.san+lab@hospital.org.cn谢谢", "寄到【邮箱】谢谢"),
        ("微信：wx_lab2024，QQ 123456789", "微信：【微信】，QQ 【QQ】"),
        ("卡号 4111111111111111", "卡号 【银行卡号】"),
        ("住院号ZY0012345，血钾5.8", "住院号【病历号】，血钾5.8"),
        ("标本号：20240115001 溶血", "标本号：【标本号】 溶血"),
        ("床号：12，K 5.1", "床号：【床号】，K 5.1"),
        ("MRN: 0012345", "MRN: [RECORD]"),
        ("医保卡号：330102199001", "医保卡号：【医保号】"),
        ("护照号E12345678", "护照号【护照号】"),
        ("患者张某某，男", "患者【姓名】，男"),
        ("姓名：李四 性别：女", "姓名：【姓名】 性别：女"),
        ("姓名：阿依古丽·买买提，", "姓名：【姓名】，"),
        ("李主任您好，请王女士复查", "【姓名】主任您好，请【姓名】女士复查"),
        ("审核者：赵敏 报告医师 钱伟", "审核者：【姓名】 报告医师 【姓名】"),
        ("欧阳医生说", "【姓名】医生说"),
        ("Mr. Smith and Dr. Mary O'Connor", "Mr. [NAME] and Dr. [NAME]"),
        ("Patient name: John A. Brown. K 6.1", "Patient name: [NAME]. K 6.1"),
        ("Signed: J. Taylor, MD", "Signed: [NAME], MD"),
        ("出生日期：1949年12月31日", "出生日期：【出生日期】"),
        ("DOB: 12/31/1949", "DOB: [BIRTH DATE]"),
        ("患者92岁，跌倒", "患者【90以上】岁，跌倒"),
        ("a 97-year-old man", "a [90+]-year-old man"),
        ("家住广东省广州市越秀区中山路12号3栋401室，", "家住【地址】，"),
        ("lives at 12 Maple Street, Boston, MA 02118.", "lives at [ADDRESS]."),
        ("见 https://emr.cn/patient/12345/report 内", "见 【网址】 内"),
        ("http://lis.cn/r?tel=13800138000&x=1", "[URL]"),
        ("Patient John Smith, K 6.1", "Patient [NAME], K 6.1"),
        ("报告医生：刘洋 审核：周杰", "报告医生：【姓名】 审核：【姓名】"),
        ("银行卡 6222 0202 0000 1234 567，", "银行卡 【银行卡号】，"),  # with a slip in it
        ("bed 12, ward 3", "bed [BED], ward 3"),
        ("https://lis.cn/report/patient/zhangsan?id=33", "[URL]"),
        ("寄至杭州市西湖区文三路 138 号 3 幢 502 室", "寄至【地址】"),
        ("SSN 123-45-6789", "SSN [INSURANCE]"),
        ("电话0571-88886666转801", "电话【电话】"),
        ('{"name": "张三", "phone": 13800138000, "K": 5.1}', '{"name": "【姓名】", "phone": "【电话】", "K": 5.1}'),
    ],
)
def test_identifiers_are_masked(before: str, after: str) -> None:
    assert mask(before) == after
    assert mask(after) == after, "what is masked stays so"


@pytest.mark.parametrize(
    "kept",
    [
        "1.23×10^12/L",
        "审核：通过；报告：方法学比较；检验：万古霉素 15 mg/L；送检：常规标本；检测：高敏肌钙蛋白",
        "bed 12 cm, Patient Safety Goals, 2026",
        "通道 3 号，线路 2 号",
        "GB/T 22576.1-2018 与 WS/T 405-2012、ISO 15189:2022",
        "LOINC 2345-7",
        "批号20240115001，条码6901234567892，货号07027931190",
        "13800138000123 个拷贝",
        "0.13800138000",
        "血钾 3.5～5.3 mmol/L，钠 138 140 139 141",
        "@所有人",
        "采样 2024-01-15 08:30:25，稀释 1:80",
        "主任医师和主治医生建议，请医生看；谢谢医生，麻烦护士",
        "请于医生指导下服用，相关医生、任何医生、随时向医生咨询",
        "患者高血压、患者黄疸，患者白细胞升高，患者于清晨，患者常有不适",
        "革兰染色、巴氏染色、王氏法，Westgard 规则，Bence Jones 蛋白",
        "Dr. Westgard's rules; Gram stain; reported by Kost, and others",
        "对于某些患者，某医院",
        "操作者：经培训的人员，审核者：主管技师，姓名：不详",
        "80～90岁，90岁以上，超过95岁，参考 18-99岁",
        "2 号冰箱，3号离心机，尿路感染 3 号样",
        "北京市临床检验中心，上海市第一人民医院",
        "https://www.cancer.gov/types/brain/patient/child-treatment-pdq",
        "6 床血钾 7.4 mmol/L，样本编号1～5",
        "Lot A1234567, Calibrator 100 200 400 800",
        "标准 2012-12-25 发布",
    ],
)
def test_what_is_no_identifier_is_left_alone(kept: str) -> None:
    assert mask(kept) == kept


@pytest.mark.parametrize(
    ("text", "flag", "sure"),
    [
        ("编码110105194912310021", "resident id with a wrong check digit", False),
        ("身份证号110105194912310021", "resident id with a wrong check digit", True),
        ("退到工商银行 6222 0202 0011 2233 445", "bank card with a wrong check digit", False),
    ],
)
def test_a_wrong_check_digit_is_flagged_and_masked_only_where_the_text_says_what_it_is(
    text: str, flag: str, sure: bool
) -> None:
    (hit,) = find(text)
    assert (hit.flag, hit.sure) == (flag, sure)


@given(st.text(st.sampled_from("0123456789.-～ ×⁹/LmgolX血钾"), max_size=40))
def test_numbers_that_are_no_identifier_survive(made: str) -> None:
    assert mask(made) == made or {hit.kind.name for hit in find(made)} <= {"phone", "resident id"}


@given(st.text(st.sampled_from('患者姓名张王三：李主任电话号138 00\n-.，aA@/年岁9路号市住址x{}"'), max_size=60))
def test_masking_twice_is_masking_once(made: str) -> None:
    after = mask(made)
    assert mask(after) == after


LONG = {
    "spaced digits": "1 " * 125_000,
    "a run of digits": "1" * 250_000,
    "dashes": "138-" * 62_500,
    "numerals": "一" * 250_000,
    "labels": "电话" * 125_000,
    "names": "患者张" * 82_500,
    "titles": "李主任医师" * 50_000,
    "towns": "市" * 250_000,
    "roads": "中山路1号" * 50_000,
    "mail": "a." * 125_000 + "@",
    "ats": "a@" * 125_000,
    "url": "http://a/" + "user/" * 50_000,
    "capitals": "A" * 250_000,
    "English names": "Dr. Smith-" * 25_000,
    "words": "Aa " * 82_500,
    "spaces": "姓名" + " " * 250_000,
    "dates": "19990101年" * 31_250,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_line_takes_linear_time(text: str) -> None:
    def seconds(some: str) -> float:
        begun = time.process_time()
        find(some)
        return time.process_time() - begun

    # Eight times the text: eight times the time, and 64 times where something backtracks.
    assert seconds(text) < 24 * seconds(text[: len(text) // 8]) + 0.5


@pytest.mark.parametrize("held", [False, True])
def test_the_sign_of_a_finder_stands_in_every_text_in_which_it_finds_something(held: bool) -> None:
    """The signs pick the texts that Python sees: what they miss is never looked at."""
    signs = [re.compile(finder.sign) for finder in FINDERS]
    for made in consultations(1500, 7, held):
        for finder, sign in zip(FINDERS, signs, strict=True):
            assert sign.search(made.text) or not list(finder.find(made.text))


def test_a_pseudonym_is_the_same_however_the_number_is_written_and_another_under_another_key() -> None:
    first, second = Policy("pseudonym", Pseudonyms(b"a" * 32)), Policy("pseudonym", Pseudonyms(b"b" * 32))

    def written(text: str, policy: Policy) -> str:
        return replaced(text, find(text), policy.stand_in)

    assert written("电话138-0013-8000", first) == written("电话１３８００１３８０００", first)
    assert written("电话13800138000", first) != written("电话13800138000", second)
    said = written("患者张三丰，李主任，身份证11010519491231002X，邮箱a1@b.cn", first)
    assert "张三丰" not in said and "李主任" not in said
    assert "@example.com" in said and "某" in said
    # What stands for a number is no number of anybody, and not taken for one.
    assert not [hit for hit in find(said) if hit.kind.name in ("phone", "resident id", "email")]
