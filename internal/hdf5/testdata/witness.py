"""Data sets of many layouts, filters, types and shapes, as h5py writes and reads them."""
import ctypes
import itertools
import sys

import h5py
import numpy as np
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(1)


def values(shape, dtype):
    n = int(np.prod(shape))
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(n).astype(dtype).reshape(shape)
    if dtype.kind == "c":
        return (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def grown(shape):
    """The shapes up to which one may grow."""
    yield None
    yield tuple(shape)
    yield tuple(n + 4 for n in shape)
    for axis in range(len(shape)):
        yield tuple(n + 5 if i == axis else n for i, n in enumerate(shape))
        yield tuple(None if i == axis else n for i, n in enumerate(shape))
        yield tuple(None if i == axis else n + 3 for i, n in enumerate(shape))
    yield tuple(None for _ in shape)


FILTERS = [{}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"compression": "lzf"},
           {"fletcher32": True}, {"shuffle": True, "fletcher32": True}]
SHAPES = {(7,): [(1,), (3,), (7,), (11,)], (5, 6): [(2, 3), (5, 2), (1, 6), (8, 8)], (3, 4, 5): [(2, 2, 2), (1, 4, 3), (3, 1, 5)]}
TYPES = [o + t for o in "<>" for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16")]


def layouts(f):
    types = itertools.cycle(TYPES)
    count = 0
    for shape, chunks in SHAPES.items():
        f.create_dataset(f"whole{len(shape)}", data=values(shape, next(types)))
        for chunk, most, filters in itertools.product(chunks, grown(shape), FILTERS):
            if most and any(m is not None and c > m for c, m in zip(chunk, most)) or most is None and any(c > n for c, n in zip(chunk, shape)):
                continue
            count += 1
            f.create_dataset(f"d{count}", data=values(shape, next(types)), chunks=chunk, maxshape=most, **filters)
    return count


def early(f):
    """Room taken at once, which makes an index without entries; and holes."""
    for i, (shape, most, chunk) in enumerate([((4, 5), (9, 8), (2, 2)), ((4, 5), (4, 9), (3, 2)), ((3, 4, 5), (3, 6, 9), (2, 3, 2)), ((6,), (9,), (4,))]):
        space = h5py.h5s.create_simple(shape, most)
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_chunk(chunk)
        dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        d = h5py.Dataset(h5py.h5d.create(f.id, f"early{i}".encode(), h5py.h5t.IEEE_F64LE, space, dcpl))
        d[...] = values(shape, "<f8")
    for i, most in enumerate([(40, 50), (None, 50), (40, None), (None, None)]):
        for j, filters in enumerate(FILTERS):
            d = f.create_dataset(f"holes{i}{j}", shape=(20, 30), maxshape=most, chunks=(3, 4), dtype="<i4", fillvalue=-7, **filters)
            d[5:9, 7:20] = values((4, 13), "<i4")
            d[19, 29] = 1


def resized(f):
    for i, most in enumerate([(30, 40), (None, 40), (30, None), (None, None)]):
        d = f.create_dataset(f"resized{i}", data=values((9, 9), "<i2"), maxshape=most, chunks=(2, 4))
        d.resize((4, 7))
        d.resize((12, 11))
        d[6:, :] = 5


def many(f):
    """Indexes of many entries, which lie in pages."""
    for i, most in enumerate([(5000,), (9000,), (None,)]):
        d = f.create_dataset(f"many{i}", shape=(5000,), maxshape=most, chunks=(1,), dtype="u1")
        d[3000:3100] = values((100,), "u1")
        d[:20] = 3
        d[4999] = 9
    d = f.create_dataset("pages", shape=(150000,), maxshape=(None,), chunks=(1,), dtype="u1")
    for at in (0, 3, 4, 5, 17, 100, 1000, 5000, 20000, 65000, 66000, 70000, 100000, 131072, 149999):
        d[at] = at % 251 + 1
    d = f.create_dataset("packed pages", shape=(3, 90000), maxshape=(3, None), chunks=(2, 1), dtype="u1", compression="gzip")
    for at in (0, 7, 900, 40000, 70000, 89999):
        d[:, at] = at % 251 + 1


def edges(f):
    """Chunks that reach beyond the shape and are not packed."""
    library = next(line.split()[-1] for line in open("/proc/self/maps") if "/libhdf5_serial.so" in line)
    hdf5 = ctypes.CDLL(library)
    for i, (most, shuffle) in enumerate(itertools.product([(8, 9), (12, 14), (None, 14), (8, None), (None, None)], [False, True])):
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_chunk((3, 4))
        if shuffle:
            dcpl.set_shuffle()
        dcpl.set_deflate(5)
        assert hdf5.H5Pset_chunk_opts(ctypes.c_int64(dcpl.id), ctypes.c_uint(2)) >= 0
        space = h5py.h5s.create_simple((8, 9), tuple(h5py.h5s.UNLIMITED if m is None else m for m in most))
        d = h5py.Dataset(h5py.h5d.create(f.id, f"edges{i}".encode(), h5py.h5t.STD_I32BE, space, dcpl))
        d[...] = values((8, 9), "<i4")


def kinds(f):
    f.create_dataset("scalar", data=1.5)
    f.create_dataset("empty", shape=(0, 3), dtype="<f4")
    f.create_dataset("text", data=np.array([b"ab", b"c", b""], "S5"))
    f.create_dataset("long text", data=["α", "two", ""], dtype=h5py.string_dtype())
    f.create_dataset("true", data=np.array([True, False, True]))
    f.create_dataset("parts", data=np.array([(1, 2.5, b"x"), (3, -1.5, b"yz")], [("a", "<i2"), ("b", ">f8"), ("c", "S3")]), chunks=(1,))
    rows = f.create_dataset("rows", (3,), h5py.vlen_dtype("<i4"))
    rows[0], rows[1], rows[2] = [1, 2], [], [7]
    f.attrs["n"] = np.array([1, 2, 3], ">u2")
    f.attrs["t"] = "text"


def expected(f):
    out = []

    def attributes(name, o):
        for key, v in o.attrs.items():
            out.append(texts(f"{name}@{key}", [v], []) if isinstance(v, str) else array(f"{name}@{key}", v))

    attributes("/", f)

    def visit(name, o):
        name = "/" + name
        attributes(name, o)
        if not isinstance(o, h5py.Dataset):
            return
        v = o[()]
        if o.dtype.kind == "b":
            out.append(array(name, v.astype("i1")))
        elif o.dtype.kind == "S":
            out.append(texts(name, [x.decode() for x in v]))
        elif h5py.check_string_dtype(o.dtype):
            out.append(texts(name, [x.decode() for x in v]))
        elif h5py.check_vlen_dtype(o.dtype):
            out.append(array(name + " lengths", np.array([len(x) for x in v], "<u8")))
            out.append(array(name + " values", np.concatenate(v)))
        elif o.dtype.names:
            for part in o.dtype.names:
                p = v[part]
                out.append(texts(f"{name}.{part}", [x.decode() for x in p]) if p.dtype.kind == "S" else array(f"{name}.{part}", p))
        else:
            out.append(array(name, v))

    f.visititems(visit)
    return out


for libver in ("earliest", "v108", "latest"):
    for make in (layouts, early, resized, many, edges, kinds):
        path = f"{folder}/{make.__name__}-{libver}.h5"
        with h5py.File(path, "w", libver=(libver, "latest") if libver != "latest" else "latest") as f:
            make(f)
        with h5py.File(path) as f:
            says(path, expected(f))
