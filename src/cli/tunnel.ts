// `sluice tunnel`: a local port that leads through an HTTP proxy to one target.

import { Command, InvalidArgumentError, Option } from 'commander'
import { withoutAddresses } from './address-errors.ts'
import { listenAddress, port } from './listen-address.ts'
import { runText, type TextOptions } from './run-text.ts'
import { serverOptions } from './server-options.ts'
import { type ProxyAddress, tunnelConfig, type TunnelWishes } from './tunnel-config.ts'

const HELP = `
A user without a password takes it from SLUICE_PROXY_PASSWORD, so that it does not stand in the list of processes.

Examples:
  sluice tunnel --listen 10000 --via http://proxy:3128 --to host.example:22       then: ssh -p 10000 localhost
  sluice tunnel --listen 10000 --via https://user@proxy --to host.example:443     TLS and a password to the proxy
  sluice tunnel --listen 10000 --via http://10.0.0.1:10001 --to db:5432 --http2   all connections share one
  sluice tunnel --listen 10000 --via http://proxy:3128 --to host:22 --print-config`

interface TunnelOptions extends TextOptions, TunnelWishes {}

export function tunnelCommand(done: (code: number) => void): Command {
  return withoutAddresses(serverOptions(new Command('tunnel')))
    .description('carry a port through an HTTP proxy to one target')
    .addOption(new Option('--listen <[host:]port>', 'where to accept').argParser(listenAddress).makeOptionMandatory())
    .addOption(
      new Option('--via <url>', 'the proxy: http[s]://[user[:password]@]host[:port]')
        .argParser(proxyAddress)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--to <host:port>', 'what the proxy is asked to connect to').argParser(target).makeOptionMandatory(),
    )
    .option('--post', 'send the bytes as the body of a POST instead of a CONNECT', false)
    .option('--http2', 'speak HTTP/2 to the proxy: all connections share one', false)
    .option('--admin-port <port>', 'admin pages on this port of 127.0.0.1', port)
    .option('--print-config', 'print the configuration, with the password, and exit', false)
    .addHelpText('after', HELP)
    .action(async (options: TunnelOptions, command: Command) =>
      done(await runText(tunnelConfig(options), options, command)),
    )
}

function proxyAddress(text: string): ProxyAddress {
  const url = URL.parse(text)
  if (url === null || url.hostname === '' || !['http:', 'https:'].includes(url.protocol))
    throw new InvalidArgumentError('expected http://proxy:3128 or https://proxy.')
  if (url.pathname !== '/' || url.search !== '') throw new InvalidArgumentError('a proxy has no path.')
  const secure = url.protocol === 'https:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    credentials: credentials(url),
  }
}

function credentials({ username, password }: URL): string | undefined {
  if (username === '') return undefined
  const user = decoded(username)
  if (user.includes(':')) throw new InvalidArgumentError('a user name cannot contain a colon (RFC 7617).')
  if (password !== '') return `${user}:${decoded(password)}`
  const secret = process.env['SLUICE_PROXY_PASSWORD']
  if (secret === undefined)
    throw new InvalidArgumentError('the user has no password: write user:password@, or set SLUICE_PROXY_PASSWORD.')
  return `${user}:${secret}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new InvalidArgumentError('user and password are percent-encoded: write a percent sign as %25.')
  }
}

/** A name, an IPv4 address or `[IPv6]`, and a port. */
function target(text: string): string {
  const match = /^(?:\[[0-9a-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/i.exec(text)
  const number = Number(match?.[1])
  if (match === null || number < 1 || number > 65535)
    throw new InvalidArgumentError('expected host:port, such as host.example:22 or [::1]:22.')
  return text
}
