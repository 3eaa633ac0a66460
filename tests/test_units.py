"""Counts with units: rounded to three digits, exactly, and the same in every format people read."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import cnncalc
from cnncalc.amounts import amount, in_unit
from cnncalc.render.write import FORMATS
from tests.command import cnncalc as command


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (25_557_032, "", "25.6 M"),
        (4_089_184_256, "", "4.09 G"),
        # 102,228,128 / 2**20 = 97.492…
        (102_228_128, "B", "97.5 MiB"),
        (0, "", "0"),
        (999, "", "999"),
        (1_000, "", "1.00 k"),
        (9_994, "", "9.99 k"),
        (9_995, "", "10.0 k"),
        (99_949, "", "99.9 k"),
        (99_950, "", "100 k"),
        (999_499, "", "999 k"),
        (999_500, "", "1.00 M"),
        (10**30, "", "1,000,000,000,000 E"),
        (1023, "B", "1,023 B"),
        (1024, "B", "1.00 KiB"),
        (1023 * 1024, "B", "1,023 KiB"),
        (1024 * 1024 - 1, "B", "1.00 MiB"),
        (-2_534_400, "", "-2.53 M"),
    ],
)
def test_three_digits_and_a_unit(value: int, unit: str, text: str) -> None:
    assert amount(value, unit, rounded=True) == text


def test_rounding_is_never_off_by_more_than_half_a_digit() -> None:
    sizes = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
    for value in (*range(1000, 120_000, 7), *range(10**6 - 600, 10**6 + 6000, 11), 123_456_789):
        number, _, unit = amount(value, rounded=True).partition(" ")
        shown = Fraction(number) * sizes[unit]
        last = Fraction(sizes[unit], 10 ** (len(number.partition(".")[2])))
        assert abs(shown - value) * 2 <= last
        assert len(number.replace(".", "")) == 3


@pytest.mark.parametrize(
    ("value", "unit", "size", "text"),
    [
        (262_144, "KiB", 1024, "256 KiB"),
        (31_104, "KiB", 1024, "30.4 KiB"),  # 30.375
        (262_145, "KiB", 1024, "256.0 KiB"),  # more than 256: not all digits
        (25_690_112, "KiB", 1024, "25,088 KiB"),
        (100, "MiB", 1024**2, "0.0000954 MiB"),
        (1_500, "kB", 1000, "1.5 kB"),
    ],
)
def test_a_value_in_the_unit_of_its_budget(value: int, unit: str, size: int, text: str) -> None:
    assert in_unit(value, unit, size) == text


def test_a_budget_in_kib_is_answered_in_kib(tmp_path: Path) -> None:
    limits = ["--max-peak-memory", "20KiB", "--max-weights-size", "300000"]
    out = command("check", "lenet5", *limits).out
    # conv1: 3,072 inputs and 4,704 outputs of 4 bytes; 62,006 parameters of 4 bytes.
    words = " ".join(out.split())
    assert "peak memory 30.4 KiB at most 20 KiB over by 51.9 %" in words
    assert "weights size 248,024 B at most 300,000 B" in words
    assert "at conv1, while conv1 18.4 KiB (60.5 %), input 12 KiB (39.5 %)" in words
    (tmp_path / "pyproject.toml").write_text(
        '[tool.cnncalc.budgets]\nmax-peak-memory = "20KiB"\n', "utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert "30.4 KiB" in command("check", "lenet5").out
        (entry,) = json.loads(command("check", "lenet5", "-f", "json").out)["specs"]
    assert [entry["limits"][0][key] for key in ("value", "budget")] == [31_104, 20 * 1024]
    assert "30.4 KiB" in str(cnncalc.check("lenet5", {"max-peak-memory": "20KiB"}))


# torchvision's resnet50: 25,557,032 parameters, 4,089,184,256 MACs.
RESNET50 = ("25.6 M", "4.09 G", "8.18 G")


@pytest.mark.parametrize("format", FORMATS)
def test_tables_have_units(format: str) -> None:
    for networks in (["resnet50"], ["resnet50", "lenet5"]):
        asked = ["table", *networks, "--units", "--columns", "+params_bytes", "-f", format]
        out = command(*asked).out
        assert all(text in out for text in (*RESNET50, "97.5 MiB"))
        assert "25,557,032" not in out
        assert "Rounded to three digits" in out
        assert "Rounded" not in command("table", *networks, "-f", format).out


@pytest.mark.parametrize("format", ["csv", "json"])
@pytest.mark.parametrize("networks", [["resnet50"], ["resnet50", "lenet5"]])
def test_data_stays_exact(networks: list[str], format: str) -> None:
    asked = ("table", *networks, "-f", format)
    assert command(*asked, "--units").out == command(*asked).out


@pytest.mark.parametrize("format", FORMATS)
def test_other_pages_have_units(format: str) -> None:
    options = ("--units", "-f", format)
    diff = command("diff", "lenet5", "resnet50", *options).out
    assert all(text in diff for text in ("25.6 M", "62.0 k", "97.5 MiB"))
    check = command("check", "resnet50", "--max-params", "5M", "--max-macs", "1G", *options).out
    assert all(text in check for text in ("25.6 M", "4.09 G", "at most 5.00 M"))
    fc = command("compare-fc", "lenet5", *options).out
    # 16,332,288 weights; 65,354,368 and 11,488 bytes.
    assert all(text in fc for text in ("16.3 M", "62.3 MiB", "11.2 KiB"))
    layer = command("layer", "linear", "1000", "--input", "2048", *options).out
    assert "2.05 M" in layer


def test_one_name_for_peak_memory() -> None:
    names = ("peak_memory", "working_set")
    tables = [command("table", "lenet5", "--columns", f"+{name}").out for name in names]
    assert tables[0] == tables[1]
    assert "peak memory" in tables[0]
    for asked in (["--value"], ["--sort"], ["-f", "json", "--columns"], ["-f", "csv", "--columns"]):
        old, new = (command("table", "lenet5", *asked, name) for name in names)
        assert (old.out, old.code) == (new.out, 0)
    report = cnncalc.analyze("lenet5")
    assert report.total("working_set") == report.total("peak_memory") == 4 * (3072 + 4704)
    assert [*report.column("working_set")] == [*report.column("peak_memory")]
    for words in (["diff", "lenet5", "vgg16"], ["check", "lenet5", "--max-peak-memory", "1MB"]):
        out = command(*words).out
        assert "peak memory" in out
        assert "working set" not in out
    assert "peak memory" in command("explain", "lenet5", "conv1").out
