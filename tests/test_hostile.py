"""Hostile specs: each ends soon and small, in an error or in an exact result.

Each runs as a user would run it, in a process of its own, whose wall time and peak memory are
measured by a second small process (a large parent would count as memory of its child). What was
measured stands in docs/reliability.md; the limit on the time is generous here, for slow machines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SECONDS = 10.0
MEGABYTES = 300

MEASURE = """
import resource, subprocess, sys
with open("out", "wb") as out, open("err", "wb") as err:
    code = subprocess.run(sys.argv[1:], stdin=sys.stdin, stdout=out, stderr=err).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
# The processor's time, which does not depend on what else the machine does.
print(code, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


class Run(NamedTuple):
    """How a run ended, what it printed and what it took."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(*arguments: str, stdin: str = os.devnull) -> Run:
    """Run `python -m cnncalc table` and measure it."""
    command = [sys.executable, "-I", "-S", "-c", MEASURE]
    command += [sys.executable, "-m", "cnncalc", "table", *arguments]
    with open(stdin, "rb") as source:
        measured = subprocess.run(
            command, stdin=source, capture_output=True, text=True, timeout=60, check=True
        )
    code, seconds, kilobytes = measured.stdout.split()
    out, err = Path("out").read_text(encoding="utf-8"), Path("err").read_text(encoding="utf-8")
    run = Run(int(code), out, err, float(seconds), int(kilobytes) / 1024)
    if log := os.environ.get("CNNCALC_HOSTILE_LOG"):
        with open(log, "a", encoding="utf-8") as lines:
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].removesuffix(" (call)")
            print(f"{name}\t{run.seconds:.2f}\t{run.megabytes:.0f}\t{run.code}", file=lines)
    return run


def refused(run: Run, *said: str) -> None:
    """The run ended with exit code 2 and clean lines on stderr, soon and small."""
    assert run.code == 2, run.err[-2000:]
    # Of a network that does not fit there is its table up to there.
    assert not run.out or "Up to where it does not fit: " in run.out
    assert all(map(str.isprintable, run.out.splitlines()))
    lines = run.err.removesuffix("\n").split("\n")
    assert all(line.isprintable() and len(line) < 1200 for line in lines)
    assert "Traceback" not in run.err
    for text in said:
        assert text in run.err
    cheap(run)


def cheap(run: Run) -> None:
    """The run kept the limits."""
    assert run.seconds < SECONDS
    assert run.megabytes < MEGABYTES


HEAD = '{"input": {"height": 32, "width": 32, "channels": 3}, "layers": ['
YAML = "input: {height: 32, width: 32, channels: 3}\nlayers:\n"


def layers(*items: str) -> str:
    """A JSON spec of these items."""
    return f"{HEAD}{','.join(items)}]}}"


def size(number: str) -> tuple[str, str]:
    """A JSON and a YAML spec whose input has this height."""
    return layers('"relu"').replace("32", number, 1), f"{YAML}- relu".replace("32", number, 1)


CONV = '{"conv": {"out_channels": 3, "kernel_size": 3, "padding": 1}}'
POOL = '{"max_pool": {"kernel_size": 4, "stride": 3, "padding": 2}}'
MANY = "more than 100,000 values"
LONG = "more than 5,000 layers"
DEEP = "nested more than 100 deep"
BOMB = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED: dict[str, tuple[str | Callable[[], str], str]] = {
    "json-1000-digits": (size("9" * 1_000)[0], "1:22: a number of 1,000 characters"),
    "json-10000-digits": (size("9" * 10_000)[0], "a number of 10,000 characters"),
    "json-100000-digits": (size("9" * 100_000)[0], "a number of 100,000 characters"),
    "yaml-1000-digits": (size("9" * 1_000)[1], "1:17: a number of 1,000 characters"),
    "yaml-10000-digits": (size("9" * 10_000)[1], "a number of 10,000 characters"),
    "yaml-100000-digits": (size("9" * 100_000)[1], "a number of 100,000 characters"),
    "yaml-hexadecimal": (size("0x" + "f" * 10_000)[1], "a number of 10,002 characters"),
    "json-exponent": (size("1e999999999")[0], "1e999999999 is out of range"),
    "yaml-exponent": (size("1e999999999")[1], "1e999999999 is out of range"),
    "json-exponent-digits": (size("1e" + "9" * 100_000)[0], "a number of 100,002 characters"),
    "json-lists-1000": ("[" * 1_000 + "]" * 1_000, "1:101: " + DEEP),
    "json-lists-million": (lambda: "[" * 1_000_000 + "]" * 1_000_000, "1:101: " + DEEP),
    "json-open-million": (lambda: "[" * 1_000_000, DEEP),
    "json-mappings-1000": ('{"a":' * 1_000 + "1" + "}" * 1_000, DEEP),
    "json-mappings-million": (lambda: '{"a":' * 1_000_000 + "1" + "}" * 1_000_000, DEEP),
    "yaml-lists-1000": ("[" * 1_000 + "]" * 1_000, "1:101: " + DEEP),
    "yaml-lists-million": (lambda: "[" * 1_000_000, "1:101: " + DEEP),
    "yaml-mappings-1000": ("{a: " * 1_000 + "}" * 1_000, DEEP),
    "yaml-mappings-million": (lambda: "{a: " * 1_000_000, DEEP),
    # A bracket may start a key, so the parser reads on before it gives the first one.
    "yaml-lists-900-and-a-mistake": ("[" * 900 + "@", "1:101: " + DEEP),
    "yaml-lists-99-and-a-mistake": ("[" * 99 + "@", "1:100: not YAML: a text that starts with @"),
    "yaml-blocks-1000": ("".join(f"{' ' * i}a:\n" for i in range(1_000)), DEEP),
    "yaml-dashes-million": (lambda: "- " * 1_000_000, DEEP),
    "yaml-questions-million": (lambda: "? " * 1_000_000, DEEP),
    "yaml-laughs": (BOMB, "1:4: anchors and aliases are not part of the spec language"),
    "yaml-alias-of-itself": ("a: &a [*a]\n", "anchors and aliases"),
    "yaml-merge": ("a: &a {b: 1}\nc: {<<: *a}\n", "anchors and aliases"),
    "yaml-python-tag": (
        "a: !!python/object/apply:os.system ['touch touched']\n",
        "the tag !!python/object/apply:os.system is not part of the spec language",
    ),
    "yaml-binary-tag": ("a: !!binary aGVsbG8=\n", "the tag !!binary"),
    "yaml-long-tag": (lambda: "!" * 15_000_000, "(15,000,000 characters)"),
    "json-nul": ("\0" * 1_000, "not JSON"),
    "yaml-nul": ("\0" * 1_000, "a character that YAML does not allow"),
    "json-nan": (size("NaN")[0], "must be a finite number, not NaN"),
    "yaml-nan": (size(".nan")[1], "must be a finite number, not .nan"),
    "json-infinity": (size("-Infinity")[0], "must be a finite number, not -Infinity"),
    "yaml-infinity": (size("-.inf")[1], "must be a finite number, not -.inf"),
    "json-twice": ('{"a": 1, "a": 2}', 'the key "a" stands here twice'),
    "yaml-twice": ("a: 1\na: 2\n", 'the key "a" stands here twice'),
    "json-many-keys": (
        lambda: "{" + ",".join(f'"k{i}": 1' for i in range(99_000)) + ', "k0": 2}',
        'the key "k0" stands here twice',
    ),
    "json-unknown-keys": (
        lambda: "{" + ",".join(f'"k{i}": 1' for i in range(99_000)) + "}",
        "… and at least 98",
    ),
    "json-empty": ("", "the spec is empty"),
    "yaml-empty": ("", "the spec is empty"),
    "json-blank": (" \n" * 7_500_000, "the spec is empty"),
    "yaml-blank": (lambda: "\n" * 15_000_000, "the spec is empty"),
    "yaml-comment": (lambda: "#" + "a" * 15_000_000, "the spec is empty"),
    "json-16-mb-of-relu": (lambda: layers(*['"relu"'] * 2_000_000), MANY),
    "yaml-16-mb-of-relu": (lambda: f"layers: [{'relu,' * 3_000_000}]", MANY),
    "json-16-mb-of-nothing": (lambda: layers(*["{}"] * 5_000_000), MANY),
    "yaml-16-mb-of-nothing": (lambda: f"layers: [{'{},' * 5_000_000}]", MANY),
    "json-16-mb-of-commas": (lambda: "," * 15_000_000, MANY),
    "json-16-mb-of-quotes": (lambda: '"' * 15_000_000, "not JSON"),
    "json-16-mb-of-escapes": ('[NaN, "' + '\\"' * 7_500_000, "this text has no closing quote"),
    "json-16-mb-in-deep-lists": (
        lambda: "[" * 90 + '"' + "a" * 15_000_000 + '", NaN' + "]" * 90,
        "must be a finite number",
    ),
    "yaml-16-mb-of-colons": (": " * 7_500_000, "not YAML"),
    "yaml-16-mb-of-keys": ("a:" * 7_500_000, "not YAML"),
    "yaml-16-mb-of-quoted": ('"' + "a " * 7_500_000, "this text has no closing quote"),
    "yaml-16-mb-of-documents": (lambda: "---\n" * 3_000_000, "a second document starts here"),
    "json-16-mb-name": (
        lambda: '{"name": "' + "a" * 15_000_000 + '"}',
        "name: must have at most 100 characters, not 15,000,000",
    ),
    "yaml-16-mb-name": (lambda: "name: " + "a" * 15_000_000, "must have at most 100 characters"),
    "json-16-mb-key": (
        lambda: '{"' + "a" * 15_000_000 + '": 1}',
        "(15,000,000 characters): no such key",
    ),
    "json-16-mb-layer": (lambda: layers('"' + "a" * 15_000_000 + '"'), "no such layer"),
    "json-99000-layers": (lambda: layers(*['"relu"'] * 99_000), LONG),
    "yaml-99000-layers": (lambda: YAML + "- relu\n" * 99_000, LONG),
    "json-240000-layers": (lambda: layers(*['"relu"'] * 240_000), MANY),
    "json-4999-bad-layers": (lambda: layers(*['"relo"'] * 4_999), "relo: no such layer"),
    "yaml-4999-bad-layers": (
        lambda: YAML + "- relo: {filters: 3}\n" * 4_999,
        "… and at least 980 more",
    ),
    "json-33000-bad-fields": (
        lambda: layers('{"conv": {' + ",".join(f'"f{i}": 1' for i in range(33_000)) + "}}"),
        "no such field of conv",
    ),
    "json-bad-names": (
        lambda: layers(
            *(f'{{"relu": null, "name": "n{i}", "from": "m{i}"}}' for i in range(4_999))
        ),
        'n0.from: no earlier layer is named "m0"',
    ),
    "json-100000-bad-sources": (
        lambda: layers('{"add": null, "from": [' + ",".join(['"b"'] * 99_000) + "]}"),
        'add1.from: no earlier layer is named "b"',
    ),
    "json-100000-branches": (
        lambda: layers('{"concat": [' + ",".join(['["relu"]'] * 99_000) + "]}"),
        LONG,
    ),
    "json-deep-joins": (
        layers('{"add": [[' * 60 + '"relu"' + "], []]}" * 60),
        DEEP,
    ),
    "json-sizes-without-end": (
        lambda: layers(*['{"upsample": 1000000000000}'] * 4_999),
        "the output would have more than 10¹⁰⁰ values",
    ),
    "json-channels-without-end": (
        lambda: layers(*['{"concat": [[], []]}'] * 4_999),
        "the output would have more than 10¹⁰⁰ values",
    ),
    "json-markup-name": (layers('{"relu": null, "name": "[red]a[/]"}'), '"[red]a[/]" must be'),
    "json-escape-name": (layers(r'{"relu": null, "name": "\u001b[31m"}'), r'"\x1b[31m" must be'),
    "json-line-name": (layers(r'{"relu": null, "name": "a\nb"}'), r'"a\nb" must be'),
    "json-bidi-name": (layers(r'{"relu": null, "name": "\u202ea"}'), r'"\u202ea" must be'),
    "json-surrogate-name": (layers(r'{"relu": null, "name": "\ud800"}'), r'"\ud800" must be'),
    "json-surrogate-layer": (layers(r'"\ud800"'), r"\ud800: no such layer"),
    "json-surrogate-field": (layers(r'{"conv": {"\ud800": "\ud800"}}'), r"conv1.\ud800: no such"),
    "json-surrogate-value": (layers(r'{"linear": "\ud800"}'), r'not "\ud800"'),
    "json-surrogate-title": ('{"name": "\\ud800"}', "must be one line without control characters"),
    "json-escape-title": ('{"name": "\\u001b]0;x\\u0007"}', "without control characters"),
    "json-escape-key": ('{"\\u001b[2J": 1}', r"\x1b[2J: no such key of a spec"),
}


INPUT = {"height": 32, "width": 32, "channels": 3}


def rounds(depth: int, *body: Any) -> list[Any]:
    """Repeats of a thousand rounds, one within the other."""
    layers = list(body)
    for _ in range(depth):
        layers = [{"repeat": {"times": 1_000, "layers": layers}}]
    return layers


def chain(length: int, uses: int, *last: Any) -> dict[str, Any]:
    """Blocks of which each uses the next."""
    blocks = {f"b{i}": {"layers": [f"b{i + 1}"] * uses} for i in range(length)}
    return {**blocks, f"b{length}": {"layers": list(last)}}


def connections(table: Any) -> dict[str, Any]:
    return {"conv": {"out_channels": 1, "kernel_size": 1, "connections": table}}


STEPS = "more than 200,000 items and values in all its blocks and rounds"
NESTED = "blocks, repeats and branches nested more than 40 deep"
EXPLODING: dict[str, tuple[dict[str, Any], str]] = {
    "rounds-of-layers": (
        {"layers": rounds(5, "relu")},
        "repeat1.0.repeat1.0.repeat1.0.repeat1.5: more than 5,000 layers in all",
    ),
    "rounds-of-nothing": ({"layers": rounds(5)}, STEPS),
    "rounds-of-mistakes": ({"layers": rounds(5, "relo", {"linear": "=q"})}, "relo: no such layer"),
    "rounds-of-branches": ({"layers": rounds(1, {"concat": [[]] * 30_000})}, STEPS),
    "rounds-of-sources": (
        {"layers": ["relu", *rounds(1, {"add": None, "from": ["input"] * 30_000})]},
        STEPS,
    ),
    "rounds-of-tables": ({"layers": rounds(1, connections([[0, 1, 2]] * 8_000))}, STEPS),
    "blocks-of-tables": (
        {
            "blocks": {"b": {"args": {"t": None}, "layers": rounds(1, connections("=t"))}},
            "layers": [{"b": {"t": [[0, 1, 2]] * 8_000}}],
        },
        STEPS,
    ),
    "blocks-of-blocks": ({"blocks": chain(30, 2, "relu"), "layers": ["b0"]}, "more than 5,000"),
    "blocks-of-nothing": ({"blocks": chain(30, 2), "layers": ["b0"]}, STEPS),
    "blocks-in-a-row": ({"blocks": chain(9_000, 1), "layers": ["b0"]}, NESTED),
    "names-in-names": (
        {
            "blocks": {
                f"b{i}": {"layers": [{f"b{i + 1}": None, "name": "a" * 90}]} for i in range(9)
            }
            | {"b9": {"layers": ["relu"]}},
            "layers": ["b0"],
        },
        "its name within the blocks has more than 300 characters",
    ),
    "variables": ({"vars": {f"v{i}": 1 for i in range(30_000)}, "layers": ["relu"]}, "30,000 vari"),
    "arguments": (
        {
            "blocks": {"b": {"args": dict.fromkeys(f"a{i}" for i in range(30_000)), "layers": []}},
            "layers": ["b"],
        },
        "30,000 arguments; 100 are allowed",
    ),
    "powers": ({"layers": [{"linear": "=((9**99)**99)**99"}]}, "numbers of more than 30 digits"),
    "exponents": ({"layers": [{"linear": "=1e999999999"}]}, "is not a formula"),
    "brackets": ({"layers": [{"linear": f"={'(' * 99}1{')' * 98}"}]}, "is not a formula"),
    "signs": ({"layers": [{"linear": f"={'-' * 190}1"}]}, "nested more than 50 deep"),
    "formula-of-16-mb": ({"layers": [{"linear": f"={'1+' * 7_000_000}1"}]}, "200 are allowed"),
}


@pytest.mark.parametrize("name", EXPLODING)
def test_a_short_spec_does_not_explode(name: str) -> None:
    spec, said = EXPLODING[name]
    Path("net.json").write_text(json.dumps({"input": INPUT, **spec}), encoding="utf-8")
    refused(table("net.json"), "net.json:", said)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    text, said = REFUSED[name]
    file = f"net.{name.split('-')[0]}"
    Path(file).write_text(text if isinstance(text, str) else text(), encoding="utf-8")
    refused(table(file), f"{file}:", said)
    assert not Path("touched").exists()


def test_a_large_file(folder: Path) -> None:
    for file in ("net.json", "net.yaml"):
        with open(file, "wb") as sparse:
            sparse.truncate(200_000_000)
        refused(table(file), f"{file}: larger than 16 MB; a spec is not that large\n")
        refused(table("-", stdin=file), "stdin: larger than 16 MB")


def test_endless_input() -> None:
    refused(table("/dev/zero"), "/dev/zero: larger than 16 MB")
    refused(table("-", stdin="/dev/zero"), "stdin: larger than 16 MB")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"name": "caf\xe9"}', "net.json:1:14: not UTF-8: the byte 0xe9; save the file as UTF-8"),
        (b'{\n "name": "\xea\xb0\x80\xff"}', "net.json:2:12: not UTF-8: the byte 0xff"),
        ('{"input": 1}'.encode("utf-16"), "net.json:1:1: not UTF-8: the byte 0xff"),
        ('{"input": 1}'.encode("utf-16-le"), "net.json:1:2: not JSON"),
        (b"\xff" * 15_000_000, "net.json:1:1: not UTF-8"),
        (b"\xed\xa0\x80", "net.json:1:1: not UTF-8"),
        (b"PK\x03\x04\x14\x00\x08", "net.json: a ZIP archive; write its layers as a spec"),
    ],
    ids=["latin-1", "broken", "utf-16", "utf-16-le", "15-mb-of-ff", "surrogate", "zip"],
)
def test_other_encodings(content: bytes, said: str) -> None:
    Path("net.json").write_bytes(content)
    refused(table("net.json"), said)


def test_what_is_no_file(folder: Path) -> None:
    (folder / "net.json").write_text("{}")
    (folder / "models").mkdir()
    (folder / "loop").symlink_to("loop")
    nothing = "no such file, and no bundled network of that name"
    refused(table("models"), "models: is a folder; name a spec in it\n")
    refused(table("none.json"), f"none.json: {nothing}")
    refused(table("net.json/net.json"), f"net.json/net.json: {nothing}")
    refused(table("loop"), f"loop: {nothing}")
    refused(table("a" * 5_000), f"(5,000 characters): {nothing}")
    refused(table("\x1b[31m\n"), rf"\x1b[31m\n: {nothing}")
    refused(table(""), f'"": {nothing}')
    refused(table("/dev/null"), "/dev/null:1:1: the spec is empty")
    refused(table("-"), "stdin:1:1: the spec is empty")


def exact(run: Run) -> None:
    """The run gave a result, soon and small, and nothing else."""
    assert (run.code, run.err) == (0, "")
    cheap(run)


def test_pipes() -> None:
    text = layers('"relu"')
    Path("net.json").write_text(text)
    exact(table("-", stdin="net.json"))
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(text))
    writer.start()
    exact(table("pipe"))
    writer.join()
    shell = f"cat net.json | {sys.executable} -m cnncalc table - --value activations"
    assert subprocess.check_output(["bash", "-c", shell], timeout=60) == b"0\n"
    shell = f"{sys.executable} -m cnncalc table <(cat net.json) --value layers"
    assert subprocess.check_output(["bash", "-c", shell], timeout=60) == b"0\n"


@pytest.mark.parametrize("format", ["text", "json", "markdown", "csv"])
@pytest.mark.parametrize(
    ("item", "params", "macs"),
    [
        # 3·3·3 weights and a bias for each of 3 filters; 3·3·3·3 products at 32·32 positions.
        pytest.param(CONV, 84, 81 * 32 * 32, id="conv"),
        pytest.param(POOL, 0, 0, id="pool"),
    ],
)
def test_five_thousand_layers(item: str, params: int, macs: int, format: str) -> None:
    Path("net.json").write_text(layers(*[item] * 5_000))
    run = table("net.json", "--format", format)
    assert run.code == 0
    cheap(run)
    digits = str if format == "json" else "{:,}".format
    if format != "csv":
        assert all(digits(5_000 * total) in run.out for total in (params, macs))


def test_five_thousand_rows_of_json_add_up() -> None:
    branches = '{"add": [[], []]}'
    Path("net.json").write_text(layers(*[branches, CONV] * 2_500))
    run = table("net.json", "--format", "json")
    exact(run)
    report = json.loads(run.out)
    assert [row["type"] for row in report["layers"]] == ["add", "conv"] * 2_500
    assert report["totals"]["params"] == 2_500 * 84
    assert report["totals"]["activations"] == 5_000 * 3 * 32 * 32


def test_a_join_of_many() -> None:
    branches = ",".join(["[]"] * 90_000)
    Path("net.json").write_text(layers(f'{{"concat": [{branches}]}}', '{"linear": 1}'))
    refused(table("net.json"), "linear needs a vector, not 32×32×270000")
    Path("net.json").write_text(layers(f'{{"add": [{branches}]}}'))
    run = table("net.json", "--columns", "elementwise", "--format", "csv")
    exact(run)
    # 89,999 additions of 3·32·32 values.
    assert run.out.split() == ["elementwise", '""', str(89_999 * 3_072)]


def test_a_large_connection_table() -> None:
    maps = ",".join(map(str, range(90_000)))
    conv = f'{{"conv": {{"out_channels": 1, "kernel_size": 1, "connections": [[{maps}]]}}}}'
    Path("net.json").write_text(layers(conv).replace("3}", "90000}", 1))
    run = table("net.json", "--value", "params")
    exact(run)
    assert run.out == "90001\n"


def test_sizes_of_a_million_million() -> None:
    # Everything is 10¹²: the answers have closed forms.
    n = 10**12
    kernel, stride = 10**6, 17
    cube = {"depth": n, "height": n, "width": n, "channels": n}
    conv = {"out_channels": n, "kernel_size": kernel, "stride": stride}
    spec = {"input": cube, "layers": [{"conv": conv}, {"global_avg_pool": {}}, {"linear": n}]}
    Path("net.json").write_text(json.dumps(spec))
    run = table("net.json", "--format", "json", "--columns", "+connections")
    assert run.code == 0
    cheap(run)
    output = (n - kernel) // stride + 1
    weights = n * n * kernel**3
    first, _, last = json.loads(run.out)["layers"]
    assert first["output_shape"] == [n, output, output, output]
    assert first["params"] == weights + n
    assert first["macs"] == weights * output**3
    # Without padding every tap is a connection; a bias for each output.
    assert first["connections"] == weights * output**3 + n * output**3
    assert last["params"] == n * n + n


def test_connections_of_huge_padded_kernels() -> None:
    # Along one axis: n inputs, a kernel of n, n on both sides. Window o reads inputs o−n … o−1
    # that exist: 1 + 2 + … + n + … + 2 + 1 = n² pairs for the 2n + 1 outputs.
    n = 10**12
    conv = {"out_channels": 1, "kernel_size": n, "padding": n, "bias": False}
    spec = {"input": {"length": n, "channels": 1}, "layers": [{"conv": conv}]}
    Path("net.json").write_text(json.dumps(spec))
    run = table("net.json", "--columns", "output,connections", "--format", "csv")
    exact(run)
    assert run.out.split()[-1] == f"{2 * n + 1}x1,{n * n}"


@pytest.mark.parametrize("text", [r"\u001b[31m", r"\ud800", r"a\nb\u0000", "[red]x[/red]"])
def test_texts_that_are_not_printed_may_be_anything(text: str) -> None:
    Path("net.json").write_text(layers('"relu"').replace("{", f'{{"description": "{text}", ', 1))
    exact(table("net.json"))
