"""The 1,797 handwritten digits, 8×8 pixels from 0 to 16, that scikit-learn brings along."""

import torch

from cnncalc.data.fitting import Pictures, Source, held_out, in_memory
from cnncalc.errors import missing

_CLASSES = tuple("0123456789")


def source(seed: int) -> Source:
    """The digits, a fifth of them held out. Raises UsageError without scikit-learn."""
    return Source(_CLASSES, lambda: _read(seed))


def _read(seed: int) -> tuple[Pictures, Pictures, str]:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing("--data digits needs", "scikit-learn", "train") from None
    found = load_digits()
    pictures = in_memory(torch.tensor(found.images)[:, None], torch.tensor(found.target), most=16)
    return held_out(pictures, len(_CLASSES), seed, "images of 8×8×1 from scikit-learn")
