// `/connections`: every open tunnel, where it goes and what it has moved; and closing one. Sluice's own.

import { closeCause } from '../../core/close-cause.ts'
import { printable } from '../../core/printable.ts'
import { placeText } from '../../config/model/place.ts'
import type { TunnelEntry } from '../../observe/ledger/ledger.ts'
import { durationText, sizeText } from '../../observe/ledger/quantity.ts'
import { parseNameFilter } from '../../observe/metrics/selection.ts'
import type { AdminContext } from '../context.ts'
import { DONE, type Endpoint, formatOf, json, refused, text } from '../endpoint.ts'

export const CONNECTIONS: Endpoint = {
  path: '/connections',
  summary: 'open tunnels: age, route, endpoint, hops, bytes and messages each way, last activity',
  mutates: false,
  parameters: [
    { name: 'format', summary: 'one of json, text' },
    {
      name: 'filter',
      summary: 'regular expression (RE2) to find in client, type, authority, path, route, cluster or endpoint',
    },
    { name: 'limit', summary: 'show at most so many, the oldest first' },
  ],
  handle({ query }, context) {
    const format = formatOf(query, ['json', 'text'])
    if (format === undefined) return refused('usage: /connections?format=(json|text)')
    const parsed = parseNameFilter(query.get('filter') ?? '')
    if (parsed.kind === 'refused') return refused(parsed.reason)
    const limit = query.get('limit') ?? ''
    if (!/^\d{0,9}$/.test(limit)) return refused('limit must be a whole number')
    const { filter } = parsed
    const found = [...context.ledger.entries()].filter((entry) => filter?.(searchText(entry)) ?? true)
    const shown = limit === '' ? found : found.slice(0, Number(limit))
    if (format === 'text') return text(table(shown, context))
    return json({
      open: context.ledger.size,
      opened_total: context.ledger.opened,
      matched: found.length,
      connections: shown.map((entry) => entryJson(entry, context)),
    })
  },
}

export const CLOSE_CONNECTION: Endpoint = {
  path: '/connections/close',
  summary: 'close one open tunnel',
  mutates: true,
  parameters: [{ name: 'id', summary: 'its id in /connections' }],
  handle({ query }, { ledger }) {
    const id = query.get('id') ?? ''
    if (!/^\d{1,15}$/.test(id)) return refused('usage: /connections/close?id=<id>')
    const entry = ledger.get(Number(id))
    if (entry === undefined) return text(`there is no open tunnel ${id}\n`, 404)
    entry.close(closeCause('operator', 'server', 'admin_close', 'by /connections/close'))
    return DONE
  },
}

/** What `filter` looks at, a field a line so that `^` and `$` can be used with `(?m)`. */
const searchText = (entry: TunnelEntry): string =>
  [
    entry.type,
    entry.client,
    entry.listener,
    entry.authority,
    entry.path,
    entry.route,
    entry.cluster,
    entry.endpoint,
  ].join('\n')

function entryJson(entry: TunnelEntry, { clock }: AdminContext): unknown {
  const now = clock.now()
  const queued = entry.queuedBytes()
  return {
    id: entry.id,
    type: entry.type,
    opened: new Date(entry.openedWallMs).toISOString(),
    age_ms: Math.round(now - entry.openedMs),
    idle_ms: Math.max(0, Math.round(now - entry.lastActivityMs())),
    client: entry.client,
    listener: entry.listener,
    method: entry.method,
    authority: entry.authority,
    path: entry.path,
    route: entry.route,
    route_place: entry.routePlace === undefined ? null : placeText(entry.routePlace),
    cluster: entry.cluster,
    endpoint: entry.endpoint,
    hops: { downstream: entry.downstreamProtocol, upstream: entry.upstreamProtocol, note: entry.hopNote },
    request_id: entry.requestId,
    from_client: { ...direction(entry.fromClient()), queued_bytes: queued.toUpstream },
    from_upstream: { ...direction(entry.fromUpstream()), queued_bytes: queued.toClient },
  }
}

const direction = ({ bytes, messages }: ReturnType<TunnelEntry['fromClient']>): object => ({
  bytes,
  messages: messages ?? null,
})

const COLUMNS: readonly (readonly [string, (entry: TunnelEntry, now: number) => string])[] = [
  ['ID', (entry) => String(entry.id)],
  ['TYPE', (entry) => entry.type],
  ['AGE', (entry, now) => durationText(now - entry.openedMs)],
  ['IDLE', (entry, now) => durationText(now - entry.lastActivityMs())],
  ['CLIENT', (entry) => entry.client],
  ['HOPS', (entry) => `${entry.downstreamProtocol} > ${entry.upstreamProtocol}`],
  ['ENDPOINT', (entry) => entry.endpoint],
  ['FROM CLIENT', (entry) => moved(entry.fromClient())],
  ['FROM UPSTREAM', (entry) => moved(entry.fromUpstream())],
  ['QUEUED', (entry) => sizeText(entry.queuedBytes().toClient + entry.queuedBytes().toUpstream)],
  ['TARGET', (entry) => entry.authority + entry.path],
  ['ROUTE', (entry) => entry.route || (entry.routePlace === undefined ? '-' : placeText(entry.routePlace))],
]

const moved = ({ bytes, messages }: ReturnType<TunnelEntry['fromClient']>): string =>
  messages === undefined ? sizeText(bytes) : `${sizeText(bytes)} / ${messages} msg`

/** Longest cell, so that one client's long path does not push everything aside. */
const CELL_WIDTH = 60

function table(entries: readonly TunnelEntry[], { clock, ledger }: AdminContext): string {
  const now = clock.now()
  const rows = [
    COLUMNS.map(([title]) => title),
    ...entries.map((entry) => COLUMNS.map(([, cell]) => shortened(printable(cell(entry, now))))),
  ]
  const widths = COLUMNS.map((_, column) => rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n\n${ledger.size} open, ${ledger.opened} since the start\n`
}

const shortened = (cell: string): string => (cell.length > CELL_WIDTH ? `${cell.slice(0, CELL_WIDTH - 1)}…` : cell)
