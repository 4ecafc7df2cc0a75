"""Endings of the names of files that are read, by what reads them."""

TEXT = tuple(ending + packed for packed in ("", ".gz") for ending in (".csv", ".tsv", ".txt"))
ARCHIVES = (".npz", ".mat")
ARRAYS = (".npy", *ARCHIVES)
COLUMNS = (".parquet",)

MATRIX = (*TEXT, *ARRAYS, *COLUMNS)
TABLE = (*TEXT, *COLUMNS)
