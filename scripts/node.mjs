// `node scripts/node.mjs <file> [arguments]` runs a script of this repository on a Node that reads TypeScript, also
// when the Node on the PATH is older than that. Every npm script that runs our own code starts here.
import { resolve } from 'node:path'
import { runWithNewEnoughNode } from '../bin/runtime.js'

const [file, ...args] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node scripts/node.mjs <file> [arguments]\n')
  process.exit(2)
}
await runWithNewEnoughNode(resolve(file), args)
