// Gathers what is written during one turn of the loop, so that each stream makes one system call per turn. A stream that is
// written from one place only (a tunnel) sends when the read callback ends; others when all readable sockets were read.

/** Something that has writes to send. */
export interface Flushable {
  flushTurn(): void
}

let depth = 0
let tickScheduled = false
let afterRead: Flushable[] = []
let afterPoll: Flushable[] = []
let spare: Flushable[] | undefined

/** Opens a read callback: writes made until {@link leaveRead} leave then. */
export function enterRead(): void {
  depth++
}

/** Ends a read callback and sends what it wrote. */
export function leaveRead(): void {
  if (--depth === 0 && afterRead.length > 0) flushAfterRead()
}

/** Sends `stream`'s writes when the running read callback ends, or soon when none runs. */
export function flushSoon(stream: Flushable): void {
  afterRead.push(stream)
  if (depth > 0 || tickScheduled) return
  tickScheduled = true
  process.nextTick(flushTick)
}

/** Sends `stream`'s writes when all sockets that are readable now have been read. */
export function flushAfterPoll(stream: Flushable): void {
  if (afterPoll.length === 0) setImmediate(flushPoll)
  afterPoll.push(stream)
}

function flushTick(): void {
  tickScheduled = false
  if (afterRead.length > 0) flushAfterRead()
}

function flushAfterRead(): void {
  // A flush may call `onDrain`, whose writes gather in the other array.
  const streams = afterRead
  afterRead = spare ?? []
  spare = undefined
  for (let i = 0; i < streams.length; i++) streams[i]?.flushTurn()
  streams.length = 0
  spare = streams
}

function flushPoll(): void {
  const streams = afterPoll
  afterPoll = []
  for (let i = 0; i < streams.length; i++) streams[i]?.flushTurn()
}
