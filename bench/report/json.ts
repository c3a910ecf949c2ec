// Results as JSON, with every round, for tools and for comparing runs.
import { writeFileSync } from 'node:fs'
import type { Run } from './markdown.ts'

export function writeJson(file: string, run: Run): void {
  const rows = run.rows.map(({ workload, outcomes }) => ({ ...workload, outcomes: Object.fromEntries(outcomes) }))
  writeFileSync(file, `${JSON.stringify({ ...run, versions: Object.fromEntries(run.versions), rows }, null, 2)}\n`)
}
