"""Pure mathematics: the update rule, sampling laws, exact expectations, problems and bounds."""

import jax
import numpy as np

Array = jax.Array | np.ndarray  # data and states are held as either; compiled functions take both
