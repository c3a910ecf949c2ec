// Asks a program for its version.
import { spawnSync } from 'node:child_process'

/** The first version-like word the program prints, or undefined when it cannot be run. */
export function versionOf(file: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (error !== undefined) return undefined
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? 'unknown version'
}
