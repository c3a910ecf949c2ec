// One line for people when a tunnel opens and one when it closes: who closed it, why, how long it lived and what moved.
// The demo shows these, and the log at level info.

import { styleText } from 'node:util'
import { errorEntry } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'
import { placeText } from '../../config/model/place.ts'
import {
  type DirectionCounts,
  endWithoutFrames,
  type FailedSession,
  type LedgerListener,
  type TunnelEnd,
  type TunnelEntry,
} from './ledger.ts'
import { durationText, sizeText } from './quantity.ts'

export interface LiveLineOptions {
  /** Takes one line without its end. */
  write(line: string): void
  /** Colour by ANSI sequences; pass whether the stream is a terminal. */
  readonly color: boolean
  /** Begins each line with the time of day. */
  readonly clockTime: boolean
}

/** A listener for {@link Ledger.listen}. */
export function liveLine(options: LiveLineOptions): LedgerListener {
  const paint = painter(options.color)
  const time = (wallMs: number): string => (options.clockTime ? `${paint('gray', timeOfDay(wallMs))} ` : '')
  return {
    onOpen(entry) {
      options.write(time(entry.openedWallMs) + openLine(entry, paint))
    },
    onClose(entry, end) {
      options.write(time(entry.openedWallMs + end.durationMs) + closeLine(entry, end, paint))
    },
    onFailure(session) {
      options.write(time(session.wallMs) + failureLine(session, paint))
    },
  }
}

type Color = Parameters<typeof styleText>[0]
type Paint = (color: Color, text: string) => string

const painter = (color: boolean): Paint =>
  // The caller decided by its own stream, so styleText must not look at this process's stdout.
  color ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text

function openLine(entry: TunnelEntry, paint: Paint): string {
  const hops = `${entry.downstreamProtocol} → ${entry.upstreamProtocol}`
  const note = entry.hopNote === '' ? '' : paint('gray', ` (${printable(entry.hopNote)})`)
  return [
    paint('green', 'open '),
    label(entry),
    `${printable(entry.client)} → ${printable(entry.endpoint)}`,
    hops + note,
    routeText(entry, paint),
  ].join('  ')
}

function closeLine(entry: TunnelEntry, end: TunnelEnd, paint: Paint): string {
  return [
    paint(end.cause.by === 'proxy' ? 'yellow' : 'cyan', 'close'),
    label(entry),
    `by ${whoText(end, paint)}`,
    `after ${durationText(end.durationMs)}`,
    `↑ ${movedText(entry.fromClient())}  ↓ ${movedText(entry.fromUpstream())}`,
    `${entry.downstreamProtocol} → ${entry.upstreamProtocol}`,
    routeText(entry, paint),
  ].join('  ')
}

function failureLine(session: FailedSession, paint: Paint): string {
  const { cause, place } = session
  return [
    paint('red', 'fail '),
    label(session),
    `by ${paint('bold', cause.by)}: ${whyText(endWithoutFrames(cause, 0))}`,
    `${printable(session.client)} → cluster ${printable(session.cluster)}`,
    `${printable(session.authority)}${paint('gray', ` [${printable(placeText(place))}]`)}`.trimStart(),
  ].join('  ')
}

/** Number and type in columns, so that lines of many tunnels stand under one another. */
const label = (entry: Pick<TunnelEntry, 'id' | 'type'>): string =>
  `#${entry.id}`.padEnd(5) + ` ${printable(entry.type).padEnd(9)}`

/** `client: going away (1001)`, or what the error table says when no Close frame passed. */
function whoText(end: TunnelEnd, paint: Paint): string {
  const { cause } = end
  return `${paint('bold', cause.by)}: ${whyText(end)}`
}

function whyText({ cause, closeCode, closeReason, closeFrameBy }: Omit<TunnelEnd, 'durationMs'>): string {
  const summary = errorEntry(cause.code).summary
  const detail = cause.detail === '' ? summary : `${summary.replace(/\.$/, '')}: ${printable(cause.detail)}`
  const failed = errorEntry(cause.code).fault !== 'none'
  if (closeCode === undefined) return `${detail} [${cause.code}]`
  const reason = closeReason === '' ? '' : ` "${printable(closeReason)}"`
  const frame = `Close ${closeCode}${reason}${closeFrameBy === undefined ? '' : ` from ${closeFrameBy}`}`
  // After a Close frame the end of the connection is expected; only what is not orderly is worth its own words.
  return failed && closeFrameBy !== cause.by ? `${frame}; ${detail} [${cause.code}]` : `${frame} [${cause.code}]`
}

function movedText({ bytes, messages }: DirectionCounts): string {
  const size = sizeText(bytes)
  return messages === undefined ? size : `${size} in ${messages} ${messages === 1 ? 'message' : 'messages'}`
}

function routeText(entry: TunnelEntry, paint: Paint): string {
  const target = printable(`${entry.authority}${entry.path}`)
  const place = entry.routePlace === undefined ? '' : placeText(entry.routePlace)
  const route = [entry.route, place].filter((part) => part !== '').join(' ')
  return target + (route === '' ? '' : paint('gray', ` [${printable(route)}]`))
}

const timeOfDay = (wallMs: number): string => new Date(wallMs).toTimeString().slice(0, 8)
