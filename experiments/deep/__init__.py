"""Deep networks, trained and measured by the update rule of theory/update.py."""
