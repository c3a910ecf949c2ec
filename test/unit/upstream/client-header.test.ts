// PROXY headers that connections begin with, as HAProxy, nginx and a plain socket read them; alone, before TLS, through a proxy.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ProxyProtocolSend } from '../../../src/config/model/proxy-protocol.ts'
import { authority } from '../../support/certificates.ts'
import { freePorts, startForeign } from '../../support/foreign-program.ts'
import { startSquid } from '../../support/forward-proxies.ts'
import { nothingLeft } from '../../support/leaks.ts'
import { startTcpTarget } from '../../support/tcp-target.ts'
import { needs } from '../../support/tools.ts'
import { until } from '../../support/waiting.ts'
import { NEED, client, clusterOn, connected, proxyOn, rig, tlsTrusting } from './build.ts'

after(nothingLeft)

const V1: ProxyProtocolSend = { version: 'v1', passThrough: 'none', added: [] }
const V2: ProxyProtocolSend = { version: 'v2', passThrough: 'none', added: [] }
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'
const tlv = (type: number, text: string) => ({ type, value: Buffer.from(text) })

/** What a target gets before it says anything. */
async function firstBytes(
  config: Parameters<typeof rig>[0],
  port: Awaited<ReturnType<typeof startTcpTarget>>,
  origin = client(),
) {
  const { upstream, stop } = rig(config)
  const open = await connected(upstream, { ...NEED, downstream: origin })
  const peer = await port.next()
  let seen = Buffer.alloc(0)
  peer.resume().on('data', (chunk: Buffer) => (seen = Buffer.concat([seen, chunk])))
  open.stream.writeLatin1('then this')
  await until(() => (seen.includes('then this') ? true : undefined), { what: 'the bytes' })
  await open.close()
  stop()
  return seen
}

/** TLVs of a version 2 header for IPv4. */
function tlvsOf(header: Buffer): string[] {
  const found: string[] = []
  const end = 16 + header.readUInt16BE(14)
  for (let at = 28; at < end;) {
    const length = header.readUInt16BE(at + 1)
    found.push(`${header.readUInt8(at)}=${header.toString('latin1', at + 3, at + 3 + length)}`)
    at += 3 + length
  }
  return found
}

describe('the PROXY header of a connection', () => {
  it('names the client, in either version', async () => {
    const target = await startTcpTarget()
    const one = await firstBytes(clusterOn(target.port, { proxyProtocol: V1 }), target)
    assert.equal(one.toString('latin1'), 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\nthen this')
    const two = await firstBytes(clusterOn(target.port, { proxyProtocol: V2 }), target)
    assert.equal(two.toString('latin1', 0, 12), SIGNATURE)
    assert.deepEqual(
      [...two.subarray(12, 28)],
      [0x21, 0x11, 0, 12, 192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0x01, 0xbb],
    )
    assert.equal(two.toString('latin1', 28), 'then this')
    await target.stop()
  })

  it('says LOCAL when there is no client', async () => {
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port, { proxyProtocol: V2 }))
    const open = await connected(upstream)
    const peer = await target.next()
    const [chunk] = await new Promise<[Buffer]>((resolve) =>
      peer.resume().on('data', (bytes: Buffer) => resolve([bytes])),
    )
    assert.equal(chunk[12], 0x20)
    await open.close()
    stop()
    await target.stop()
  })

  it('has the TLVs of the endpoint before those of the cluster before those that are passed on', async () => {
    const target = await startTcpTarget()
    const template = { source: '%DOWNSTREAM_REMOTE_PORT%', parts: [operator('DOWNSTREAM_REMOTE_PORT')] }
    const send: ProxyProtocolSend = {
      version: 'v2',
      passThrough: [0xe0, 0xe1, 0xe3],
      added: [tlv(0xe0, 'cluster'), tlv(0xe1, 'cluster'), { type: 0xe5, value: template }],
    }
    const origin = client()
    if (origin.info.state !== undefined)
      origin.info.state.tlvs = [tlv(0xe0, 'client'), tlv(0xe3, 'client'), tlv(0xe4, 'not passed')]
    const config = clusterOn(target.port, { proxyProtocol: send }, { proxyTlvs: [tlv(0xe0, 'endpoint')] })
    const seen = await firstBytes(config, target, origin)
    assert.deepEqual(tlvsOf(seen), ['224=endpoint', '225=cluster', '229=4711', '227=client'])
    const merged = { ...origin, tlvs: [tlv(0xe3, 'tcp_proxy')] }
    assert.deepEqual(tlvsOf(await firstBytes(config, target, merged)).at(-1), '227=tcp_proxy')
    await target.stop()
  })

  it('can be asked for by the owner, whatever the cluster says', async () => {
    const target = await startTcpTarget()
    const seen = await firstBytes(clusterOn(target.port), target, client({ proxyProtocol: V1 }))
    assert.match(seen.toString('latin1'), /^PROXY TCP4 192\.0\.2\.7 /)
    await target.stop()
  })

  it('comes before TLS, as HAProxy wants it', needs('haproxy'), async () => {
    const ca = await authority()
    const leaf = await ca.issue({ name: 'behind', dns: ['origin.test'] })
    const { port } = await freePorts('port')
    const haproxy = await startForeign({
      name: 'haproxy',
      config: (folder) => {
        // HAProxy wants the certificate and its key in one file.
        const pem = join(folder, 'both.pem')
        writeFileSync(pem, `${leaf.certificate}\n${leaf.key}`)
        return `
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend in
  bind 127.0.0.1:${port} accept-proxy ssl crt ${pem}
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[fc_pp_authority]"
`
      },
      args: (file) => ['-db', '-f', file],
      ports: [port],
    })
    const send: ProxyProtocolSend = { ...V2, added: [tlv(0x02, 'told.test')] }
    const tls = tlsTrusting(ca.certificate, { sni: 'origin.test' })
    const { upstream, stop } = rig(clusterOn(port, { proxyProtocol: send, tls }))
    const open = await connected(upstream, { ...NEED, downstream: client() })
    await open.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n', '192.0.2.7:4711 told.test')
    await open.close()
    stop()
    await haproxy.stop()
  })

  it('is read by nginx, also through squid', needs('nginx', 'squid'), async () => {
    const { port } = await freePorts('port')
    const squid = await startSquid()
    const nginx = await startForeign({
      name: 'nginx',
      config: (folder) => `
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder};
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }
  }
}
`,
      args: (file, folder) => ['-p', folder, '-e', `${folder}/error.log`, '-c', file],
      ports: [port],
    })
    for (const [proxyProtocol, httpProxy] of [
      [V1, undefined],
      [V2, undefined],
      [V2, proxyOn(squid.port)],
    ] as const) {
      const { upstream, stop } = rig(clusterOn(port, { proxyProtocol, httpProxy }))
      const open = await connected(upstream, { ...NEED, downstream: client() })
      await open.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n', '192.0.2.7:4711')
      await open.close()
      stop()
    }
    await nginx.stop()
    await squid.stop()
  })
})

function operator(name: string) {
  return { kind: 'operator', name, argument: '', maxLength: undefined } as const
}
