"""The answers that cost most."""

from cnncalc.pictures import pixels
from cnncalc.pictures.figures import Band, Tile, tiled_figure
from cnncalc.pictures.picture import LeftOut, Picture, sentence, share, short
from cnncalc.pictures.trained_run import Answers, TrainedRun

MOST = 24
"""How many mistakes are shown."""
_SIDE = 84


def worst(found: Answers) -> list[int]:
    """The samples whose answer is wrong, the largest loss first; of two alike the earlier one."""
    order = found.losses.sort(descending=True, stable=True).indices
    return [int(index) for index in order if found.said[index] != found.labels[index]]


def draw(run: TrainedRun, found: Answers) -> Picture:
    """Each mistake with its true class, what it was taken for, and how surely. Raises LeftOut."""
    classes, images = run.samples.classes, run.samples.test.images
    of = "samples" if run.overfit else "test samples"
    wrong = worst(found)
    if not wrong:
        raise LeftOut(f"mistakes: there are none in {len(found.labels):,} {of}")
    tiles = []
    for index in wrong[:MOST]:
        true, said = (short(classes[int(part[index])]) for part in (found.labels, found.said))
        surely = share(float(found.probabilities[index, found.said[index]]))
        tiles.append(
            Tile(
                pixels.picture(images[index], _SIDE),
                (f"{true}, taken for", f"{said} ({surely})", f"sample {index:,}"),
            )
        )
    some = f"The {len(wrong)} mistakes" if len(wrong) > 1 else "The only mistake"
    if len(tiles) < len(wrong):
        some = f"The {len(tiles)} worst of {len(wrong):,} mistakes"
    text = sentence(
        f"{some} in {len(found.labels):,} {of}, the highest loss first: what it is, what "
        "it was taken for, and with which probability",
        pixels.part_shown(run.goal.input),
    )
    title = "The worst mistakes"
    return Picture("mistakes", title, text, tiled_figure(title, [Band("", tiles)], text))
