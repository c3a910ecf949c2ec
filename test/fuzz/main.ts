// `npm run fuzz`: runs every fuzzer of this folder in turn until the time is up, and prints the seed of a failure.
// A fuzzer is an exported function `fuzz…(runs, seed)` of a file here that throws when something that must hold does not.
// Arguments: --seconds <for all together, 60>, --seed <first seed, random>, --only <part of a function's name>.
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'

type Fuzzer = (runs: number, seed: number) => unknown

const runsPerSeed = 2000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string', default: '' },
  },
})

const fuzzers = await findFuzzers()
const first = Number(values.seed)
const end = performance.now() + Number(values.seconds) * 1000
let seed = first
do {
  for (const [name, fuzz] of fuzzers) await runOnce(name, fuzz, seed)
  seed += 1
} while (performance.now() < end)
const rounds = seed - first
console.log(
  `fuzz: ${fuzzers.size} fuzzers, ${rounds * runsPerSeed} inputs each, seeds ${first} to ${seed - 1}, no failure`,
)

async function findFuzzers(): Promise<ReadonlyMap<string, Fuzzer>> {
  const found = new Map<string, Fuzzer>()
  for (const file of globSync('*.ts', { cwd: import.meta.dirname }).sort()) {
    if (file === 'main.ts' || file.endsWith('.test.ts')) continue
    const module: unknown = await import(`./${file}`)
    for (const [name, value] of Object.entries(Object(module))) {
      if (isFuzzer(name, value) && name.includes(values.only)) found.set(name, value)
    }
  }
  if (found.size === 0) throw new Error(`no fuzzer matches "${values.only}"`)
  return found
}

function isFuzzer(name: string, value: unknown): value is Fuzzer {
  return name.startsWith('fuzz') && typeof value === 'function'
}

async function runOnce(name: string, fuzz: Fuzzer, seed: number): Promise<void> {
  try {
    await fuzz(runsPerSeed, seed)
  } catch (error) {
    console.error(`fuzz: ${name} fails; repeat with: npm run fuzz -- --only ${name} --seed ${seed} --seconds 0`)
    console.error(error)
    process.exit(1)
  }
}
