"""Whatever the bytes, a reader gives rows or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read

from llf_kit import readers
from llf_kit.errors import DataError

Tree = Callable[[dict[str, Any]], Path]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([*readers.READERS, ".zip", ".csv.gz"]))
def test_any_bytes_give_rows_or_a_clear_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(data)
    try:
        read(path, careful=True)
    except DataError as error:
        assert str(path) in str(error)
