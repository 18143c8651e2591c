"""Requests and answers over pipes, for python.ts: each a big-endian 32-bit length and so many bytes."""
import json
import struct
import sys


def serve(answer):
    """Answers every request, its bytes, with what `answer` makes of it, as JSON, until there are no more."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while True:
        size = source.read(4)
        if len(size) < 4:
            return
        body = json.dumps(answer(source.read(struct.unpack('>I', size)[0]))).encode()
        sink.write(struct.pack('>I', len(body)) + body)
        # What is asked next may depend on it.
        sink.flush()
