"""draw(table) -> Figure, named like its table; figures read tables and compute nothing."""
