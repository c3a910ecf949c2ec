// The same results as Markdown, for bench/results/latest.md and the marked section of docs/performance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Machine } from '../machine.ts'
import type { Row } from '../result.ts'
import { twoWorkerPairs } from '../workloads.ts'
import { cell, comparable, figure, number, ratio } from './cells.ts'
import { remarks } from './terminal.ts'

const begin = '<!-- bench:begin (written by npm run bench) -->'
const end = '<!-- bench:end -->'

export interface Run {
  readonly date: string
  readonly machine: Machine
  readonly versions: ReadonlyMap<string, string>
  readonly rounds: number
  readonly seconds: number
  readonly rows: readonly Row[]
}

export function markdown(run: Run): string {
  const names = [...run.versions.keys()]
  const groups = Map.groupBy(run.rows, (row) => row.workload.group)
  return (
    [
      head(run),
      ...[...groups].map(([group, rows]) => `### ${group}\n\n${table(rows, names)}${notes(rows, names)}`),
      twoWorkers(run.rows, names),
      `### Was the proxy the bottleneck?\n\n${bottleneck(run.rows, names)}`,
    ]
      .filter(Boolean)
      .join('\n\n') + '\n'
  )
}

function head({ date, machine, versions, rounds, seconds }: Run): string {
  const list = [...versions].map(([name, version]) => `${name} ${version}`).join(', ')
  return (
    `Measured ${date} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel}, ${machine.system}. ${list}. ` +
    `Medians of ${rounds} interleaved round${rounds === 1 ? '' : 's'} of ${seconds} s. Lower is better.`
  )
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function table(rows: readonly Row[], names: readonly string[]): string {
  return [
    line(['workload', 'unit', ...names, 'Sluice / best of nginx, HAProxy', 'Sluice / best peer']),
    line(['---', '---', ...names.map(() => '--:'), '--:', '--:']),
    ...rows.map((row) =>
      line([
        row.workload.title,
        row.workload.unit,
        ...names.map((name) => cell(row.outcomes.get(name))),
        ratio(row, ['nginx', 'haproxy', 'haproxy-splice']),
        ratio(row, comparable(names)),
      ]),
    ),
  ].join('\n')
}

function notes(rows: readonly Row[], names: readonly string[]): string {
  const found = rows.flatMap((row) => remarks(row, names).map((text) => `* ${row.workload.title}: ${text}`))
  return found.length === 0 ? '' : `\n\n${found.join('\n')}`
}

function twoWorkers(rows: readonly Row[], names: readonly string[]): string {
  const byId = new Map(rows.map((row) => [row.workload.id, row]))
  const lines = [...twoWorkerPairs].flatMap(([two, one]) => {
    const pair = [byId.get(two), byId.get(one)] as const
    if (pair[0] === undefined || pair[1] === undefined) return []
    const [twoRow, oneRow] = [pair[0], pair[1]]
    return [
      line([
        twoRow.workload.title,
        ...names.map((name) => against(figure(twoRow, name)?.value, figure(oneRow, name)?.value)),
      ]),
    ]
  })
  if (lines.length === 0) return ''
  return [
    '### Two workers against one: CPU of two / CPU of one',
    '',
    line(['workload', ...names]),
    line(['---', ...names.map(() => '--:')]),
    ...lines,
  ].join('\n')
}

function against(two: number | undefined, one: number | undefined): string {
  return two === undefined || one === undefined ? '–' : `${(two / one).toFixed(2)}×`
}

/** For each proxy: its share of its core / the generator's share of the other core / what the generator itself needs for a unit. */
function bottleneck(rows: readonly Row[], names: readonly string[]): string {
  const measured = rows.filter((row) => row.workload.load.job !== 'idle')
  return [
    'Each cell: share of a core the proxy used, share the generator (client and origin) used, CPU of the generator for one unit.',
    '',
    line(['workload', ...names]),
    line(['---', ...names.map(() => '--:')]),
    ...measured.map((row) =>
      line([
        row.workload.id,
        ...names.map((name) => {
          const found = figure(row, name)
          return found === undefined
            ? '–'
            : `${percent(found.proxyBusy)} / ${percent(found.loadBusy)} / ${number(found.loadValue)}`
        }),
      ]),
    ),
  ].join('\n')
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Replaces what stands between the markers; makes the file when there is none. */
export function writeIntoDocs(file: string, text: string): void {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : `# Performance\n\n${begin}\n${end}\n`
  const from = old.indexOf(begin)
  const to = old.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} lacks the markers ${begin} and ${end}`)
  writeFileSync(file, `${old.slice(0, from)}${begin}\n\n${text}\n${old.slice(to)}`)
}
