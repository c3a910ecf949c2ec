// What a check of a configuration comes to, for `validate` and `--mode validate`.

import { isSound, type LoadedConfig } from '../proxy/load-config.ts'
import { EXIT } from './exit-codes.ts'

/** Says OK when everything is; answers the exit code. */
export function verdict(loaded: LoadedConfig, paths: readonly string[]): number {
  if (!isSound(loaded)) return EXIT.refused
  process.stdout.write(`configuration '${paths.join("', '")}' OK\n`)
  return EXIT.ok
}
