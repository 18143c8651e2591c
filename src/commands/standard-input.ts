import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SwitchyardError } from '../errors.ts'

const CHUNK_BYTES = 64 * 1024
/** How long to wait where a pipe is empty and whoever made it does not let us block on it, in milliseconds. */
const PAUSE_MILLISECONDS = 10

/**
 * The bytes of a file descriptor to its end, in chunks. A chunk is valid until the next one. Throws `input-refused` when
 * it cannot be read.
 */
export function* chunksOf(descriptor: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  for (;;) {
    const bytes = readSome(descriptor, buffer)
    if (bytes === 0) return
    if (bytes > 0) yield buffer.subarray(0, bytes)
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS)
  }
}

/** -1: nothing yet. */
function readSome(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EAGAIN') return -1
    if (code === 'EOF') return 0
    throw new SwitchyardError('input-refused', `standard input cannot be read: ${code}`, { cause: error })
  }
}

/**
 * The same chunks as often as they are asked for: what the first run reads goes into a temporary file without a name,
 * which later runs read. The first run has to be read to its end.
 */
export function replayed(chunks: Iterable<Uint8Array>): Iterable<Uint8Array> {
  const file = namelessFile()
  let isKept = false
  return {
    *[Symbol.iterator]() {
      if (isKept) return yield* chunksFrom(file)
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at)
        yield chunk
      }
      isKept = true
    },
  }
}

function* chunksFrom(descriptor: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let position = 0
  for (;;) {
    const bytes = readSync(descriptor, buffer, 0, buffer.length, position)
    if (bytes === 0) return
    position += bytes
    yield buffer.subarray(0, bytes)
  }
}

/** However the process ends, nothing of it stays behind. */
function namelessFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-'))
  try {
    return openSync(join(folder, 'input'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
