"""What runs in the decoders' processes, forked for one file each and confined before they open it.

Nothing here is imported by the worker; the worker talks to zygote.py over a pipe (adapters/sandbox.py).
"""
