"""What a figure is drawn from: the rows of its runs, read some at a time, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from linear_networks_workflow.figures.libraries import np, pd

if TYPE_CHECKING:
    Block: TypeAlias = pd.DataFrame
    Change: TypeAlias = Callable[[Block], Block]

# Values that are held together at a time, to be sorted.
MOST = 2**23
COPIED = 2**20


class Rows:
    """The rows of a stage that belong to the runs of a figure, block by block.

    A block is a DataFrame of some rows. It has the columns of the stage that the kind of figure declares and, beside
    them, those of `runs`, and those of `matrices` as `matrix_...`, of the run of each row. Lists of numbers are columns
    of Arrow.

    Parameters
    ----------
    read : callable
        Begins to read, and returns an iterator over the blocks.
    """

    def __init__(self, read: Callable[[], Iterator[Block]]) -> None:
        self.blocks = read

    def changed(self, change: Change) -> Rows:
        """The rows that a function makes of each block: fewer, others, or with other columns."""
        return Rows(lambda: map(change, self.blocks()))

    def frame(self) -> Block:
        """All rows in memory; for those that are few, or have few columns."""
        blocks = list(self.blocks())
        whole = pd.concat(blocks, ignore_index=True)
        # Blocks that have other words, or the same in another order, would come out as text.
        words = blocks[0].select_dtypes("category").columns
        union = pd.api.types.union_categoricals
        return whole.assign(**{name: union([block[name] for block in blocks]) for name in words})

    def spreads(self, quantity: str, by: Sequence[str]) -> pd.DataFrame:
        """Median and 10 and 90 % of a quantity in each group of rows, exactly.

        Rows are counted first. Then they are read for as many groups as `MOST` values make, and again for the next.

        Parameters
        ----------
        quantity : str
        by : sequence of str
            Columns that tell groups apart. Rows in which one of them or the quantity is missing are left out.

        Returns
        -------
        DataFrame
            A row a group, sorted: the columns `by`, then `low`, `median`, `high`; both ends are missing of one value.
        """
        rows = self.changed(lambda block: block.dropna(subset=[*by, quantity])[[*by, quantity]])
        labels: dict[tuple, int] = {}
        counts = np.zeros(0, dtype=np.int64)
        for block in rows.blocks():
            codes = _codes(block, by, labels)
            counts = np.pad(counts, (0, len(labels) - len(counts)))
            counts += np.bincount(codes, minlength=len(labels))
        found = np.full((3, len(labels)), np.nan)
        for groups in _parts(counts):
            values = _sorted_into(rows, quantity, by, labels, counts, groups)
            found[:, groups.start : groups.stop] = _spreads(values, counts[groups.start : groups.stop])
        table = pd.DataFrame(list(labels), columns=list(by))
        return table.assign(low=found[0], median=found[1], high=found[2]).sort_values(list(by), ignore_index=True)


Tables: TypeAlias = Mapping[str, Rows]


def of_frames(frames: Mapping[str, pd.DataFrame], needs: Mapping[str, Sequence[str]]) -> dict[str, Rows]:
    """Tables of what is in memory, by stage, with the columns that are needed of each."""
    from linear_networks_workflow.dataset.joining import joined

    runs = frames["runs"][[*needs["runs"]]]
    if "matrices" in needs:
        matrices = frames["matrices"][[*needs["matrices"]]].set_index("matrix").add_prefix("matrix_")
        runs = runs.join(matrices, on="matrix")
    return {
        stage: Rows(partial(_alone, runs if stage == "runs" else joined(frames[stage][[*columns]], runs)))
        for stage, columns in needs.items()
        if stage != "matrices"
    }


def _alone(block: Block) -> Iterator[Block]:
    yield block


def _codes(block: Block, by: Sequence[str], labels: dict[tuple, int]) -> np.ndarray:
    """The number of the group of each row; groups that have none yet are numbered."""
    codes = block.groupby([*by], observed=True, sort=False).ngroup().to_numpy()
    _, firsts = np.unique(codes, return_index=True)
    heads = block[[*by]].iloc[firsts].itertuples(index=False, name=None)
    numbers = np.array([labels.setdefault(head, len(labels)) for head in heads], dtype=np.int64)
    return numbers[codes]


def _parts(counts: np.ndarray) -> Iterator[range]:
    """Groups, by their numbers, in parts that hold no more than `MOST` values where they are of several."""
    begin = held = 0
    for place, count in enumerate(counts.tolist()):
        if held and held + count > MOST:
            yield range(begin, place)
            begin, held = place, 0
        held += count
    if held:
        yield range(begin, len(counts))


def _sorted_into(
    rows: Rows, quantity: str, by: Sequence[str], labels: dict[tuple, int], counts: np.ndarray, groups: range
) -> np.ndarray:
    """The values of some of the groups, of one after the other."""
    sizes = counts[groups.start : groups.stop]
    free = np.cumsum(sizes) - sizes
    values = np.empty(sizes.sum())
    for block in rows.blocks():
        codes = _codes(block, by, labels) - groups.start
        kept = (codes >= 0) & (codes < len(groups))
        order = np.argsort(codes[kept], kind="stable")
        codes, some = codes[kept][order], block[quantity].to_numpy()[kept][order]
        here = np.bincount(codes, minlength=len(groups))
        within = np.arange(len(codes)) - (np.cumsum(here) - here)[codes]
        values[free[codes] + within] = some
        free += here
    return values


def _spreads(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """10 %, median and 90 % of groups of so many values, which lie one after the other; shape (3, groups)."""
    begins, found = np.cumsum(sizes) - sizes, np.full((3, len(sizes)), np.nan)
    for size in np.unique(sizes):
        (alike,) = np.nonzero(sizes == size)
        # Few groups are copied at a time.
        for groups in np.array_split(alike, -(-len(alike) * size // COPIED)):
            some = values[begins[groups, None] + np.arange(size)]
            found[1, groups] = np.median(some, axis=1)
            if size > 1:
                # Between two values that are infinite, there is nothing to interpolate.
                with np.errstate(invalid="ignore"):
                    found[::2, groups] = np.percentile(some, [10.0, 90.0], axis=1)
    return found
