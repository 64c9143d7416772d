"""What a witness needs to say what a file holds (see witness.go)."""
import json
import numpy as np

CLASSES = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def array(name, value, kind=None):
    """A numpy array as a reader must find it; text as a list in its shape."""
    value = np.asarray(value)
    shape = list(value.shape)
    if value.dtype.kind == "O":
        return texts(name, [str(v) for v in value.ravel()], shape)
    if kind is None:
        kind = CLASSES.get(value.dtype.kind, "bytes")
    plain = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<")))
    return {"name": name, "class": kind, "size": value.dtype.itemsize, "shape": shape, "data": plain.tobytes().hex()}


def texts(name, values, shape=None):
    return {"name": name, "class": "text", "size": 0, "shape": [len(values)] if shape is None else shape, "texts": list(values)}


def says(path, arrays):
    with open(path + ".json", "w") as f:
        json.dump({"arrays": arrays}, f)


def refuses(path):
    with open(path + ".json", "w") as f:
        json.dump({"unread": True}, f)
