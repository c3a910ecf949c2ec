// `sluice proxy` and `sluice tunnel` as programs: started on a free port, and stopped with the proof that they end in order.

import assert from 'node:assert/strict'
import { freePorts } from './foreign-program.ts'
import { type RunningProgram, runSluice } from './proxy-process.ts'
import { until } from './waiting.ts'

export interface RunningCommand {
  readonly port: number
  readonly program: RunningProgram
  stop(): Promise<void>
}

/** Starts `sluice <command> --listen <port> …` and waits until it listens. */
export async function startCommand(
  command: 'proxy' | 'tunnel',
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCommand> {
  const { port } = await freePorts('port')
  const program = runSluice([command, '--listen', String(port), '--drain-time-s', '0', ...flags], env)
  await until(
    () => {
      if (program.ended !== undefined) throw new Error(`sluice ended with ${program.ended}:\n${program.output()}`)
      return program.output().includes('listening on') ? true : undefined
    },
    { what: `sluice ${command} to listen`, ms: 30_000, detail: program.output },
  )
  return {
    port,
    program,
    async stop() {
      program.child.kill('SIGTERM')
      assert.equal(await program.exited, 0, program.output())
      assert.doesNotMatch(program.output(), /Error:|\n {4}at /)
    },
  }
}
