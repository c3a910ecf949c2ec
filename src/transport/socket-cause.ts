// Turns what the operating system says of a socket into a cause: which side, and a sentence.

import { getSystemErrorName } from 'node:util'
import { type CloseCause, type ClosedBy, closeCause } from '../core/close-cause.ts'

/** Who is at the other end of a stream. */
export type PeerSide = 'client' | 'upstream'

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'the peer closed while bytes were being sent',
  ETIMEDOUT: 'the peer stopped answering (transport timeout)',
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOENT: 'the socket file does not exist',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'the local address cannot be used, or no local port is free',
  EMFILE: 'too many open files',
  EINVAL: 'invalid address',
}

/** `connection refused (ECONNREFUSED)`. `errno` is negative, as libuv reports it. */
export function errnoText(errno: number): string {
  const name = errnoName(errno)
  const sentence = SENTENCES[name]
  return sentence === undefined ? name : `${sentence} (${name})`
}

/** The name of a negative errno; `EUNKNOWN` for a number that has none. */
export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(errno)
  } catch {
    return 'EUNKNOWN'
  }
}

/**
 * Whether a failed write says that the peer had sent its FIN before it reset the connection. Linux says so by EPIPE in place
 * of ECONNRESET, and only then the end that is read afterwards is one: after ECONNRESET it would be the reset, once told.
 */
export function endedBeforeReset(errno: number): boolean {
  return process.platform === 'linux' && errnoName(errno) === 'EPIPE'
}

/** The cause of an established stream that failed with `errno`. */
export function socketFailure(peer: PeerSide, errno: number): CloseCause {
  return closeCause(peer, 'tcp', peer === 'client' ? 'client_disconnect' : 'upstream_closed', errnoText(errno))
}

/** The cause of an orderly end both ways. */
export function finished(by: ClosedBy): CloseCause {
  return closeCause(by, 'tcp', 'finished')
}

/** The cause of a dial that failed with `errno`. */
export function dialFailure(errno: number, to: string): CloseCause {
  return closeCause('upstream', 'tcp', 'upstream_connection_failure', `${to}: ${errnoText(errno)}`)
}
