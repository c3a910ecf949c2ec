// Where log lines go. One sink per path is shared by every logger that names it, so lines of two listeners never cut
// into one another and a rotation reopens each file once. Lines are gathered and written together.

import { fstatSync, openSync } from 'node:fs'
import pino from 'pino'
import type { LogTarget } from '../../config/model/access-log.ts'

/** Takes whole lines, line end included. Never blocks and never throws. */
export interface LogSink {
  write(line: string): void
}

/** Bytes that may wait for a slow disk or reader; beyond them lines are dropped and counted. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024
/** Bytes gathered before they are written at once. */
const BATCH_BYTES = 8 * 1024
/** Longest wait of a line in milliseconds when the batch does not fill. */
const BATCH_WAIT_MS = 200

/** Told of what goes wrong with a file after it was opened; the proxy goes on. */
export type SinkProblem = (target: string, message: string) => void

/** All sinks of a process: for loggers at build time, POST /reopen_logs, SIGUSR1 and the end. */
export class LogSinks {
  readonly #sinks = new Map<string, FileSink>()
  readonly #onProblem: SinkProblem

  constructor(onProblem: SinkProblem) {
    this.#onProblem = onProblem
  }

  /** Lines that were dropped because nothing took them away. */
  get dropped(): number {
    let dropped = 0
    for (const sink of this.#sinks.values()) dropped += sink.dropped
    return dropped
  }

  /** The sink of a target; throws the system's error when a file cannot be opened, for the configuration's refusal. */
  open(target: LogTarget): LogSink {
    const destination = destinationOf(target)
    const key = String(destination)
    const known = this.#sinks.get(key)
    if (known !== undefined) return known
    const sink = new FileSink(destination, this.#onProblem)
    this.#sinks.set(key, sink)
    return sink
  }

  /** Opens every file anew under its path, after a rotation moved it away. */
  reopen(): void {
    for (const sink of this.#sinks.values()) sink.reopen()
  }

  /** Writes what waits now and ends; for the last moment of the process. */
  close(): void {
    for (const sink of this.#sinks.values()) sink.close()
    this.#sinks.clear()
  }

  /** Writes what waits now. */
  flush(): void {
    for (const sink of this.#sinks.values()) sink.flush()
  }
}

/** A path, or the descriptor of a standard stream; its usual device paths mean the stream. */
function destinationOf(target: LogTarget): string | number {
  switch (target.kind) {
    case 'stdout':
      return 1
    case 'stderr':
      return 2
    case 'file':
      return target.path === '/dev/stdout' ? 1 : target.path === '/dev/stderr' ? 2 : target.path
  }
}

type Stream = ReturnType<typeof pino.destination>

class FileSink implements LogSink {
  readonly #destination: string | number
  readonly #onProblem: SinkProblem
  #stream: Stream
  #timer: NodeJS.Timeout | undefined
  #ended = false
  #problem = ''
  #dropped = 0

  /** Throws the system's error when the file cannot be opened. */
  constructor(destination: string | number, onProblem: SinkProblem) {
    this.#destination = destination
    this.#onProblem = onProblem
    this.#stream = this.#openStream()
  }

  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    if (this.#ended) return
    this.#stream.write(line)
    this.#timer ??= setTimeout(() => this.#flushBatch(), BATCH_WAIT_MS).unref()
  }

  /** What waits still goes to the old file. When the new one cannot be opened, all goes on as it was. */
  reopen(): void {
    if (typeof this.#destination === 'number' || this.#ended) return
    const former = this.#stream
    try {
      this.#stream = this.#openStream()
    } catch (error) {
      this.#onProblem(this.#destination, error instanceof Error ? error.message : 'cannot be opened')
      return
    }
    this.#problem = ''
    former.end()
  }

  flush(): void {
    if (!this.#ended) this.#stream.flushSync()
  }

  close(): void {
    if (this.#ended) return
    clearTimeout(this.#timer)
    this.flush()
    this.#ended = true
    if (typeof this.#destination === 'string') this.#stream.end()
  }

  /**
   * The file is opened here and now, so that a wrong path is known before the first line. A regular file takes each
   * batch at once, so that a flush can never overtake a write under way; a pipe or terminal may stall, and is written
   * in the background.
   */
  #openStream(): Stream {
    const descriptor = typeof this.#destination === 'string' ? openSync(this.#destination, 'a') : this.#destination
    const stream = pino.destination({
      dest: descriptor,
      sync: fstatSync(descriptor).isFile(),
      minLength: BATCH_BYTES,
      maxLength: MAX_WAITING_BYTES,
    })
    stream.on('error', (error: Error) => this.#tell(error.message))
    stream.on('drop', () => this.#dropped++)
    return stream
  }

  /** A full disk fails every batch the same way: told once until something else happens. */
  #tell(message: string): void {
    if (message === this.#problem) return
    this.#problem = message
    this.#onProblem(String(this.#destination), message)
  }

  #flushBatch(): void {
    this.#timer = undefined
    if (!this.#ended) this.#stream.flush()
  }
}
