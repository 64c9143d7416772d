"""Variables of many classes and shapes, as scipy writes them."""
import sys

import numpy as np
import scipy.io
import scipy.sparse
from answers import array, refuses, says

folder = sys.argv[1]
rng = np.random.default_rng(4)


def values(shape, dtype):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind == "c":
        return (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype).reshape(shape)
    if dtype.kind == "f":
        return (rng.standard_normal(n) * 100).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def whole(shape, dtype):
    """Whole numbers, which a writer may store in a smaller type."""
    return rng.integers(-3, 200, shape).astype(dtype)


def text(name, s):
    a = np.array([[ord(c) for c in s]], "<u4")
    return array(name, a, "bytes")


DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16"]
for pack in (False, True):
    for shape in ((1, 1), (2, 3), (4, 1), (3, 4, 2), (0, 3)):
        variables, answers = {}, []
        for dtype in DTYPES:
            variables["v" + dtype] = values(shape, dtype)
        variables["w"] = whole(shape, "f8")
        for name, v in variables.items():
            answers.append(array(name, v))
        path = f"{folder}/{pack}-{'x'.join(map(str, shape))}.mat"
        scipy.io.savemat(path, variables, do_compression=pack)
        says(path, answers)
    a, b = values((2, 2), "f8"), values((1, 3), "i2")
    sparse = scipy.sparse.csc_matrix(np.array([[0, 1.5, 0], [2.5, 0, 0], [0, 0, -3]]))
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = a, "abc"
    path = f"{folder}/{pack}-parts.mat"
    scipy.io.savemat(path, {"s": {"a": a, "b": b, "c": {"d": b}}, "t": "text", "z": sparse, "c": cell, "l": np.array([[True, False]])}, do_compression=pack)
    mark = lambda name, shape=(1, 1): array(name, np.zeros((0,) + shape, "u1"), "bytes")
    says(path, [mark("s"), array("s.a", a), array("s.b", b), mark("s.c"), array("s.c.d", b), text("t", "text"),
                mark("z", (3, 3)), array("z rows", np.array([1, 0, 2.0])), array("z columns", np.array([0, 1, 2, 3.0])), array("z values", np.array([2.5, 1.5, -3])),
                mark("c", (1, 2)), array("c{1}", a), text("c{2}", "abc"), array("l", np.array([[1, 0]], "u1"))])

for shape in ((1, 1), (2, 3), (0, 3)):
    variables, answers = {}, []
    for dtype in ("u1", "i2", "u2", "i4", "f4", "f8", ">f8", ">i2"):
        v = values(shape, dtype)
        variables["v" + dtype.strip(">") + "be" * (dtype[0] == ">")] = v
    variables["z"] = values(shape, "c16")
    path = f"{folder}/version4-{'x'.join(map(str, shape))}.mat"
    variables = {k: v for k, v in variables.items()}
    scipy.io.savemat(path, variables, format="4")
    for name, v in variables.items():
        answers.append(array(name, v.astype("<c16" if v.dtype.kind == "c" else "<f8")))
    says(path, answers)
path = f"{folder}/version4-parts.mat"
scipy.io.savemat(path, {"t": "text", "s": sparse}, format="4")
says(path, [text("t", "text"), array("s", np.array([[2, 1, 2.5], [1, 2, 1.5], [3, 3, -3], [3, 3, 0]]))])
