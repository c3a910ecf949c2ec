// Identities of live things, unique within one process, printed in logs, the ledger and admin pages.

import type { Brand } from './brand.ts'

/** One accepted or dialled transport connection. */
export type ConnectionId = Brand<number, 'ConnectionId'>
/** One HTTP request and what became of it. */
export type StreamId = Brand<number, 'StreamId'>

let lastConnection = 0
let lastStream = 0

/** The next connection id; starts at 1. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place that makes this brand
export const nextConnectionId = (): ConnectionId => ++lastConnection as ConnectionId
/** The next stream id; starts at 1. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place that makes this brand
export const nextStreamId = (): StreamId => ++lastStream as StreamId
