"""Arrays of all types, orders and shapes, as numpy writes them."""
import sys

import numpy as np
from answers import array, refuses, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(2)
count = 0


def save(value, answers, **kwargs):
    global count
    count += 1
    path = f"{folder}/{count}.npy"
    np.save(path, value, **kwargs)
    if answers is None:
        refuses(path)
    else:
        says(path, answers)


def values(shape, dtype):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind in "fc":
        return (rng.standard_normal(n) * 3).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


for order in "<>":
    for code in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"):
        for shape in ((), (0,), (7,), (2, 3), (3, 4, 5), (2, 0, 3)):
            v = values(shape, order + code)
            save(v, [array("", v)])
            save(np.array(v, order="F"), [array("", v)])
for v in (np.array([True, False]), ):
    save(v, [array("", v)])
for dtype in ("S5", "<U5", ">U5"):
    v = np.array([["ab", "c"], ["", "xyz"]], dtype)
    words = ["ab", "c", "", "xyz"]
    save(v, [texts("", words, [2, 2])])
    save(np.array(v, order="F"), [texts("", words, [2, 2])])
save(np.array(["α", "\U0001f600"]), [texts("", ["α", "\U0001f600"])])
for unit in ("s", "ns", "D"):
    v = np.array([1, -5, 7], f"<M8[{unit}]")
    save(v, [array("", v.view("<i8"))])
save(np.array([{}], object), None, allow_pickle=True)
save(np.array([1], "<f16"), None) if np.dtype("f16").itemsize == 16 else None

for order in "<>":
    for shape in ((3,), (2, 2), ()):
        inner = np.dtype([("p", order + "f4"), ("q", order + "i8", (2,))])
        dtype = np.dtype([("a", order + "i2"), ("b's", order + "f8"), ("c", "S3"), ("d", inner), ("e", order + "u2", (2, 3))], align=True)
        v = np.zeros(shape, dtype)
        v["a"], v["b's"], v["c"] = values(shape, "i2"), values(shape, "f8"), b"xy"
        v["d"]["p"], v["d"]["q"], v["e"] = values(shape, "f4"), values(shape + (2,), "i8"), values(shape + (2, 3), "u2")
        answers = [array(".a", v["a"]), array(".b's", v["b's"]), texts(".c", ["xy"] * v.size, list(shape)),
                   array(".d.p", v["d"]["p"]), array(".d.q", v["d"]["q"]), array(".e", v["e"])]
        save(v, answers)
        save(np.array(v, order="F"), answers)
