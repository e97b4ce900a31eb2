"""python setup/alone.py LOCK COMMAND ...: run a command unless another one holds the file LOCK.

The lock is the system's own and goes with its process, however that ends: nobody ever unlocks by hand.
"""

import fcntl
import os
import sys

lock, *command = sys.argv[1:]
os.makedirs(os.path.dirname(lock), exist_ok=True)
handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
try:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    holder = os.read(handle, 100).decode().strip()
    print(
        f"process {holder} is at work in this folder: wait for it, or end it with kill {holder}",
        file=sys.stderr,
    )
    sys.exit(2)
os.ftruncate(handle, 0)
os.write(handle, f"{os.getpid()}\n".encode())
os.set_inheritable(handle, True)
os.execvp(command[0], command)
