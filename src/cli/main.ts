// The `sluice` command: finds out what is asked and hands over. One file per command beside this one.

import { Command, CommanderError } from 'commander'
import { convertCommand } from './convert.ts'
import { demoCommand } from './demo.ts'
import { EXIT } from './exit-codes.ts'
import { proxyCommand } from './proxy.ts'
import { runCommand } from './run.ts'
import { statusCommand } from './status.ts'
import { tunnelCommand } from './tunnel.ts'
import { upstreamCommand } from './upstream-url.ts'
import { validateCommand } from './validate.ts'
import { version } from '../proxy/version.ts'

const HELP = `
Examples:
  sluice -c envoy.yaml                       run an Envoy configuration
  sluice -c easegress.yaml                   run Easegress objects
  sluice -c manifests/                       run Kubernetes Gateway API manifests
  sluice status -c manifests/                what a controller would write into their status
  sluice convert -c easegress.yaml           the same as Envoy YAML
  sluice validate -c envoy.yaml              check it, all faults at once
  sluice ws://localhost:3000 --listen 8080   put one WebSocket server behind port 8080
  sluice tunnel --listen 10000 --via http://proxy:3128 --to host:22
                                             carry a port through an HTTP proxy
  sluice proxy --listen 3128                 be a CONNECT proxy
  sluice demo                                see WebSockets cross two proxies

Exit codes: 0 ok, 1 configuration refused, 2 wrong usage.`

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok
  const done = (code: number): void => {
    exitCode = code
  }
  const program = new Command('sluice')
    .description('The proxy for connections that last: WebSocket, CONNECT and TCP tunnels over HTTP/1.1 and HTTP/2.')
    .version(version(), '-V, --version')
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
  for (const make of [
    runCommand,
    validateCommand,
    upstreamCommand,
    tunnelCommand,
    proxyCommand,
    statusCommand,
    convertCommand,
    demoCommand,
  ]) {
    const command = make(done).exitOverride()
    program.addCommand(command)
  }
  try {
    await program.parseAsync(explicit(args), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.stderr.write(usageHint(error, args))
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
  return exitCode
}

/** `-c FILE` means `run -c FILE`, and an address, before or after the flags, means `upstream ADDRESS`. */
function explicit(args: readonly string[]): string[] {
  const [first] = args
  if (first === undefined || ['-h', '--help', '-V', '--version', 'help'].includes(first)) return [...args]
  if (first.startsWith('-')) return [args.some(isAddress) ? 'upstream' : 'run', ...args]
  if (isAddress(first)) return ['upstream', ...args]
  return [...args]
}

const isAddress = (word: string): boolean => /^(?:ws|wss|http|https|h2c):\/\//.test(word)

/** What was probably meant, where commander cannot know it. */
function usageHint(error: CommanderError, args: readonly string[]): string {
  const [first = '', second = ''] = args
  if (error.code === 'commander.unknownOption' && args.includes('--config'))
    return '(Did you mean -c, or --config-path?)\n'
  if (error.code === 'commander.excessArguments' && second !== '')
    return `(A file is named with -c: sluice ${first} -c ${second})\n`
  if (error.code !== 'commander.unknownCommand') return ''
  if (/\.(?:ya?ml|json)$/i.test(first)) return `(A file is named with -c: sluice -c ${first})\n`
  if (/^[^/]+:\d+/.test(first)) return `(An address needs its scheme: sluice ws://${first})\n`
  return first.includes(':/') ? '(An address starts with ws://, wss://, http://, https:// or h2c://)\n' : ''
}

// `sluice --help | head`: a reader that has seen enough is no fault.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit()
  throw error
})

/** What a stopped program gives peers that do not answer its last bytes, ms. */
const EXIT_GRACE_MS = 500

process.exitCode = await main(process.argv.slice(2))
// Whatever still holds the loop by then is a peer that went silent; nobody waits for it.
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref()
