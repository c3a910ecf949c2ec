// The TCP port that a server of Node listens on.

import type { AddressInfo } from 'node:net'

/** Fails when the server does not listen on TCP. */
export function listeningPort(server: { address(): AddressInfo | string | null }): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen on TCP')
  return address.port
}
