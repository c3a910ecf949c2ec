// The command line of the benchmark.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export interface Flags {
  /** Workload ids or beginnings of ids; empty means all. */
  readonly only: readonly string[]
  readonly peers: readonly string[]
  readonly rounds: number
  /** Length of one measurement. */
  readonly seconds: number
  /** Load before the first and before every later measurement of a workload on a proxy. */
  readonly firstWarmSeconds: number
  readonly warmSeconds: number
  readonly quick: boolean
  readonly docs: boolean
  readonly list: boolean
  readonly json: string | undefined
  readonly proxyCores: string
  readonly loadCore: string
  readonly twoWorkerCores: string
}

export const usage = `npm run bench -- [options]

  --only a,b       workloads by id or beginning of id (echo,handshake); --list shows them
  --peers a,b      proxies to run: sluice,nginx,haproxy,haproxy-splice,nghttpx (default)
  --rounds N       interleaved rounds, the median counts (3)
  --seconds S      length of one measurement (1.2)
  --quick          one short round of everything, for orientation
  --docs           write the table into docs/performance.md (default for a full run)
  --no-docs        do not
  --json FILE      where results go (bench/results/latest.json)
  --proxy-core N   core of the proxy (0)       --load-core N   core of client and origin (1)
  --list           print the workloads and end`

export function readFlags(args: string[]): Flags | 'help' {
  const { values: given } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      docs: { type: 'boolean' },
      'no-docs': { type: 'boolean', default: false },
      json: { type: 'string' },
      'proxy-core': { type: 'string', default: '0' },
      'load-core': { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (given.help) return 'help'
  const full = !given.quick && given.only === undefined && given.peers === undefined
  return {
    only: given.only?.split(',') ?? [],
    peers: given.peers?.split(',') ?? ['sluice', 'nginx', 'haproxy', 'haproxy-splice', 'nghttpx'],
    rounds: positive('--rounds', given.rounds, given.quick ? 1 : 3),
    seconds: positive('--seconds', given.seconds, given.quick ? 0.4 : 1.2),
    firstWarmSeconds: given.quick ? 0.4 : 1,
    warmSeconds: 0.3,
    quick: given.quick,
    docs: !given['no-docs'] && (given.docs ?? full),
    list: given.list,
    json: given.json,
    proxyCores: given['proxy-core'],
    loadCore: given['load-core'],
    twoWorkerCores: `${given['proxy-core']},${availableParallelism() > 2 ? 2 : given['load-core']}`,
  }
}

function positive(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!(value > 0)) throw new Error(`${name} wants a number above 0, not "${text}"`)
  return value
}
