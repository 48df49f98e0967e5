"""pure.py LIBRARY...: fails when a library has state of its own or calls the allocator.

Decoders and encoders are for any thread and for workers that must not allocate: their object files
hold code and constants only."""

import re
import subprocess
import sys

WRITABLE = re.compile(r"^\S+ .{7} (\.t?data|\.t?bss|\*COM\*)(?!\.rel\.ro)\S*\s+[0-9a-f]*[1-9a-f]\S*\s+(\S+)$", re.M)
ALLOCATORS = re.compile(r"\*UND\*\s+\S+\s+(malloc|calloc|realloc|reallocarray|aligned_alloc|strdup|free)$", re.M)

wrong = []
for library in sys.argv[1:]:
    symbols = subprocess.run(["objdump", "-t", library], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    if not re.search(r"\.text\S*\s", symbols):
        wrong.append(f"{library}: no code in it")
    wrong += [f"{library}: {name} is in {section}, which can be written"
              for section, name in WRITABLE.findall(symbols)]
    wrong += [f"{library}: calls {name}" for name in ALLOCATORS.findall(symbols)]
print("\n".join(wrong) or "nothing but code and constants")
sys.exit(1 if wrong else 0)
