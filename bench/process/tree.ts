// A process and all its descendants, from /proc: workers are where the CPU time is.
import { readdirSync, readFileSync } from 'node:fs'

export function processTree(root: number): number[] {
  const found = [root]
  for (let i = 0; i < found.length; i++) found.push(...childrenOf(found[i] ?? 0))
  return found
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => numbersIn(`/proc/${pid}/task/${thread}/children`))
  } catch {
    return []
  }
}

function numbersIn(path: string): number[] {
  return readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number)
}
