"""Public code that our jobs run beside: found in a folder, imported when it is needed, never copied.

Read what a folder holds before you hand it over: its modules are run.
"""

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    what: str
    takes: dict[str, str]  # file -> names of what is imported from it


PEERS = {
    "understanding-sam": Peer(
        "a checkout of the public repository tml-epfl/understanding-sam",
        {"diagonal_linear_nets/diag_nets.py": "GD n_SAM_GD one_SAM_GD"},
    ),
    "unifiedsam": Peer(
        "a checkout of the public repository dimitris-oik/unifiedsam",
        {"numpy_exps/methods.py": "unifiedSAM", "numpy_exps/loss.py": "RidgeRegression"},
    ),
    "pyhessian": Peer(
        "a checkout of the public repository amirgholami/PyHessian (or pyhessian installed; it needs torch)",
        {"pyhessian/hessian.py": "hessian"},
    ),
}


def lacking(name):
    return f"needs --peer {name}=FOLDER, {PEERS[name].what}"


def found(text):
    """(name, folder) of a flag NAME=FOLDER; ValueError says what is wrong with it."""
    name, equals, where = text.partition("=")
    if not equals or not where:
        raise ValueError(f"--peer takes NAME=FOLDER; got {text!r}")
    if name not in PEERS:
        raise ValueError(f"no peer named {name!r}; there are {', '.join(PEERS)}")
    folder = Path(where)
    if not folder.is_dir():
        raise ValueError(f"{where} is no folder; --peer {name}=FOLDER takes {PEERS[name].what}")
    for file in PEERS[name].takes:
        if not (folder / file).is_file():
            raise ValueError(f"{where} has no {file}; --peer {name}=FOLDER takes {PEERS[name].what}")
    return name, folder


def imported(name, folder):
    """What is taken from a peer, in the order of its files; ValueError where a file does not have it."""
    things = []
    for file, names in PEERS[name].takes.items():
        module = run(name, Path(folder), file)
        for thing in names.split():
            if not hasattr(module, thing):
                raise ValueError(f"{Path(folder) / file} has no {thing}; take {PEERS[name].what}")
            things.append(getattr(module, thing))
    return things


def run(name, folder, file):
    """A module from its file, which may import others of the folder; nothing is written beside it.

    Its warnings are its own affair.
    """
    path = folder / file
    spec = importlib.util.spec_from_file_location(f"{name}_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(folder.absolute()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(folder.absolute()))
    return module
