// Forward proxies of others, as companies run them: squid and tinyproxy over HTTP/1.1, and nghttpx in front of one over
// HTTP/2.

import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Leaf } from './certificates.ts'
import { type ForeignServer, freePorts, startForeign } from './foreign-program.ts'

export interface ForwardProxy extends ForeignServer {
  readonly port: number
}

/** What a proxy asks of its users. */
export interface Login {
  readonly user: string
  readonly password: string
}

/** squid: CONNECT to any port, with Basic authentication when `login` is given. */
export async function startSquid(login?: Login): Promise<ForwardProxy> {
  const { port } = await freePorts('port')
  const server = await startForeign({
    name: 'squid',
    config: (folder) => squidConfig(folder, port, login),
    args: (file) => ['-N', '-f', file],
    ports: [port],
  })
  return { port, stop: () => server.stop() }
}

function squidConfig(folder: string, port: number, login: Login | undefined): string {
  // squid leaves root and then writes here.
  chmodSync(folder, 0o777)
  const basic = '/usr/lib/squid/basic_ncsa_auth'
  if (login !== undefined) writeFileSync(join(folder, 'users'), `${login.user}:${hash(login.password)}\n`)
  return `
http_port 127.0.0.1:${port}
pid_filename ${folder}/squid.pid
cache_log ${folder}/cache.log
access_log none
cache deny all
shutdown_lifetime 0 seconds
visible_hostname squid.test
${login === undefined ? 'http_access allow all' : `auth_param basic program ${basic} ${folder}/users\nacl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all`}
`
}

const hash = (password: string): string =>
  spawnSync('openssl', ['passwd', '-apr1', password], { encoding: 'utf8' }).stdout.trim()

/** tinyproxy: CONNECT to any port. */
export async function startTinyproxy(login?: Login): Promise<ForwardProxy> {
  const { port } = await freePorts('port')
  const server = await startForeign({
    name: 'tinyproxy',
    config: () =>
      `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\n${login === undefined ? '' : `BasicAuth ${login.user} ${login.password}\n`}`,
    args: (file) => ['-d', '-c', file],
    ports: [port],
  })
  return { port, stop: () => server.stop() }
}

/** nghttpx as a forward proxy: HTTP/2 in the clear from its clients, HTTP/1.1 to the proxy on `behind`. */
export async function startNghttpx(behind: number): Promise<ForwardProxy> {
  const { port } = await freePorts('port')
  const server = await startForeign({
    name: 'nghttpx',
    config: (folder) =>
      [
        `frontend=127.0.0.1,${port};no-tls`,
        `backend=127.0.0.1,${behind}`,
        'http2-proxy=yes',
        'workers=1',
        `errorlog-file=${folder}/error.log`,
        `pid-file=${folder}/nghttpx.pid`,
        'no-ocsp=yes',
        '',
      ].join('\n'),
    args: (file) => [`--conf=${file}`],
    ports: [port],
  })
  return { port, stop: () => server.stop() }
}

/**
 * HAProxy: CONNECT passed on to the HTTP/1.1 proxy on `behind`. From its clients HTTP/2 in the clear, or with a certificate
 * either version by ALPN.
 */
export async function startHaproxyConnect(behind: number, leaf?: Leaf): Promise<ForwardProxy> {
  const { port } = await freePorts('port')
  const server = await startForeign({
    name: 'haproxy',
    config: (folder) => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend in
  bind 127.0.0.1:${port} ${leaf === undefined ? 'proto h2' : `ssl crt ${combined(folder, leaf)} alpn h2,http/1.1`}
  default_backend out
backend out
  server next 127.0.0.1:${behind}
`,
    args: (file) => ['-db', '-f', file],
    ports: [port],
  })
  return { port, stop: () => server.stop() }
}

/** Certificate and key in one file, as HAProxy wants them. */
function combined(folder: string, { certificate, key }: Leaf): string {
  const file = join(folder, 'certificate.pem')
  writeFileSync(file, `${certificate}\n${key}`)
  return file
}
