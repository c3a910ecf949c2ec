// A program for a network of its own (`unshare -n`): listens, connects to itself directly and through ports that the system
// redirects, and prints as JSON what the original_dst filter made of each connection. Arguments: the redirected port.

import { connect } from 'node:net'
import { originalDst } from '../../src/listener/filters/original-dst.ts'
import { systemClock } from '../../src/core/clock.ts'
import { closeCause } from '../../src/core/close-cause.ts'
import { originalDestinationLookup } from '../../src/transport/original-destination.ts'
import { listenTcp } from '../../src/transport/tcp.ts'

interface Seen {
  readonly local: string
  readonly directLocal: string | undefined
  readonly originalDestination: string | undefined
}

const [redirected = '9999', own = '10000'] = process.argv.slice(2)
const lookup = originalDestinationLookup()
if (typeof lookup === 'string') throw new Error(lookup)
const filter = originalDst(lookup)
const results: Record<string, Seen> = {}

for (const [host, addresses] of [
  ['127.0.0.1', ['127.0.0.1', '127.0.0.77']],
  ['::1', ['::1']],
] as const) {
  const arrived: ((seen: Seen) => void)[] = []
  const listener = await listenTcp(
    { host: host === '127.0.0.1' ? '0.0.0.0' : host, port: Number(own) },
    {
      onAccept(stream) {
        const facts = { serverName: '', alpn: [], transportProtocol: 'raw_buffer' } as const
        filter.run(stream, { ...facts }, { clock: systemClock, timeoutMs: 0 }, () => {
          const { local, state } = stream.info
          arrived.shift()?.({
            local: local.text,
            directLocal: state?.directLocal?.text,
            originalDestination: state?.originalDestination?.text,
          })
          stream.reset(closeCause('proxy', 'tcp', 'finished'))
        })
      },
      onAcceptError(error) {
        throw error
      },
    },
  )
  for (const address of addresses) {
    for (const port of [own, redirected]) results[`${address} ${port}`] = await visit(address, Number(port), arrived)
  }
  await new Promise<void>((resolve) => listener.close(resolve))
}
console.log(JSON.stringify(results))

async function visit(host: string, port: number, arrived: ((seen: Seen) => void)[]): Promise<Seen> {
  const seen = new Promise<Seen>((resolve) => arrived.push(resolve))
  const socket = connect(port, host)
  socket.on('error', () => undefined)
  const result = await seen
  socket.destroy()
  return result
}
