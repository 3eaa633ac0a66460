"""Kernels that are set by hand, by name.

Sources: I. Sobel and G. Feldman, 1968; J. Prewitt, 1970; R. Gonzalez and R. Woods, Digital Image
Processing, chapter 3 (smoothing, Laplacian, sharpening); ITU-R BT.601 for the weights of grey.
"""

from fractions import Fraction
from typing import NamedTuple

PAIRS = {"sobel": ("sobel-x", "sobel-y"), "prewitt": ("prewitt-x", "prewitt-y")}
"""The names that stand for two kernels, and for the magnitude of what both give."""


class Kernel(NamedTuple):
    """Weights `numbers`/`divisor`: rows of one kernel, or for `channels` one number for each."""

    purpose: str
    numbers: tuple[tuple[int, ...], ...]
    divisor: int = 1
    channels: bool = False

    @property
    def weights(self) -> list[list[Fraction]] | list[list[list[Fraction]]]:
        """(height, width), or (channels, 1, 1)."""
        rows = [[Fraction(number, self.divisor) for number in row] for row in self.numbers]
        return [[[weight]] for weight in rows[0]] if self.channels else rows


KERNELS = {
    "identity": Kernel("leaves the picture as it is", ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
    "edge": Kernel(
        "edges in all directions: the Laplacian with diagonals",
        ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    ),
    "laplacian": Kernel("edges: the second derivative", ((0, 1, 0), (1, -4, 1), (0, 1, 0))),
    "sobel-x": Kernel(
        "vertical edges: the change from left to right", ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
    ),
    "sobel-y": Kernel(
        "horizontal edges: the change from top to bottom", ((-1, -2, -1), (0, 0, 0), (1, 2, 1))
    ),
    "prewitt-x": Kernel("as sobel-x, all rows alike", ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))),
    "prewitt-y": Kernel("as sobel-y, all columns alike", ((-1, -1, -1), (0, 0, 0), (1, 1, 1))),
    "sharpen": Kernel("identity minus laplacian", ((0, -1, 0), (-1, 5, -1), (0, -1, 0))),
    "emboss": Kernel("light from the upper left", ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))),
    "blur": Kernel("the mean of 3×3 values", ((1, 1, 1),) * 3, 9),
    "gaussian": Kernel("a soft blur: binomial weights", ((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16),
    "gaussian-5": Kernel(
        "a wider soft blur",
        tuple(tuple(a * b for b in (1, 4, 6, 4, 1)) for a in (1, 4, 6, 4, 1)),
        256,
    ),
    "grey-scale": Kernel("the luma of red, green and blue", ((299, 587, 114),), 1000, True),
}
"""Every kernel that has a name."""

OTHER_NAMES = {
    "edges": "edge",
    "box": "blur",
    "mean": "blur",
    "gauss": "gaussian",
    "gaussian-3": "gaussian",
    "gaussian-blur": "gaussian",
    "grey": "grey-scale",
    "gray": "grey-scale",
    "greyscale": "grey-scale",
    "grayscale": "grey-scale",
    "gray-scale": "grey-scale",
}
"""What people also call them."""


def known_name(name: str) -> str | None:
    """The name in KERNELS or PAIRS that is meant; case, spaces and underscores do not matter."""
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    plain = OTHER_NAMES.get(plain, plain)
    return plain if plain in KERNELS or plain in PAIRS else None
