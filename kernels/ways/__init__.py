"""The four ways, a file each. By name: `kernels.WAYS`."""
