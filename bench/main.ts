// npm run bench: CPU of Sluice for each unit of work beside nginx, HAProxy and nghttpx in the same run. See bench/README.md.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { Fleet } from './fleet.ts'
import { type Flags, readFlags, usage } from './flags.ts'
import { compileGenerator } from './generator.ts'
import { interleave } from './interleave.ts'
import { describeMachine, raiseFileLimit } from './machine.ts'
import { memory } from './memory.ts'
import { peersNamed } from './peers/all.ts'
import type { Peer } from './peers/peer.ts'
import { endWithChildren } from './process/children.ts'
import { writeJson } from './report/json.ts'
import { type Run, markdown, writeIntoDocs } from './report/markdown.ts'
import { TerminalReport } from './report/terminal.ts'
import type { Row } from './result.ts'
import type { Workload } from './workload.ts'
import { workloads } from './workloads.ts'

const flags = readFlags(process.argv.slice(2))
if (flags === 'help') console.log(usage)
else if (flags.list) for (const { id, group, title } of workloads) console.log(`${id.padEnd(16)} ${group}: ${title}`)
else await bench(flags)

async function bench(flags: Flags): Promise<void> {
  const chosen = choose(flags.only)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  endWithChildren(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  execFileSync('taskset', ['-cp', flags.loadCore, String(process.pid)], { stdio: 'ignore' })
  compileGenerator()
  const versions = installed(peersNamed(flags.peers))
  const maximumFiles = raiseFileLimit()
  const fleet = new Fleet({ directory, maximumFiles, certificate: makeCertificate(directory), ...flags })
  const rows = await runAll(chosen, [...versions.keys()], fleet, flags, maximumFiles)
  await fleet.stop()
  report(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      versions: new Map([...versions].map(([peer, version]) => [peer.name, version])),
      rounds: flags.rounds,
      seconds: flags.seconds,
      rows,
    },
    flags,
  )
}

function choose(only: readonly string[]): Workload[] {
  const chosen = workloads.filter(({ id }) => only.length === 0 || only.some((start) => id.startsWith(start)))
  if (chosen.length === 0) throw new Error(`no workload begins with ${only.join(' or ')}; --list shows them all`)
  return chosen
}

function installed(peers: readonly Peer[]): Map<Peer, string> {
  const found = new Map<Peer, string>()
  for (const peer of peers) {
    const version = peer.version()
    if (version === undefined) console.error(`${peer.name} is not available here and is left out`)
    else found.set(peer, version)
  }
  if (found.size === 0) throw new Error('no proxy to measure')
  return found
}

async function runAll(
  chosen: readonly Workload[],
  peers: readonly Peer[],
  fleet: Fleet,
  flags: Flags,
  maximumFiles: number,
): Promise<Row[]> {
  const terminal = new TerminalReport(peers.map(({ name }) => name))
  const rows: Row[] = []
  terminal.head()
  for (const [index, workload] of chosen.entries()) {
    const progress = (text: string): void => {
      terminal.progress(`[${index + 1}/${chosen.length}] ${workload.id} ${text}`)
    }
    const outcomes =
      workload.load.job === 'idle'
        ? await memory(workload, peers, fleet, flags, maximumFiles, progress)
        : await interleave(workload, peers, fleet, flags, progress)
    const row = { workload, outcomes }
    terminal.row(row)
    rows.push(row)
  }
  return rows
}

/** A wrong answer anywhere makes the benchmark fail, after everything else was measured. */
function report(run: Run, flags: Flags): void {
  const results = join(import.meta.dirname, 'results')
  const json = flags.json ?? join(results, 'latest.json')
  const table = join(results, 'latest.md')
  const text = markdown(run)
  const docs = join(import.meta.dirname, '..', 'docs', 'performance.md')
  mkdirSync(results, { recursive: true })
  writeJson(json, run)
  writeFileSync(table, text)
  if (flags.docs) writeIntoDocs(docs, text)
  console.log(`\nwritten: ${json}, ${table}${flags.docs ? `, ${docs}` : ''}`)
  const wrong = run.rows.flatMap(({ workload, outcomes }) =>
    [...outcomes].filter(([, { kind }]) => kind === 'wrong').map(([name]) => `${name} in ${workload.id}`),
  )
  if (wrong.length === 0) return
  console.error(`answered wrongly: ${wrong.join(', ')}`)
  process.exitCode = 1
}
