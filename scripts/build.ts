// `npm run build`: the JavaScript and type declarations of the published package, in dist/. gen/ needs no building; the
// package ships it as it is and finds it through `imports` in package.json.
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
run('compile', 'node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'])
if (!readdirSync('dist').includes('index.js')) {
  console.error('build: dist/index.js is missing; src/index.ts must exist')
  process.exit(1)
}
run('check the package', 'node_modules/.bin/publint', ['--strict'])

function run(step: string, program: string, args: readonly string[]): void {
  console.log(`build: ${step}`)
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
