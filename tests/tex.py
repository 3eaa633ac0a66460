"""Compiles LaTeX."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DOCUMENT = """\\documentclass{article}
\\usepackage[utf8]{inputenc}\\usepackage[T1]{fontenc}\\usepackage{textcomp}
\\usepackage[landscape,margin=1cm]{geometry}
\\usepackage{amsmath,booktabs,longtable}
\\begin{document}
%s
\\end{document}
"""
"""What the fragments ask for, and nothing more."""


def compiled(body: str, folder: Path, packages: str = "") -> Path:
    """The PDF of fragments, with further packages.

    Without pdflatex the test is skipped, but not in CI.
    """
    if shutil.which("pdflatex") is None and not os.environ.get("CI"):
        pytest.skip("no TeX engine is installed")
    document = DOCUMENT % body
    if packages:
        document = document.replace("longtable}", f"longtable,{packages}}}", 1)
    (folder / "all.tex").write_text(document, "utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / "all.pdf"
