// The last touches on a response head before the client sees it: hop headers, Server, Date, Via, route mutations.

import { connectionHas } from '../codec/upgrade-translation.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { ResponseHead } from '../codec/http-stream.ts'
import { evaluate } from '../format/evaluate.ts'
import { applyMutations, withMember } from '../route/header-mutations.ts'
import { httpDate } from './http-date.ts'
import type { Exchange } from './exchange.ts'

/** Edits `head` in place. */
export function finaliseResponse(head: ResponseHead, exchange: Exchange): void {
  const { config } = exchange.runtime
  const { headers } = head
  // envoy.md §2.4: a response to something that was no upgrade must not carry the fields of one; neither may a refusal.
  // Only 426 must name what to upgrade to (RFC 9110 §15.5.22).
  if (!exchange.facts.tunnelled && head.status !== 426 && headers.has('upgrade')) removeUpgrade(headers)
  serverHeader(headers, config.serverHeader, config.serverName)
  if (!headers.has('date')) headers.add('date', httpDate(exchange.runtime.clock.wallNow()))
  if (config.via !== '') headers.add('via', `1.1 ${config.via}`)
  if (config.alwaysSetRequestIdInResponse) {
    const id = exchange.head.headers.get('x-request-id')
    if (id !== undefined) headers.set('x-request-id', id)
  }
  mutate(headers, exchange)
}

function mutate(headers: HeaderList, { selected, weighted, facts }: Exchange): void {
  if (selected === undefined) return
  const { responseMutations: levels, table } = selected
  const all =
    weighted === undefined ? levels : withMember(levels, weighted.mutations.response, table.mostSpecificMutationsWin)
  if (all.length > 0) applyMutations(headers, all, (template) => evaluate(template, facts))
}

function serverHeader(
  headers: HeaderList,
  mode: 'overwrite' | 'append-if-absent' | 'pass-through',
  name: string,
): void {
  if (mode === 'pass-through' || (mode === 'append-if-absent' && headers.has('server'))) return
  headers.set('server', name)
}

function removeUpgrade(headers: HeaderList): void {
  headers.remove('upgrade')
  if (connectionHas(headers, 'upgrade')) headers.remove('connection')
}
