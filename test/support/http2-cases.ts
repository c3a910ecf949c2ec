// Reads the tables of frame sequences in test/golden/http2: blocks of lines, divided by empty ones.
//
//   # name      opens a case          > frame   see http2-frames.ts
//   @ word …    a setting             = line    one line of the outcome, see http2-outcome.ts

import type { Http2Options } from '../../src/codec/http2/options.ts'
import { frame, frameBytes, PREFACE } from './http2-frames.ts'
import { clientOutcome, type Outcome, serverOutcome } from './http2-outcome.ts'

export type Side = 'server' | 'client'

export interface FrameCase {
  readonly name: string
  readonly settings: ReadonlyMap<string, string>
  /** Each written frame, in front of them what every connection begins with. */
  readonly frames: readonly Buffer[]
  readonly bytes: Buffer
  readonly expected: readonly string[]
}

/** The cases in `text`. */
export function frameCases(text: string): FrameCase[] {
  const side: Side = text.includes('\n@ asked') ? 'client' : 'server'
  return text
    .split(/\n\s*\n/)
    .filter((part) => part.startsWith('#'))
    .map((part) => parseCase(part, side))
}

function parseCase(part: string, side: Side): FrameCase {
  const lines = part.split('\n')
  const of = (mark: string): string[] => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2))
  const settings = new Map(of('@').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).join(' ')]))
  const start = settings.has('bare') ? [] : side === 'server' ? [PREFACE, frame(4, 0, 0)] : [frame(4, 0, 0)]
  const frames = [...start, ...of('>').map(frameBytes)]
  return { name: of('#')[0] ?? '', settings, frames, bytes: Buffer.concat(frames), expected: of('=') }
}

/** Feeds `chunks` under the settings of a case. */
export function runCase(
  side: Side,
  { settings }: Pick<FrameCase, 'settings'>,
  chunks: readonly Uint8Array[],
): Promise<Outcome> {
  const options = optionsOf(settings)
  if (side === 'server') return serverOutcome(chunks, options, settings.has('tunnels'))
  return clientOutcome(chunks, (settings.get('asked') ?? '').split(' ').filter(Boolean), options)
}

function optionsOf(settings: ReadonlyMap<string, string>): Partial<Http2Options> {
  const options: Record<string, unknown> = {}
  for (const [name, value] of settings) {
    if (['bare', 'asked', 'tunnels'].includes(name)) continue
    options[name] = value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : value
  }
  return options
}
