"""Problems of which no theory is known."""

from linear_networks.theory.theory import Theory


class Unknown(Theory):
    """Nothing is known: neither a limit, nor a rate, nor a closed form."""

    name = "unknown"
    label = "none"
