// HAProxy: one thread. In three variants: HTTP mode (the comparison), HTTP mode with splice, and TCP mode, which looks at nothing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from '../workload.ts'
import type { Command, Peer, Site } from './peer.ts'
import { versionOf } from './version.ts'

type Variant = 'http' | 'splice' | 'tcp'

export const haproxy: Peer = variant('haproxy', 'http')
export const haproxySplice: Peer = variant('haproxy-splice', 'splice')
export const haproxyTcp: Peer = variant('haproxy-tcp', 'tcp')

function variant(name: string, kind: Variant): Peer {
  return {
    name,
    version: () => versionOf('haproxy', ['-v']),
    can: (workload) => can(workload, kind),
    prepare: (site) => prepare(site, kind),
  }
}

function can({ shape }: Workload, kind: Variant): boolean {
  return kind !== 'tcp' || (shape.downstream === shape.upstream && !shape.chain)
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
  const upstream = shape.upstream === 'http2' && kind !== 'tcp' ? 'proto h2' : ''
  return `
global
  maxconn ${maximumConnections}
  nbthread ${shape.workers}
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode ${kind === 'tcp' ? 'tcp' : 'http'}
  maxconn ${maximumConnections}
  backlog 4096
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-keep-alive 1h
  ${kind === 'tcp' ? '' : 'http-reuse always'}
  ${kind === 'splice' ? 'option splice-auto' : ''}
frontend downstream
  bind 127.0.0.1:${listenPort} ${tls}
  default_backend upstream
backend upstream
  server origin 127.0.0.1:${originPort} ${upstream}
`
}
