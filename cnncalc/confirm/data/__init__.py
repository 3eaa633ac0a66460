"""Pictures with labels, as tensors that fit a network: from files that are there, or made up."""

from cnncalc.confirm.data.load import Dataset, load_data
from cnncalc.confirm.data.pictures import Split

__all__ = ["Dataset", "Split", "load_data"]
