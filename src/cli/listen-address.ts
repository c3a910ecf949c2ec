// `--listen [host:]port` and ports of the command line.

import { InvalidArgumentError } from 'commander'

export interface Listen {
  readonly host: string
  readonly port: number
}

/** `8080`, `127.0.0.1:8080` or `[::1]:8080`; 127.0.0.1 unless said. */
export function listenAddress(text: string): Listen {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:]+):)?(\d{1,5})$/i.exec(text)
  if (match === null) throw new InvalidArgumentError('expected a port, or host:port.')
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: port(match[2] ?? '') }
}

/** 0 = any free one. */
export function port(text: string): number {
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number > 65535) throw new InvalidArgumentError('expected a port from 0 to 65535.')
  return number
}
