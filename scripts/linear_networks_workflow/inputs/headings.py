"""Headings that writers give to what is no column."""

import re
from collections.abc import Iterable

from linear_networks.components import Refused
from linear_networks_workflow.errors import short


def check_headings(headings: Iterable[str], layout: str = "") -> None:
    """Refuse an index, or names of rows, which stand among the columns without a heading of their own.

    Parameters
    ----------
    headings : iterable of str
    layout : str
        How the file is laid out, for messages.

    Raises
    ------
    Refused
        If a heading is empty, or one that pandas makes up.
    """
    for place, heading in enumerate(headings):
        if re.fullmatch(r"|Unnamed: \d+", heading):
            fault = "has no heading"
        elif re.fullmatch(r"__index_level_\d+__", heading):
            fault = f"is {short(heading)}, as pandas calls an index"
        else:
            continue
        message = f"column {place + 1} {fault}; if it is an index or names of rows, leave it out:"
        message += " index=False in to_csv and to_parquet of pandas, row.names = FALSE in R"
        raise Refused("path", message + layout)
