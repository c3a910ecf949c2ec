// Resident memory of processes, from /proc.
import { readFileSync } from 'node:fs'

/** Sum of VmRSS in KiB. */
export function residentKib(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
    0,
  )
}
