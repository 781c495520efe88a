"""Files as people have them: each kind of text file, column and array, in a file of its own."""

import bz2
import gzip
import lzma
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zstandard

from fourways.errors import InputError
from fourways.reading import Data, Options, read

X = np.array([[1.5, 2.0], [-3.25, 4.0], [1e3, 6.5], [0.5, -7.0]])
Y = np.array([1.0, 2.0, 4.0, 8.5])


def table(path: Path, content: str | bytes, **options: Any) -> Data:
    """Read a table of one file; its target is y."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read([path], Options(**{"target": "y"} | options))


def refused(path: Path, content: str | bytes, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        table(path, content, **options)
    message = str(error.value)
    assert "\n" not in message
    return message


def holds(data: Data, names: tuple[str, ...] = ("a", "b")) -> None:
    assert data.names == list(names)
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)


def written(separator: str = ",", decimal: str = ".", names: str = "a,b,y") -> str:
    lines = [names.replace(",", separator)]
    for row, y in zip(X, Y, strict=True):
        lines.append(separator.join(str(value).replace(".", decimal) for value in (*row, y)))
    return "\n".join(lines) + "\n"


# How a text file is written.


@pytest.mark.parametrize(
    ("separator", "said"),
    [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "blanks")],
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_separator_and_decimal_mark_are_found(
    tmp_path: Path, separator: str, decimal: str, said: str
) -> None:
    if separator == decimal:
        pytest.skip("cannot be told apart")
    data = table(tmp_path / "t.csv", written(separator, decimal))
    holds(data)
    assert said in data.notes[0]
    assert ("decimal commas" in data.notes[0]) == (decimal == ",")


def test_columns_may_be_aligned_by_blanks(tmp_path: Path) -> None:
    lines = ["   a        b      y"] + [
        f"{a:8.2f} {b:8.1f}   {y:g}" for (a, b), y in zip(X, Y, strict=True)
    ]
    holds(table(tmp_path / "t.dat", "\n".join(lines)))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    content = written(names="größe,b,y").encode(encoding)
    holds(table(tmp_path / "t.csv", content), ("größe", "b"))


def test_an_encoding_can_be_said(tmp_path: Path) -> None:
    content = written(names="é,b,y").encode("cp850")
    holds(table(tmp_path / "t.csv", content, encoding="cp850"), ("é", "b"))
    assert "is not in utf-8" in refused(tmp_path / "t.csv", content, encoding="utf-8")
    assert "is not in klingon" in refused(tmp_path / "t.csv", content, encoding="klingon")


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_packed_files_are_read(tmp_path: Path, suffix: str, pack: Any) -> None:
    packed = pack(written().encode())
    holds(table(tmp_path / f"t.csv{suffix}", packed))
    assert "cannot be read" in refused(tmp_path / f"t.csv{suffix}", packed[: len(packed) // 2])


def test_comments_blank_lines_and_blanks_round_values_are_no_data(tmp_path: Path) -> None:
    lines = written(names=" a , b,y ").replace(",", " , ").splitlines()
    data = table(tmp_path / "t.csv", "\n".join(["# made by hand", "", *lines[:3], "", *lines[3:]]))
    holds(data)
    assert "lines that begin with # left out" in data.notes[0]


def test_line_ends_of_every_system(tmp_path: Path) -> None:
    for end in ("\r\n", "\r"):
        holds(table(tmp_path / "t.csv", written().replace("\n", end)))


def test_a_header_may_be_missing_and_is_asked_about(tmp_path: Path) -> None:
    content = "\n".join(written().splitlines()[1:])
    said = refused(tmp_path / "t.csv", content)
    assert "--header none" in said
    assert "--header first" in said
    data = table(tmp_path / "t.csv", content, target="x2", header="none")
    holds(data, ("x0", "x1"))
    years = written(names="2001,2002,2003")
    holds(table(tmp_path / "t.csv", years, target="2003", header="first"), ("2001", "2002"))


def test_names_in_a_comment_above_the_numbers(tmp_path: Path) -> None:
    holds(table(tmp_path / "t.dat", "# " + written(" ", names="a,b,y")))


def test_row_names_as_R_writes_them(tmp_path: Path) -> None:
    lines = written().splitlines()
    content = "\n".join([lines[0], *(f'"{k}",{line}' for k, line in enumerate(lines[1:], 1))])
    data = table(tmp_path / "t.csv", content)
    holds(data)
    assert "counts the rows: left out" in data.notes[1]


def test_separator_and_decimal_mark_can_be_said(tmp_path: Path) -> None:
    content = written("^")
    holds(table(tmp_path / "t.csv", content, separator="^"))
    assert "one character" in refused(tmp_path / "t.csv", content, separator="::")
    data = table(tmp_path / "t.csv", "a;y\n1,500;1\n2,500;2\n", decimal=".")
    assert data.X[:, 0].tolist() == [1500, 2500]


def test_a_ragged_file_is_one_line(tmp_path: Path) -> None:
    lines = ["a,b,y", *["1,2,3"] * 200, "1,2,3,4,5"]
    assert "cannot be read" in refused(tmp_path / "t.csv", "\n".join(lines))


def test_a_first_line_that_names_some_columns_is_asked_about(tmp_path: Path) -> None:
    content = "569,3,malignant,benign,,\n" + "1,2,3,4,5,6\n" * 8
    assert "names 4 of 6 columns: --header none" in refused(tmp_path / "t.csv", content)


# What is missing.


@pytest.mark.parametrize(
    "word",
    [
        "",
        "NA",
        "n/a",
        "NaN",
        "nan",
        "null",
        "None",
        "?",
        "-",
        ".",
        "#N/A",
        "Inf",
        "-inf",
        "INFINITY",
    ],
)
def test_spellings_of_what_is_missing(tmp_path: Path, word: str) -> None:
    content = f"a,y\n1,2\n{word},3\n4,5\n6,9\n"
    said = refused(tmp_path / "t.csv", content)
    assert "column 'a' has no value in row 2 (1 of 4 rows lack one)" in said
    data = table(tmp_path / "t.csv", content, drop_missing=True)
    assert data.X[:, 0].tolist() == [1, 4, 6]
    assert data.dropped == 1


def test_another_spelling_can_be_said(tmp_path: Path) -> None:
    content = "a,y\n1,2\n2,3\n-999,5\nunknown,7\n5,8\n"
    assert "--null 'unknown'" in refused(tmp_path / "t.csv", content)
    data = table(tmp_path / "t.csv", content, null=("unknown", "-999"), drop_missing=True)
    assert data.X[:, 0].tolist() == [1, 2, 5]


def test_an_empty_column_does_not_take_every_row_with_it(tmp_path: Path) -> None:
    content = "a,void,y\n1,,2\n2,,3\n3,,5\n"
    said = refused(tmp_path / "t.csv", content)
    assert "'void' is empty throughout" in said
    assert "--exclude void" in said
    data = table(tmp_path / "t.csv", content, drop_missing=True)
    assert (data.names, len(data.y), data.dropped) == (["a"], 3, 0)
    assert "column 'void' is empty throughout: left out" in data.notes


# Numbers in other clothes.


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (['"1,234"', '"1,234,567.5"', "12"], [1234, 1234567.5, 12]),
        (["$1.50", "$2", "-$3"], [1.5, 2, -3]),
        (["1 €", "2.5 €", "3€"], [1, 2.5, 3]),
        (["5%", "7.5 %", "-1%"], [5, 7.5, -1]),
        (['"1.5"', '"2"', '"-3e2"'], [1.5, 2, -300]),
        (["(12)", "(1.5)", "3"], [-12, -1.5, 3]),
        (["1'000", "2'500.5", "3"], [1000, 2500.5, 3]),
        (["1 000", "2 500", "3"], [1000, 2500, 3]),
        (["−5", "+3", "2"], [-5, 3, 2]),
        (["true", "FALSE", "True"], [1, 0, 1]),
        (["007", "010", "011"], [7, 10, 11]),
    ],
)
def test_numbers_in_text(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    lines = ["a,y", *(f"{cell},{k * k}" for k, cell in enumerate(cells))]
    assert table(tmp_path / "t.csv", "\n".join(lines)).X[:, 0].tolist() == values


def test_marks_of_thousands_beside_decimal_commas(tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv", "a;y\n1.234,5;1\n12,25;2\n1.000.000,0;3\n")
    assert data.X[:, 0].tolist() == [1234.5, 12.25, 1e6]


def test_a_column_of_numbers_never_becomes_dummies(tmp_path: Path) -> None:
    content = "a,y\n1,2\n2,3\nmany,5\n4,9\n"
    said = refused(tmp_path / "t.csv", content, dummies=True)
    assert "column 'a' holds numbers, and in row 3 'many'" in said
    assert "--null 'many'" in said
    mixed = "a,y\n5%,2\n6,3\n7%,5\n8%,9\n"
    assert "column 'a' mixes '5%' and '6'" in refused(tmp_path / "t.csv", mixed, dummies=True)
    monies = "a,y\n$5,2\n€6,3\n$7,5\n"
    assert "column 'a' mixes '$5' and '€6'" in refused(tmp_path / "t.csv", monies, dummies=True)


# Text, dates and keys.


def test_text_of_a_value_for_each_row_is_no_category(tmp_path: Path) -> None:
    lines = ["city,y", *(f"city number {k},{k}" for k in range(45_066))]
    began = time.perf_counter()
    said = refused(tmp_path / "t.csv", "\n".join(lines), dummies=True)
    assert "45066 texts in 45066 rows, too many for dummies: --exclude city" in said
    assert time.perf_counter() - began < 30  # a second, on a machine of one's own


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%b %d %Y"),
        *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S.%f"),
    ],
)
def test_dates_become_days_on_request(tmp_path: Path, form: str) -> None:
    from datetime import datetime, timedelta

    first = datetime(1970, 1, 2)
    days = [(first + timedelta(days=k)).strftime(form) for k in range(8759)]
    content = "\n".join(["day,y", *(f"{day},{k % 7}" for k, day in enumerate(days))])
    said = refused(tmp_path / "t.csv", content, dummies=True)
    assert "column 'day' holds dates" in said
    assert "--dates (days since 1970-01-01) or --exclude day" in said
    data = table(tmp_path / "t.csv", content, dates=True)
    assert data.X[:, 0].tolist() == list(range(1, 8760))
    assert "column 'day': dates, as days since 1970-01-01" in data.notes


def test_a_date_that_may_be_two_is_asked_about(tmp_path: Path) -> None:
    content = "day,y\n03/04/2020,1\n05/06/2021,2\n"
    assert "the day first or the month" in refused(tmp_path / "t.csv", content, dates=True)


def test_columns_can_be_excluded(tmp_path: Path) -> None:
    content = "a,name,b,y\n1.5,Ann,2,1\n-3.25,Bo,4,2\n1000,Cy,6.5,4\n0.5,Di,-7,8.5\n"
    holds(table(tmp_path / "t.csv", content, exclude=("name",)))
    assert "has no column 'nome'" in refused(tmp_path / "t.csv", content, exclude=("nome",))


def test_memory_is_checked_after_the_dummies_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suites.harness import machine

    monkeypatch.setattr(machine, "memory", lambda: 32 * 200 * 10)
    content = "\n".join(["kind,y", *(f"k{k % 50},{k}" for k in range(200))])
    said = refused(tmp_path / "t.csv", content, dummies=True)
    assert "50 dummies of 'kind' included: 200 x 51 needs" in said


# Columns.


def test_a_first_column_without_a_name_that_counts_is_left_out(tmp_path: Path) -> None:
    lines = written().splitlines()
    content = "\n".join([f",{lines[0]}", *(f"{k},{line}" for k, line in enumerate(lines[1:]))])
    data = table(tmp_path / "t.csv", content)
    holds(data)
    assert data.notes[1] == "the first column has no name and counts the rows: left out"


def test_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    said = refused(tmp_path / "t.csv", "a,b,a,y\n1,2,3,4\n2,3,4,6\n")
    assert "has columns of one name: 'a' (2 times)" in said
    assert "'y' (2 times)" in refused(tmp_path / "t.csv", "a,y,y\n1,2,3\n2,3,4\n")


def test_names_with_commas_can_be_given(tmp_path: Path) -> None:
    content = '"a, in m",b,y\n1.5,2,1\n-3.25,4,2\n1000,6.5,4\n0.5,-7,8.5\n'
    holds(table(tmp_path / "t.csv", content, features=("a, in m", "b")), ("a, in m", "b"))


def test_integers_beyond_float64_are_read_and_named(tmp_path: Path) -> None:
    large = 2**53
    content = f"a,b,y\n{large},1,1\n{large + 1},2,2\n{large + 4},3,4\n"
    data = table(tmp_path / "t.csv", content)
    assert any("column 'a': integers beyond 2⁵³: 1 of them" in note for note in data.notes)
    table(tmp_path / "t.csv", f"a,y\n{10**30},1\n3,2\n")


@pytest.mark.parametrize(
    ("column", "kind"),
    [([[1], [2]], "List"), ([{"k": 1}, {"k": 2}], "Struct"), ([b"1", b"2"], "Binary")],
)
def test_columns_without_one_number_a_row_are_refused(
    tmp_path: Path, column: list[Any], kind: str
) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": column, "y": [1.0, 2.0]}).write_parquet(path)
    with pytest.raises(InputError, match=rf"column 'a' must be numeric; it holds {kind}"):
        read([path], Options(target="y"))


def test_parquet_of_every_kind_of_number(tmp_path: Path) -> None:
    from datetime import date, timedelta

    path = tmp_path / "t.parquet"
    frame = pl.DataFrame(
        {
            "flag": [True, False, True],
            "count": pl.Series([1, 2, 3], dtype=pl.UInt8),
            "part": pl.Series([1.5, 2.5, 0.5], dtype=pl.Float32),
            "text": ["1", "2", "7"],
            "kind": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
            "day": [date(1970, 1, 2), date(1970, 1, 3), date(1970, 1, 4)],
            "took": [timedelta(days=1), timedelta(hours=12), timedelta(0)],
            "y": [1.0, 2.0, 4.0],
        }
    )
    frame.write_parquet(path)
    data = read([path], Options(target="y", dummies=True, dates=True))
    found = dict(zip(data.names, data.X.T.tolist(), strict=True))
    assert found["flag"] == [1, 0, 1]
    assert found["text"] == [1, 2, 7]
    assert found["kind=u"] == [1, 0, 1]
    assert found["day"] == [1, 2, 3]
    assert found["took"] == [1, 0.5, 0]


# Arrays.


def arrays(folder: Path, X: Any, y: Any = Y, **options: Any) -> Data:
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    return read([folder / "X.npy", folder / "y.npy"], Options(**options))


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.astype(">f8"),
        np.asfortranarray,
        lambda a: a.astype(np.longdouble),
        lambda a: a.astype(np.float16),
    ],
)
def test_arrays_of_other_layouts_are_read(tmp_path: Path, form: Any) -> None:
    data = arrays(tmp_path, form(X), form(Y))
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)
    assert data.X.dtype == np.float64
    assert data.X.dtype.isnative


def test_one_column_may_have_one_dimension_or_two(tmp_path: Path) -> None:
    data = arrays(tmp_path, X[:, 0], Y[:, None])
    np.testing.assert_array_equal(data.X[:, 0], X[:, 0])
    np.testing.assert_array_equal(data.y, Y)
    assert data.notes == [
        "X has one dimension: taken as one column",
        "y has shape (4, 1): taken as one column",
    ]


def test_a_structured_array_has_its_own_names(tmp_path: Path) -> None:
    structured = np.array([tuple(row) for row in X], dtype=[("a", "f8"), ("b", "f4")])
    holds(arrays(tmp_path, structured))


def test_arrays_that_lack_values(tmp_path: Path) -> None:
    holed = X.copy()
    holed[1, 1] = np.nan
    holed[2, 0] = np.inf
    with pytest.raises(InputError, match=r"X\[1, 1\] is nan: .* \(2 of 4 rows lack a value\)"):
        arrays(tmp_path, holed)
    data = arrays(tmp_path, holed, drop_missing=True)
    assert (len(data.y), data.dropped) == (2, 2)
    with pytest.raises(InputError, match=r"y\[0\] is nan"):
        arrays(tmp_path, X, np.array([np.nan, 1, 2, 3]))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X.astype(object), Y, r"X.npy holds Python objects.*save X\.astype"),
        (X, Y[:3], r"got shapes \(4, 2\) and \(3,\)"),
        (Y, X, r"got shapes \(4, 1\) and \(4, 2\); X comes first, then y"),
        (X[None], Y, r"X must be \(n, p\), got shape \(1, 4, 2\)"),
        (X.astype("U8"), Y, "X.npy must hold real numbers, got dtype <U8"),
        (X, Y.astype(complex), "y.npy must hold real numbers, got dtype complex128"),
    ],
)
def test_arrays_that_say_nothing_are_one_line(tmp_path: Path, X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        arrays(tmp_path, X, y)


def test_the_damaged_file_is_named(tmp_path: Path) -> None:
    arrays(tmp_path, X)
    whole = (tmp_path / "y.npy").read_bytes()
    (tmp_path / "y.npy").write_bytes(whole[:-5])
    with pytest.raises(InputError, match=r"y\.npy cannot be read"):
        read([tmp_path / "X.npy", tmp_path / "y.npy"], Options())
