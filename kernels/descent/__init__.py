"""Descent methods, driven by any way: in Python, or compiled whole."""
