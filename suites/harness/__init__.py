"""How a way is timed so that what is timed is what was judged.

Imports nothing: `machine` also runs where asv is installed and NumPy is not.
"""
