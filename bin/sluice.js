#!/usr/bin/env node
// The `sluice` command. In a clone it runs the TypeScript sources; in the published package, the built files.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runWithNewEnoughNode } from './runtime.js'

const source = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const built = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

await runWithNewEnoughNode(existsSync(source) ? source : built, process.argv.slice(2))
