"""Pictures with labels, as tensors that fit a network: from files that are there, or made up."""

from cnncalc.data.fitting import Split, stratified
from cnncalc.data.load import Dataset, load_data, native_shape

__all__ = ["Dataset", "Split", "load_data", "native_shape", "stratified"]
