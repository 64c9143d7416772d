"""Images of many types, orders of bytes and versions, as nibabel writes them."""
import sys

import nibabel as nib
import numpy as np
from answers import array, refuses, says

folder = sys.argv[1]
rng = np.random.default_rng(10)
count = 0


def values(shape, dtype):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind in "fc":
        return (rng.standard_normal(n) * 7).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def save(image, answer):
    global count
    count += 1
    path = f"{folder}/{count}.nii"
    nib.save(image, path)
    if isinstance(answer, str):
        saved = nib.load(path).dataobj
        answer = saved.inter + saved.slope * saved.get_unscaled().astype("f8")
    if answer is None:
        refuses(path)
    else:
        says(path, [array("image", answer)])


for kind, head in ((nib.Nifti1Image, nib.Nifti1Header), (nib.Nifti2Image, nib.Nifti2Header)):
    for order in "<>":
        for code in ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16"):
            for shape in ((5,), (3, 4), (3, 4, 5), (2, 3, 4, 2)):
                v = values(shape, code)
                h = head(endianness=order)
                h.set_data_dtype(code)
                save(kind(v, np.diag([2, 2, 3, 1.0]), h), v)
        h = head(endianness=order)
        h.set_data_dtype("i2")
        h.set_slope_inter(0.5, 10)
        v = rng.integers(-50, 50, (3, 4)).astype("f8") * 0.5 + 10
        save(kind(v, np.eye(4), h), "scaled")
h = nib.Nifti1Header()
h.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment"))
v = values((3, 4), "f4")
save(nib.Nifti1Image(v, np.eye(4), h), v)
h = nib.Nifti1Header()
h.extensions.append(nib.nifti1.Nifti1Extension(40, b"something else"))
save(nib.Nifti1Image(v, np.eye(4), h), None)
