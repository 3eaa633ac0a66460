"""`cnncalc pictures` where there is no torch, and pictures in pages of all formats."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cnncalc.page import Image
from cnncalc.render.write import FORMATS as MARKUPS
from cnncalc.render.write import write


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("text", '[a *b* & "c": pictures/a b.png]\n'),
        ("markdown", '![a \\*b\\* \\& "c"](pictures/a%20b.png)\n'),
        (
            "latex",
            "% \\usepackage{amsmath,booktabs,longtable,graphicx}\n"
            "\\includegraphics[width=\\linewidth]{\\detokenize{pictures/a b.png}}\n",
        ),
        (
            "html",
            '<div><img src="pictures/a%20b.png" alt="a *b* &amp; &quot;c&quot;"></div>\n',
        ),
        ("rst", '.. image:: pictures/a%20b.png\n   :alt: a \\*b\\* & "c"\n'),
        ("asciidoc", 'image::pictures/a%20b.png["a &#42;b&#42; &#38; &#34;c&#34;"]\n'),
    ],
)
def test_a_picture_in_a_file_is_part_of_a_page(format: str, text: str) -> None:
    assert write([Image("pictures/a b.png", 'a *b* & "c"')], format) == text
    assert format in MARKUPS


def test_help_needs_no_extra() -> None:
    loaded = (
        "import sys; sys.argv = ['cnncalc', 'pictures', '--help']\n"
        "from cnncalc.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print({'torch', 'matplotlib'} & {*sys.modules}, file=sys.stderr)"
    )
    child = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert (child.returncode, child.stderr) == (0, "set()\n")
