"""From whole numbers to vectors."""

from collections.abc import Iterator

from pydantic import Field

from cnncalc.layers.axis_map import SAME, AxisMap
from cnncalc.layers.base import Layer, Shape
from cnncalc.layers.fields import Count, Natural
from cnncalc.layers.kept import INPUTS
from cnncalc.layers.keras_twin import Part, made, refused
from cnncalc.layers.twin import Twin, module


class Embedding(Layer):
    """Looks up a trained vector for each whole number, such as the id of a token."""

    main = None
    vocabulary = "num_embeddings"
    memory_order = "channels_last"
    # The ids: the gradient of each goes to its row.
    _kept = INPUTS

    num_embeddings: Count = Field(description="how many ids there are, from 0 on: the rows")
    embedding_dim: Count = Field(description="length of each vector")
    padding_idx: Natural | None = Field(
        None, description="id that stands for no token: its row starts at 0 and is not trained"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if self.padding_idx is not None and self.padding_idx >= self.num_embeddings:
            yield (
                f"padding_idx {self.padding_idx} is beyond the {self.num_embeddings} ids, counted "
                "from 0"
            )

    def output(self, *inputs: Shape) -> Shape:
        return (self.embedding_dim, *inputs[0])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((SAME,) * len(inputs[0]),)

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {self.num_embeddings}×{self.embedding_dim}"

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "Embedding",
            "module(x).mT",
            num_embeddings=self.num_embeddings,
            embedding_dim=self.embedding_dim,
            padding_idx=self.padding_idx,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.padding_idx is not None:
            raise refused("an embedding with padding_idx has no spelling in Keras")
        yield made("Embedding", input_dim=self.num_embeddings, output_dim=self.embedding_dim)
