// `sluice ws://localhost:3000`: no file, one upstream, ready in a second.

import { Command, InvalidArgumentError, Option } from 'commander'
import { withoutAddresses } from './address-errors.ts'
import { type Listen, listenAddress, port } from './listen-address.ts'
import { runText, type TextOptions } from './run-text.ts'
import { serverOptions } from './server-options.ts'
import { upstreamConfig } from './upstream-config.ts'

const HELP = `
Examples:
  sluice ws://localhost:3000                     WebSockets and requests on port 8080 go to port 3000
  sluice wss://app.example.com --listen 9000     the same, encrypted to the upstream
  sluice h2c://127.0.0.1:8081                    HTTP/2 without TLS to the upstream
  sluice ws://localhost:3000 --print-config      the Envoy configuration it amounts to`

interface UpstreamOptions extends TextOptions {
  readonly listen: Listen
  readonly adminPort: number | undefined
}

export function upstreamCommand(done: (code: number) => void): Command {
  return withoutAddresses(serverOptions(new Command('upstream')))
    .description('put one upstream behind a port, without a configuration file')
    .argument('<url>', 'ws://, wss://, http://, https:// or h2c:// address', upstreamUrl)
    .addOption(
      new Option('--listen <[host:]port>', 'where to accept')
        .argParser(listenAddress)
        .default({ host: '127.0.0.1', port: 8080 }, '127.0.0.1:8080'),
    )
    .option('--admin-port <port>', 'admin pages on this port of 127.0.0.1', port)
    .option('--print-config', 'print the configuration and exit', false)
    .addHelpText('after', HELP)
    .action(async (url: URL, options: UpstreamOptions, command: Command) =>
      done(await runText(upstreamConfig(url, options.listen, options.adminPort), options, command)),
    )
}

function upstreamUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || url.hostname === '')
    throw new InvalidArgumentError('expected an address such as ws://localhost:3000.')
  if (!['ws:', 'wss:', 'http:', 'https:', 'h2c:'].includes(url.protocol))
    throw new InvalidArgumentError('expected ws, wss, http, https or h2c.')
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('credentials in the address are not supported.')
  return url
}
