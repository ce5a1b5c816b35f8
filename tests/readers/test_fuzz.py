"""Whatever the bytes, a reader gives rows or a clear error: never a traceback, never a hang."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
import zlib
from functools import cache
from pathlib import Path

import docx
import openpyxl
import polars as pl
import pytest
import xlwt
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reading import read

from llf_kit import readers
from llf_kit.errors import DataError

ROWS = [{"问题": f"血钾{number}？", "答案": "3.5～5.3 mmol/L，\n复查"} for number in range(6)]
CELLS = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
HTML_TABLE = "".join("<tr>" + "".join(f"<td rowspan=1>{cell}" for cell in row) for row in CELLS)


def saved(save: object) -> bytes:
    file = io.BytesIO()
    save(file)  # type: ignore[operator]
    return file.getvalue()


@cache
def sound(suffix: str) -> bytes:
    """A small file of this kind without a fault."""
    frame = pl.DataFrame(ROWS)
    marked = "".join(f"## {row['问题']}\n问：{row['问题']}\n答：{row['答案']}\n\n" for row in ROWS)
    match suffix:
        case ".xlsx" | ".xlsm":
            book = openpyxl.Workbook()
            for row in CELLS:
                book.worksheets[0].append(row)
            book.worksheets[0].merge_cells("B2:B3")
            return saved(book.save)
        case ".xls":
            old = xlwt.Workbook()
            sheet = old.add_sheet("a")
            for place, row in enumerate(CELLS):
                for column, cell in enumerate(row):
                    sheet.write(place, column, cell)
            return saved(old.save)
        case ".docx":
            document = docx.Document()
            document.add_paragraph(marked)
            table = document.add_table(rows=len(CELLS), cols=2)
            for place, row in enumerate(CELLS):
                table.cell(place, 0).text, table.cell(place, 1).text = row
            table.cell(1, 0).merge(table.cell(2, 0))
            return saved(document.save)
        case ".parquet":
            return saved(frame.write_parquet)
        case ".arrow":
            return saved(frame.write_ipc)
        case ".json":
            return json.dumps({"version": 1, "data": ROWS}, ensure_ascii=False).encode()
        case ".jsonl":
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
        case ".xml":
            rows = "".join(f"<r><q>{row['问题']}</q><a>{row['答案']}</a></r>" for row in ROWS)
            return f"<?xml version='1.0' encoding='utf-8'?><d>{rows}</d>".encode()
        case ".html" | ".htm":
            return f"<h2>血钾？<p>{marked}<table>{HTML_TABLE}</table><dl><dt>血钠？<dd>137</dl>".encode()
        case ".md" | ".markdown":
            return f"{marked}\n|a|b|\n|-|-|\n|1|2|\n\n- x\n\n<table>{HTML_TABLE}</table>\n".encode()
        case ".txt":
            return marked.encode("gb18030")
        case ".zip":
            return zipped({"a.csv": sound(".csv"), "b.json": sound(".json")})
        case ".csv.gz":
            return gzip.compress(sound(".csv"))
        case _:
            return frame.write_csv(separator="\t" if suffix == ".tsv" else ",").encode()


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


SUFFIXES = [*readers.READERS, ".zip", ".csv.gz"]
PLACE = st.floats(0, 1, exclude_max=True)
DAMAGES = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "drop", "repeat"]), PLACE, st.binary(max_size=6)), max_size=4
)


def damaged(data: bytes, damages: list[tuple[str, float, bytes]]) -> bytes:
    for kind, place, new in damages:
        at = int(place * len(data))
        match kind:
            case "flip":
                data = data[:at] + new + data[at + len(new) :]
            case "cut":
                data = data[: at + 1]
            case "drop":
                data = data[:at] + data[at + 1 + len(new) :]
            case _:
                data = data[:at] + data[at : at + 40] * 3 + data[at:]
    return data


def inside(data: bytes, damages: list[tuple[str, float, bytes]]) -> bytes:
    """Damage in the largest part of a zip, which is whole itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    largest = next((name for name in parts if name.endswith(("sheet1.xml", "document.xml"))), "a.csv")
    parts[largest] = damaged(parts[largest], damages)
    return zipped(parts)


def check(path: Path, data: bytes, *, careful: bool) -> None:
    path.write_bytes(data)
    try:
        read(path, careful=careful)
    except DataError as error:
        assert str(path) in str(error)
    except pl.exceptions.PolarsError:
        assert not careful  # the command reads such a file again, carefully


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sound_file_has_all_its_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(sound(suffix))
    assert len(read(path)) >= len(ROWS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(data=st.binary(max_size=300), suffix=st.sampled_from(SUFFIXES))
def test_any_bytes_give_rows_or_a_clear_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    check(tmp_path / f"any{suffix}", data, careful=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(damages=DAMAGES, careful=st.booleans())
@example(damages=[("repeat", 0.5, b""), ("flip", 0.25, b"\x00\x02")], careful=False)  # an OSError of an arrow file
def test_damaged_files_give_rows_or_a_clear_error(
    tmp_path: Path, suffix: str, damages: list[tuple[str, float, bytes]], careful: bool
) -> None:
    check(tmp_path / f"any{suffix}", damaged(sound(suffix), damages), careful=careful)


@pytest.mark.parametrize("suffix", [".xlsx", ".docx", ".zip"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(damages=DAMAGES)
def test_damage_inside_a_packed_document(tmp_path: Path, suffix: str, damages: list[tuple[str, float, bytes]]) -> None:
    check(tmp_path / f"any{suffix}", inside(sound(suffix), damages), careful=True)


# Two rows whose record batch states a buffer of 7 exabytes (zlib, base 85).
_EXABYTES = (
    "c-nIe3i1y(WME)nU|{(4|Nnmx1`wMONOCc7GjIS&7KR@{aUP%u2M~f}nSi7L14PdepqvDd768jLFff8RP;oXO{e10|XA3(R7~TN+"
    "IzYYx5KBPS2`~r&%@AM^1ncAh>-z&##{v`u>3unU-OEKYAm#yu|384*2{P*dBSakHUS^<fVX%2TK;AQ`-5}5db*l)N#|N~V1*k><"
    "EW*Tq0E|d%RtDT40ZKQZi8r9h!wj4QCOgtWB*;ECG=1oNE+Brfu;JyTeFpFM%tz)MqVbK;_{L~_6Ewalm`?~u0kN^3>3eK^DKx$b"
    "8s86%pMl12B5XZa?cRB&dd3R5x%oNzKJWMRa6Mhp`)vNwftMk|`QUWQfRs)hfV2fXoq|%i5HR(z08=~<IEk!)>U#mD4=|#dH^6!C"
    "IFRWGE+PP?u-<3"
)


def test_an_arrow_file_of_exabytes_ends_no_process(tmp_path: Path) -> None:
    path = tmp_path / "any.arrow"
    path.write_bytes(zlib.decompress(base64.b85decode(_EXABYTES)))
    assert [row["reason"] for row in read(path)] == ["damaged from here on: the rest of the file was not read"]
