"""Pages of many types, byte orders, layouts and packings, as tifffile and Pillow write them."""
import itertools
import sys

import numpy as np
import tifffile
from PIL import Image
from answers import array, says

folder = sys.argv[1]
rng = np.random.default_rng(6)
count = 0


def values(shape, dtype):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind == "f":
        return (rng.standard_normal(n) * 9).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def path():
    global count
    count += 1
    return f"{folder}/{count}.tif"


TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
for order, big in itertools.product("<>", (False, True)):
    for code in TYPES:
        for extra in ({}, {"compression": "zlib"}, {"tile": (16, 16)}, {"rowsperstrip": 5, "compression": "zlib"}):
            p, v = path(), values((21, 19), code)
            tifffile.imwrite(p, v, byteorder=order, bigtiff=big, **extra)
            says(p, [array("page 1", tifffile.imread(p))])
            assert (tifffile.imread(p) == v).all() or code[0] == "f"
for order in "<>":
    for code in ("u1", "u2", "f4"):
        for planar, shape in (("contig", (9, 11, 3)), ("separate", (3, 9, 11))):
            for extra in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
                p, v = path(), values(shape, code)
                tifffile.imwrite(p, v, byteorder=order, photometric="rgb", planarconfig=planar, **extra)
                says(p, [array("page 1", v if planar == "contig" else np.moveaxis(v, 0, -1))])
    p, v = path(), values((4, 9, 11), "u2")
    tifffile.imwrite(p, v, byteorder=order, photometric="minisblack")
    says(p, [array(f"page {i + 1}", v[i]) for i in range(4)])

# Pillow writes with libtiff, and tifffile can't check these itself.
gray, rgb = values((23, 17), "u1"), values((23, 17, 3), "u1")
for packing in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"):
    for v in (gray, rgb):
        p = path()
        Image.fromarray(v).save(p, format="TIFF", compression=packing)
        says(p, [array("page 1", np.array(Image.open(p)))])
    p = path()
    Image.fromarray(gray > 127).save(p, format="TIFF", compression=packing)
    says(p, [array("page 1", np.array(Image.open(p)).astype("u1"))])
    for code in ("<u2", "<i4", "<f4"):
        p, v = path(), values((23, 17), code)
        Image.fromarray(v).save(p, format="TIFF", compression=packing)
        says(p, [array("page 1", np.array(Image.open(p)))])
for packing in ("tiff_lzw", "tiff_adobe_deflate"):
    for v in (gray, rgb):
        p = path()
        Image.fromarray(v).save(p, format="TIFF", compression=packing, tiffinfo={317: 2})
        says(p, [array("page 1", np.array(Image.open(p)))])
