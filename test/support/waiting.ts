// Waiting in tests: for a condition, for an event, for an answer. Every wait has an end and says what it waited for.

import type { EventEmitter } from 'node:events'

export interface WaitOptions {
  /** What is waited for, for the message. */
  readonly what: string
  readonly ms?: number
  /** More for the message, looked at when time is over. */
  readonly detail?: () => string
}

const DEFAULT_MS = 10_000
const LOOK_MS = 10

/** Calls `look` until it gives something other than undefined. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { what, ms = DEFAULT_MS, detail }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline)
      throw new Error(`waited ${ms} ms for ${what}${detail === undefined ? '' : `; ${detail()}`}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** `promise`, or an error after `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms = DEFAULT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The first argument of the next `event`; an `error` event fails unless it is what is waited for. */
export function nextEvent<T>(emitter: EventEmitter, event: string, ms = DEFAULT_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      emitter.off(event, onEvent)
      emitter.off('error', onError)
    }
    const onEvent = (value: T): void => {
      done()
      resolve(value)
    }
    const onError = (error: Error): void => {
      done()
      reject(error)
    }
    const timer = setTimeout(() => {
      done()
      reject(new Error(`waited ${ms} ms for the event ${event}`))
    }, ms)
    emitter.on(event, onEvent)
    if (event !== 'error') emitter.on('error', onError)
  })
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
