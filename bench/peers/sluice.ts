// Sluice itself, from this working copy, configured by an ordinary Envoy bootstrap.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, Peer, Site } from './peer.ts'
import { sluiceBootstrap } from './sluice-bootstrap.ts'

const root = join(import.meta.dirname, '..', '..')
const entry = join(root, 'bin', 'sluice.js')

export const sluice: Peer = { name: 'sluice', version, can: () => true, workersAreProcesses: true, prepare }

function version(): string | undefined {
  if (!existsSync(entry)) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own package.json
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string }
  return `${version ?? 'working copy'} on Node ${process.versions.node}`
}

/** Runs on the Node that runs the benchmark, so that no launcher stands between. */
function prepare(site: Site): Command {
  const file = join(site.directory, 'sluice.yaml')
  writeFileSync(file, sluiceBootstrap(site))
  const concurrency = site.shape.workers > 1 ? ['--concurrency', String(site.shape.workers)] : []
  return { file: process.execPath, args: [entry, 'run', '-c', file, ...concurrency] }
}
