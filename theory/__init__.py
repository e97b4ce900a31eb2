"""Pure mathematics: the update rule, sampling laws, exact expectations, problems and bounds."""
