"""What libraries say of files that they cannot read."""

from collections.abc import Iterator
from contextlib import contextmanager

from linear_networks.components import Refused
from linear_networks_workflow.errors import short


@contextmanager
def reading(advice: str) -> Iterator[None]:
    """Refuse a file that its library cannot read: of a damaged one, any exception may come."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused("path", f"cannot be read ({short(error)}); is it whole? Save it with {advice}") from None
