"""Files of the classic formats, as netCDF4 and scipy write them."""
import itertools
import sys

import netCDF4
import numpy as np
from answers import array, says
from scipy.io import netcdf_file

folder = sys.argv[1]
rng = np.random.default_rng(3)
TYPES = {"NETCDF3_CLASSIC": ["i1", "i2", "i4", "f4", "f8", "S1"], "NETCDF3_64BIT_OFFSET": ["i1", "i2", "i4", "f4", "f8", "S1"],
         "NETCDF3_64BIT_DATA": ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "S1"]}


def values(shape, code):
    n = int(np.prod(shape))
    if code[0] == "f":
        return rng.standard_normal(n).astype(code).reshape(shape)
    if code == "S1":
        return np.frombuffer(bytes(rng.integers(97, 122, n).astype("u1")), "S1").reshape(shape)
    return np.frombuffer(rng.bytes(n * np.dtype(code).itemsize), code).reshape(shape)


for form, types in TYPES.items():
    for records in (0, 1, 3):
        for subset in [types, types[:1], types[1:2], []]:
            path = f"{folder}/{form}-{records}-{len(subset)}-{subset[:1]}.nc"
            out = []
            with netCDF4.Dataset(path, "w", format=form) as f:
                f.set_auto_mask(False)
                f.createDimension("t", None)
                f.createDimension("y", 3)
                f.createDimension("x", 5)
                f.title = "text"
                out.append(array("@title", np.frombuffer(b"text", "S1")))
                for code in types:
                    for shape in ((), ("y",), ("y", "x")):
                        v = f.createVariable(f"v{code}{len(shape)}", code, shape)
                        data = values(tuple({"y": 3, "x": 5}[d] for d in shape), code)
                        v[...] = data
                        out.append(array(v.name, data))
                        if code != "S1":
                            v.note = values((2,), code)
                            out.append(array(f"{v.name}@note", v.note))
                for code in subset:
                    for shape in (("t",), ("t", "y"), ("t", "y", "x")):
                        v = f.createVariable(f"r{code}{len(shape)}", code, shape)
                        data = values((records,) + tuple({"y": 3, "x": 5}[d] for d in shape[1:]), code)
                        if records:
                            v[:] = data
                        out.append(array(v.name, data))
            says(path, out)

for version, records in itertools.product((1, 2), (1, 4)):
    path = f"{folder}/scipy-{version}-{records}.nc"
    with netcdf_file(path, "w", version=version) as f:
        f.createDimension("t", None)
        f.createDimension("x", 3)
        a, b = f.createVariable("a", "i2", ("t",)), f.createVariable("b", "f8", ("t", "x"))
        x, y = values((records,), "i2"), values((records, 3), "f8")
        a[:], b[:] = x, y
    says(path, [array("a", x), array("b", y)])
