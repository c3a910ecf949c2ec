// `npm run soak`: the tests that take long, outside the suite. Every tunnel of the matrix carries 1 GiB each way at once, with
// checksums; TUNNEL_MIB changes how much.

import { spawnSync } from 'node:child_process'

const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', '--test-name-pattern=bytes both ways', 'test/scenario/tunnel-matrix.test.ts'],
  { stdio: 'inherit', env: { TUNNEL_MIB: '1024', ...process.env } },
)
process.exitCode = status ?? 1
