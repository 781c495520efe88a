"""The command `fourways`: which way to take, for the recorded sizes and for one's own data."""

PACKAGES = ("fourways", "kernels", "report", "suites")  # of this project, that the command needs
