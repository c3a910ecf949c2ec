import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { Ledger, type TunnelEnd, type TunnelEntry } from '../../../../src/observe/ledger/ledger.ts'
import { liveLine } from '../../../../src/observe/ledger/live-line.ts'
import { durationText, sizeText } from '../../../../src/observe/ledger/quantity.ts'
import { tunnelEntry } from '../../../support/tunnel-entry.ts'

function lines(entry: TunnelEntry, end: TunnelEnd, options: { color?: boolean; clockTime?: boolean } = {}): string[] {
  const written: string[] = []
  const ledger = new Ledger()
  const stop = ledger.listen(
    liveLine({
      write: (line) => written.push(line),
      color: options.color ?? false,
      clockTime: options.clockTime ?? false,
    }),
  )
  ledger.open(entry)
  ledger.close(entry, end)
  ledger.close(entry, end)
  stop()
  ledger.open(entry)
  return written
}

const END: TunnelEnd = {
  cause: closeCause('client', 'websocket', 'finished'),
  durationMs: 8100,
  closeCode: 1001,
  closeReason: 'going away',
  closeFrameBy: 'client',
}

test('one line when it opens and one when it ends, who and why in the second', () => {
  assert.deepEqual(lines(tunnelEntry(), END), [
    'open   #12   websocket  127.0.0.1:51234 → 127.0.0.1:3000  HTTP/1.1 → HTTP/2 (extended CONNECT)  echo.example/chat [chat sluice.yaml:14]',
    'close  #12   websocket  by client: Close 1001 "going away" from client [finished]  after 8.1 s  ' +
      '↑ 1.2 KiB in 3 messages  ↓ 4.5 KiB in 1 message  HTTP/1.1 → HTTP/2  echo.example/chat [chat sluice.yaml:14]',
  ])
})

test('an end without a Close frame says what happened instead', () => {
  const end = {
    ...END,
    cause: closeCause('upstream', 'tcp', 'upstream_closed', 'ECONNRESET'),
    closeCode: undefined,
    closeReason: '',
    closeFrameBy: undefined,
  }
  const entry = tunnelEntry({ fromClient: () => ({ bytes: 12, messages: undefined }) })
  const [, close = ''] = lines(entry, end)
  assert.match(close, /by upstream: The upstream closed the connection in mid-stream: ECONNRESET \[upstream_closed\]/)
  assert.match(close, /↑ 12 B  ↓/)
})

test('what a client sent cannot forge a line or move the cursor', () => {
  const entry = tunnelEntry({ path: '/x\n\x1b[2Jopen   #1', authority: 'a\rb' })
  const written = lines(entry, { ...END, closeReason: 'bye\nclose  #1' })
  for (const line of written) assert.doesNotMatch(line, /[\x00-\x1f]/)
})

test('colour only when asked for', () => {
  const [open = ''] = lines(tunnelEntry(), END, { color: true })
  assert.match(open, /^\x1b\[32mopen /)
})

test('the time of day begins the line when asked for', () => {
  const [open = '', close = ''] = lines(tunnelEntry(), END, { clockTime: true })
  assert.match(open, /^\d\d:\d\d:\d\d open/)
  assert.match(close, /^\d\d:\d\d:\d\d close/)
})

test('durations and sizes as people read them', () => {
  const durations = [-5, 0, 999.4, 1000, 59_940, 60_000, 200_000, 3_600_000, 7_500_000, 356_400_000]
  // prettier-ignore
  assert.deepEqual(durations.map(durationText), [
    '0 ms', '0 ms', '999 ms', '1.0 s', '59.9 s', '1 min', '3 min 20 s', '1 h', '2 h 5 min', '4 d 3 h',
  ])
  // prettier-ignore
  assert.deepEqual([0, 1023, 1024, 1536, 16 * 1024 ** 2, 5.25 * 1024 ** 3].map(sizeText), [
    '0 B', '1023 B', '1 KiB', '1.5 KiB', '16 MiB', '5.3 GiB',
  ])
})
