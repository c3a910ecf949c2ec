// `sluice demo`: an application, a sidecar and a front in one process, with a line for every WebSocket that passes.

import { Command, InvalidArgumentError } from 'commander'
import { frontConfig, sidecarConfig } from '../demo/config.ts'
import { startEchoApp } from '../demo/echo-app.ts'
import { visit } from '../demo/visitors.ts'
import { liveLine } from '../observe/ledger/live-line.ts'
import { ApplicationLog } from '../observe/log.ts'
import { EXIT } from './exit-codes.ts'
import { loadText, printDiagnostics } from '../proxy/load-config.ts'
import { Proxy } from '../proxy/proxy.ts'

const HELP = `
Examples:
  sluice demo                          then open the page it names
  sluice demo --port 0 --admin-port 0  on free ports
  sluice demo --once                   show the three visits and exit`

interface DemoOptions {
  readonly port: number
  readonly adminPort: number
  readonly once: boolean
}

export function demoCommand(done: (code: number) => void): Command {
  return new Command('demo')
    .description('see WebSockets cross two proxies: HTTP/1.1 → HTTP/2 → HTTP/1.1')
    .option('--port <port>', 'port of the front', port, 8080)
    .option('--admin-port <port>', 'port of the admin pages', port, 9901)
    .option('--once', 'exit after the visits', false)
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(async (options: DemoOptions) => done(await demo(options)))
}

async function demo(options: DemoOptions): Promise<number> {
  const app = await startEchoApp()
  const sidecar = await launch(sidecarConfig(app.port), 'sidecar')
  const sidecarPort = sidecar?.server.addresses('sidecar')[0]?.port ?? 0
  const front = await launch(frontConfig({ front: options.port, admin: options.adminPort }, sidecarPort), 'front  ')
  if (front === undefined || sidecar === undefined) {
    await front?.stop()
    await sidecar?.stop()
    await app.stop()
    process.stderr.write('sluice: the demo needs its ports; choose others with --port and --admin-port\n')
    return EXIT.refused
  }
  const frontPort = front.server.addresses('front')[0]?.port ?? 0
  intro(frontPort, front.adminAddress ?? '')
  await visit(frontPort)
  await tunnelsGone(front, sidecar)
  if (options.once) {
    await front.stop()
  } else {
    process.stdout.write(
      `\nThree visits are over. Open http://127.0.0.1:${frontPort}/ and watch yours. Ctrl-C ends the demo.\n\n`,
    )
    await front.ended(0)
  }
  await sidecar.stop()
  await app.stop()
  return EXIT.ok
}

/** The last visitor vanished without a word: its tunnel ends when the proxies have seen that. */
async function tunnelsGone(...proxies: readonly Proxy[]): Promise<void> {
  for (let looks = 0; looks < 50 && proxies.some(({ services }) => services.ledger.size > 0); looks++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function launch(yaml: string, name: string): Promise<Proxy | undefined> {
  const loaded = await loadText(yaml, name.trim())
  printDiagnostics(loaded)
  if (loaded.config === undefined) return undefined
  const running = new Proxy(loaded.config, new ApplicationLog({ level: 'warning' }), { mode: 'Demo' })
  try {
    await running.start()
  } catch (error) {
    process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
    await running.stop()
    return undefined
  }
  const color = process.stdout.isTTY
  running.services.ledger.listen(
    liveLine({ write: (line) => process.stdout.write(`${name} ${line}\n`), color, clockTime: true }),
  )
  return running
}

function intro(frontPort: number, admin: string): void {
  process.stdout.write(`Sluice demo: WebSockets over two hops, all in this process

  client ── HTTP/1.1 ──▶ front :${frontPort} ── HTTP/2 ──▶ sidecar ── HTTP/1.1 ──▶ app

  page   http://127.0.0.1:${frontPort}/
  admin  http://${admin}/            every open tunnel: http://${admin}/connections

`)
}

function port(text: string): number {
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number > 65535) throw new InvalidArgumentError('expected a port from 0 to 65535.')
  return number
}
