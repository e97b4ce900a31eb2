"""How the checks compile: most of their programs take longer to compile than to run."""

import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax

# jaxlib 0.10: without LLVM's optimisation, and with the emitters that need less of it
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
USUAL = {"xla_backend_optimization_level": 3}


def quickly() -> None:
    """Call it ahead of the first compilation; flags that are set already stay."""
    if version("jaxlib").startswith("0.10."):  # XLA ends at a flag that it does not know
        os.environ.setdefault("XLA_FLAGS", QUICK)


def thoroughly(function: Callable[..., Any]) -> Any:
    """jax.jit for a program that runs for longer than its optimisation takes."""
    return jax.jit(function, compiler_options=USUAL)
