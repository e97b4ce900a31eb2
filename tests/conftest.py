"""Double precision, no silent rank promotion, figures without a screen."""

import os

import jax

os.environ["MPLBACKEND"] = "Agg"  # read when matplotlib is first imported, which is later
jax.config.update("jax_enable_x64", True)  # single precision hides rates
jax.config.update("jax_numpy_rank_promotion", "raise")
