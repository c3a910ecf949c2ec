// An open tunnel of the ledger, for tests of what shows it.

import type { TunnelEntry } from '../../src/observe/ledger/ledger.ts'
import { START_WALL_MS } from './exchange-facts.ts'

export const tunnelEntry = (changes: Partial<TunnelEntry> = {}): TunnelEntry => ({
  denseIndex: -1,
  id: 12,
  type: 'websocket',
  openedWallMs: START_WALL_MS,
  openedMs: 1000,
  client: '127.0.0.1:51234',
  listener: 'ingress',
  method: 'GET',
  authority: 'echo.example',
  path: '/chat',
  route: 'chat',
  routePlace: { file: 'sluice.yaml', line: 14, column: 9, path: 'static_resources' },
  cluster: 'app',
  endpoint: '127.0.0.1:3000',
  downstreamProtocol: 'HTTP/1.1',
  upstreamProtocol: 'HTTP/2',
  hopNote: 'extended CONNECT',
  requestId: 'deadbeef-1111-4222-8333-444455556666',
  fromClient: () => ({ bytes: 1229, messages: 3 }),
  fromUpstream: () => ({ bytes: 4608, messages: 1 }),
  lastActivityMs: () => 8000,
  queuedBytes: () => ({ toClient: 2048, toUpstream: 0 }),
  close: () => undefined,
  ...changes,
})
