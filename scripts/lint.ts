// `npm run lint`: all static checks but the type check, each told apart; exits with 1 when any finds a fault.
import { spawnSync } from 'node:child_process'

const bin = (name: string): string => `node_modules/.bin/${name}`

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'oxlint', command: [bin('oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'import ranks', command: [process.execPath, 'scripts/check-imports.ts'] },
  { name: 'paths in documents', command: [process.execPath, 'scripts/check-docs.ts'] },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
]

const failed = checks.filter(({ name, command: [program = '', ...args] }) => {
  console.log(`— ${name}`)
  return spawnSync(program, args, { stdio: 'inherit' }).status !== 0
})

console.log(failed.length === 0 ? 'lint: no faults' : `lint: faults in ${failed.map(({ name }) => name).join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
