"""Deep networks trained by the rule of theory/update.py; needs the extra `nets`."""
