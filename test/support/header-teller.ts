// HAProxy that expects a PROXY header and answers every request with what the header said: the client, the TLV for the
// authority (0x02) and the one for a unique id (0x05).

import { type ForeignServer, freePorts, startForeign } from './foreign-program.ts'

export interface HeaderTeller extends ForeignServer {
  readonly port: number
}

export async function startHeaderTeller(): Promise<HeaderTeller> {
  const { port } = await freePorts('port')
  const said = '%[src] %[dst_port] [%[fc_pp_authority]] [%[fc_pp_unique_id]]'
  const server = await startForeign({
    name: 'haproxy',
    config: () => `
defaults
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  mode http
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "${said}"
`,
    args: (file) => ['-db', '-f', file],
    ports: [port],
  })
  return { port, stop: () => server.stop() }
}

/** A PROXY header of version 2 (proxy-protocol.txt §2.2): 198.51.100.7 to 127.0.0.1:8192, with TLVs. */
export function proxyHeaderV2(tlvs: readonly (readonly [type: number, value: string])[]): Buffer {
  const values = tlvs.flatMap(([type, value]) => [type, 0, value.length, ...Buffer.from(value)])
  const addresses = [198, 51, 100, 7, 127, 0, 0, 1, 0x10, 0, 0x20, 0]
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
  const length = addresses.length + values.length
  return Buffer.concat([signature, Buffer.from([0x21, 0x11, length >> 8, length & 255, ...addresses, ...values])])
}
