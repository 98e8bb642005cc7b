"""Seeds of random streams, derived from names: no stream depends on what else runs."""

from hashlib import sha256

__all__ = ["stream_seed"]


def stream_seed(*names: str | int) -> int:
    """A 63-bit seed for the stream of that name, such as `("ring", 3, "data")`."""
    return int.from_bytes(sha256("/".join(map(str, names)).encode()).digest()[:8], "big") >> 1
