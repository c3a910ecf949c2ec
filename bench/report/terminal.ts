// The table in the terminal, row by row while the benchmark runs.
import type { Row } from '../result.ts'
import { cell, comparable, figure, ratio } from './cells.ts'

const labelWidth = 58

export class TerminalReport {
  readonly #names: readonly string[]
  readonly #started = Date.now()
  #group = ''

  constructor(names: readonly string[]) {
    this.#names = names
  }

  head(): void {
    this.#print(['CPU of the proxy', ...this.#names, '/ nginx,haproxy', '/ best peer'])
  }

  /** A line that the next one overwrites; only where somebody watches. */
  progress(text: string): void {
    if (!process.stderr.isTTY) return
    const seconds = Math.round((Date.now() - this.#started) / 1000)
    process.stderr.write(`\r\x1b[K${seconds}s ${text}`)
  }

  row(row: Row): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    if (row.workload.group !== this.#group) process.stdout.write(`\n${row.workload.group}\n`)
    this.#group = row.workload.group
    const { id, title, unit } = row.workload
    const label = `${`${id}: ${title}`.slice(0, labelWidth - 12)} (${unit})`
    this.#print([
      label,
      ...this.#names.map((name) => cell(row.outcomes.get(name))),
      ratio(row, ['nginx', 'haproxy', 'haproxy-splice']),
      ratio(row, comparable(this.#names)),
    ])
    for (const line of remarks(row, this.#names)) process.stdout.write(`    ${line}\n`)
  }

  #print([label = '', ...cells]: readonly string[]): void {
    process.stdout.write(`${label.padEnd(labelWidth)}${cells.map((text) => text.padStart(16)).join('')}\n`)
  }
}

/** Latencies, memory bases, and why a figure is missing. */
export function remarks(row: Row, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const outcome = row.outcomes.get(name)
    const found = figure(row, name)
    if (outcome?.kind === 'wrong' || outcome?.kind === 'not available')
      return [`${name}: ${outcome.kind}: ${outcome.reason}`]
    if (found?.p50Us !== undefined && found.p99Us !== undefined)
      return [`${name}: latency p50 ${found.p50Us.toFixed(0)} µs, p99 ${found.p99Us.toFixed(0)} µs`]
    return found?.note === undefined ? [] : [`${name}: ${found.note}`]
  })
}
