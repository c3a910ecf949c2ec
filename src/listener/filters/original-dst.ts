// Gives a connection that the system redirected here the address its client wanted, as its local address. Envoy:
// original_dst. One that was not redirected stays as it is.

import { isIP } from 'node:net'
import { tcpAddress } from '../../transport/address.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import { ConnectionState } from '../../transport/connection-state.ts'
import type { OriginalDestinationLookup } from '../../transport/original-destination.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import type { ListenerFilterRuntime } from '../listener-filter.ts'

export const originalDst = (lookup: OriginalDestinationLookup): ListenerFilterRuntime => ({
  run(stream, _facts, _limits, done) {
    const destination = lookup.of(stream) ?? handedOver(stream)
    if (destination !== undefined && destination.text !== stream.info.local.text) restore(stream, destination)
    done({ kind: 'passed' })
  },
})

function restore(stream: ReplayableStream, destination: StreamAddress): void {
  const state = stream.info.state ?? new ConnectionState()
  state.directLocal ??= stream.info.local
  state.originalDestination = destination
  stream.amend({ local: destination, state })
}

/** Envoy's key by which a connection to an internal listener, which no packet filter redirects, carries its destination. */
const STATE_KEY = 'envoy.filters.listener.original_dst.local_ip'

function handedOver(stream: ReplayableStream): StreamAddress | undefined {
  const text = stream.info.state?.filterState.get(STATE_KEY)
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text ?? '') ?? []
  const ip = bracketed ?? plain ?? ''
  return isIP(ip) === 0 || Number(port) > 65_535 ? undefined : tcpAddress(ip, Number(port))
}
