// Gathers what is written during one turn of the loop, so that each stream makes one system call per turn. A stream that is
// written from one place only (a tunnel) sends when the read callback ends; others when all readable sockets were read.

import { holdTime, releaseTime } from '../core/clock.ts'

/** Something that has writes to send. */
export interface Flushable {
  flushTurn(): void
}

/** Streams to flush; entries are reused, so that a turn allocates nothing. */
interface Batch {
  readonly streams: (Flushable | undefined)[]
  count: number
}

let depth = 0
let poll = 0
let pollMarked = false
let tickScheduled = false
let afterRead: Batch = { streams: [], count: 0 }
let afterPoll: Batch = { streams: [], count: 0 }
let spare: Batch | undefined

/** Opens a read callback: writes made until {@link leaveRead} leave then. */
export function enterRead(): void {
  if (depth++ === 0) holdTime()
}

/** Ends a read callback and sends what it wrote. */
export function leaveRead(): void {
  if (--depth > 0) return
  releaseTime()
  if (afterRead.count > 0) flushAfterRead()
}

/** Sends `stream`'s writes when the running read callback ends, or soon when none runs. */
export function flushSoon(stream: Flushable): void {
  afterRead.streams[afterRead.count++] = stream
  if (depth > 0 || tickScheduled) return
  tickScheduled = true
  process.nextTick(flushTick)
}

/** Sends `stream`'s writes when all sockets that are readable now have been read. */
export function flushAfterPoll(stream: Flushable): void {
  if (afterPoll.count === 0) setImmediate(flushPoll)
  afterPoll.streams[afterPoll.count++] = stream
}

/** A number that stays the same during one poll phase. */
export function currentPoll(): number {
  if (!pollMarked) {
    pollMarked = true
    setImmediate(nextPoll)
  }
  return poll
}

function nextPoll(): void {
  pollMarked = false
  poll++
}

function flushTick(): void {
  tickScheduled = false
  if (afterRead.count > 0) flushAfterRead()
}

function flushAfterRead(): void {
  const batch = afterRead
  afterRead = spare ?? { streams: [], count: 0 }
  spare = undefined
  flushBatch(batch)
  spare = batch
}

function flushPoll(): void {
  const batch = afterPoll
  afterPoll = spare ?? { streams: [], count: 0 }
  spare = undefined
  flushBatch(batch)
  spare = batch
}

/** A flush may call `onDrain`, whose writes gather in another batch. */
function flushBatch(batch: Batch): void {
  const { streams, count } = batch
  for (let i = 0; i < count; i++) {
    const stream = streams[i]
    streams[i] = undefined
    stream?.flushTurn()
  }
  batch.count = 0
}
