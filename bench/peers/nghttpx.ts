// nghttpx: one worker. It speaks HTTP/1.1 and HTTP/2 on both sides, with extended CONNECT on both.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from '../workload.ts'
import type { Command, Peer, Site } from './peer.ts'
import { versionOf } from './version.ts'

export const nghttpx: Peer = {
  name: 'nghttpx',
  version: () => versionOf('nghttpx', ['--version']),
  can,
  prepare,
}

/**
 * Over HTTP/2 towards the origin it forgets to end a tunnel's stream when the tunnel closed, until the origin's limit of
 * streams is reached; in a chain, its resets run into its own limit against rapid resets.
 */
function can({ shape, load }: Workload): boolean {
  if (shape.tcp !== undefined) return false
  if (load.job !== 'setup') return true
  return !shape.chain && !(shape.downstream === 'http2' && shape.upstream === 'http2')
}

const timeouts = [
  'frontend-http2-read-timeout',
  'frontend-read-timeout',
  'frontend-write-timeout',
  'frontend-keep-alive-timeout',
  'stream-read-timeout',
  'stream-write-timeout',
  'backend-read-timeout',
  'backend-write-timeout',
  'backend-keep-alive-timeout',
]

function prepare(site: Site): Command {
  const file = join(site.directory, 'nghttpx.conf')
  writeFileSync(file, configuration(site))
  const tls = site.shape.tls ? [site.certificate.key, site.certificate.certificate] : []
  return { file: 'nghttpx', args: [`--conf=${file}`, ...tls] }
}

function configuration({ directory, listenPort, originPort, shape }: Site): string {
  return [
    `frontend=127.0.0.1,${listenPort}${shape.tls ? '' : ';no-tls'}`,
    `backend=127.0.0.1,${originPort};;proto=${shape.upstream === 'http2' ? 'h2' : 'http/1.1'}`,
    `workers=${shape.workers}`,
    `errorlog-file=${join(directory, 'error.log')}`,
    `pid-file=${join(directory, 'nghttpx.pid')}`,
    'log-level=ERROR',
    'no-ocsp=yes',
    ...timeouts.map((name) => `${name}=1h`),
    '',
  ].join('\n')
}
