"""Right-hand sides of statements, one function each; the docstring holds the proof or its outline.

Nothing is computed from data here, and conditions on the steps are functions too: a check must measure them.
"""
