// An address that takes no connection and refuses none: a listening socket whose process sleeps and whose queue is full, so
// that the system drops every further SYN.

import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { until, within } from './waiting.ts'

export interface DeafPort {
  stop(): Promise<void>
}

const SLEEPER = `
const server = require('node:net').createServer()
server.listen({ port: Number(process.argv[1]), host: process.argv[2], backlog: 1 }, () => {
  require('node:fs').writeSync(1, 'deaf')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** Connections that fit into the queue of a backlog of 1, and some. */
const MOST = 8
const SETTLED_MS = 300

/** Makes `host:port` deaf. */
export async function startDeafPort(host: string, port: number): Promise<DeafPort> {
  const child = spawn(process.execPath, ['-e', SLEEPER, String(port), host], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await within(new Promise((resolve) => child.stdout.once('data', resolve)), 'the sleeper to listen')
  const fillers: Socket[] = []
  await until(
    async () => {
      const filler = connect(port, host)
      filler.on('error', () => undefined)
      fillers.push(filler)
      const settled = new Promise<true>((resolve) => filler.once('connect', () => resolve(true)))
      const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), SETTLED_MS))
      const connected = await Promise.race([settled, late])
      if (fillers.length > MOST) throw new Error(`${host}:${port} still accepts`)
      return connected ? undefined : true
    },
    { what: 'the queue to be full' },
  )
  return {
    async stop() {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGKILL')
      await exited
    },
  }
}
