// HAProxy: one thread. HTTP mode for HTTP rows, TCP mode for TCP rows, and TCP mode with splice as a peer of its own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from '../workload.ts'
import type { Command, Peer, Site } from './peer.ts'
import { versionOf } from './version.ts'

type Variant = 'copy' | 'splice'

export const haproxy: Peer = variant('haproxy', 'copy')
export const haproxySplice: Peer = variant('haproxy-splice', 'splice')

function variant(name: string, kind: Variant): Peer {
  return {
    name,
    version: () => versionOf('haproxy', ['-v']),
    can: ({ shape }: Workload) => kind === 'copy' || shape.tcp !== undefined,
    prepare: (site) => prepare(site, kind),
  }
}

function prepare(site: Site, kind: Variant): Command {
  const file = join(site.directory, 'haproxy.cfg')
  writeFileSync(file, configuration(site, kind))
  return { file: 'haproxy', args: ['-db', '-f', file] }
}

function configuration({ listenPort, originPort, shape, certificate, maximumFiles }: Site, kind: Variant): string {
  // A connection takes two descriptors; splicing adds a pipe for every fourth.
  const maximumConnections = Math.floor((maximumFiles - 100) / (kind === 'splice' ? 2.6 : 2))
  const alpn = shape.downstream === 'http2' ? 'h2' : 'http/1.1'
  const tls = shape.tls ? `ssl crt ${certificate.combined} alpn ${alpn}` : ''
  const tcp = shape.tcp !== undefined
  const upstream = shape.upstream === 'http2' && !tcp ? 'proto h2' : ''
  return `
global
  maxconn ${maximumConnections}
  nbthread ${shape.workers}
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode ${tcp ? 'tcp' : 'http'}
  maxconn ${maximumConnections}
  backlog 4096
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-keep-alive 1h
  ${tcp ? '' : 'http-reuse always'}
  ${kind === 'splice' ? 'option splice-auto' : ''}
frontend downstream
  bind 127.0.0.1:${listenPort} ${tls}
  default_backend upstream
backend upstream
  server origin 127.0.0.1:${originPort} ${upstream}
`
}
