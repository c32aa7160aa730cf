"""What is asked of a parquet file, and in which order: Arrow does not survive every question."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.audit.readers import open_source
from core.datasets import first_group
from core.foundation.errors import InputError

NONSENSE = "what a column tells of itself makes no sense"


class Damaged:
    """Stands for a file of which one column may be read, which raises, but must not be asked about."""

    num_row_groups = 1
    metadata = SimpleNamespace(
        num_columns=1,
        num_rows=4,
        row_group=lambda _: SimpleNamespace(num_rows=4, column=lambda _: pytest.fail("asked")),
    )

    def __init__(self, schema=None):
        self.schema = schema

    def iter_batches(self, *_, **__):
        raise OSError(NONSENSE)

    def close(self):
        pass


def test_a_column_is_read_before_it_is_asked_about():
    with pytest.raises(OSError, match=NONSENSE):
        first_group(Damaged())


def test_a_reader_says_so_in_one_line(tmp_path):
    pq.write_table(pa.table({"e": [[1.0, 2.0], [3.0, 4.0]]}), tmp_path / "rows.parquet")
    source = open_source(tmp_path / "rows.parquet")
    source._file = Damaged(source._file.schema)
    for read in (lambda: source.values("e"), lambda: list(source.batches(["e"]))):
        with pytest.raises(InputError, match=rf"rows\.parquet.*{NONSENSE}"):
            read()


def test_the_first_group_that_has_rows_is_told(tmp_path):
    path = tmp_path / "groups.parquet"
    table = pa.table({"e": [[1.0, 2.0, 3.0]] * 5, "label": list("abcde")})
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in (table[:0], table[:2], table[2:]):
            writer.write_table(part)
    with pq.ParquetFile(path) as file:
        group = first_group(file, ["e"])
        assert (group.num_rows, group.column(0).num_values) == (2, 6)
        assert first_group(file).num_columns == 2


def test_a_file_without_rows_has_none(tmp_path):
    pq.write_table(pa.table({"e": pa.array([], pa.list_(pa.float32()))}), tmp_path / "none.parquet")
    with pq.ParquetFile(tmp_path / "none.parquet") as file:
        assert first_group(file) is None
