"""Files in the format of MNIST."""

import struct

__all__ = ["write_idx"]


def write_idx(file, array):
    """The format of MNIST: a magic number with the number of dimensions, their sizes, the bytes."""
    header = struct.pack(f">{array.ndim + 1}i", 0x800 + array.ndim, *array.shape)
    file.write_bytes(header + array.tobytes())
