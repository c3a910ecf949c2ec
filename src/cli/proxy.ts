// `sluice proxy`: a forward proxy for CONNECT and plain requests that keeps its clients out of private networks.

import { Command, Option } from 'commander'
import { listenAddress, port } from './listen-address.ts'
import { proxyConfig, type ProxyWishes } from './proxy-config.ts'
import { runText, type TextOptions } from './run-text.ts'
import { serverOptions } from './server-options.ts'

const HELP = `
Refused unless an --allow names them: this machine, private and link-local networks, and the proxy's own ports. A name is
judged by the address that it resolves to.

Examples:
  sluice proxy --listen 3128                                then: curl -x http://127.0.0.1:3128 https://example.com
  sluice proxy --listen 3128 --allow 10.1.2.3:22            the public internet, and one host inside
  sluice proxy --listen 3128 --only --allow '*.example.com:443'    nothing else
  sluice proxy --listen 0.0.0.0:3128 --print-config         the Envoy configuration it amounts to`

interface ProxyOptions extends TextOptions, Omit<ProxyWishes, 'onlyAllowed'> {
  readonly only: boolean
}

export function proxyCommand(done: (code: number) => void): Command {
  return serverOptions(new Command('proxy'))
    .description('a CONNECT proxy, ready for use')
    .addOption(
      new Option('--listen <[host:]port>', 'where to accept')
        .argParser(listenAddress)
        .default({ host: '127.0.0.1', port: 3128 }, '127.0.0.1:3128'),
    )
    .addOption(
      new Option('--allow <rule...>', 'host:port, host, *.suffix:port, network/bits[:port]; may be repeated')
        .argParser((rule: string, rules: readonly string[]) => [...rules, rule])
        .default([], 'none'),
    )
    .option('--only', 'refuse everything that no --allow names', false)
    .option('--admin-port <port>', 'admin pages on this port of 127.0.0.1', port)
    .option('--print-config', 'print the configuration and exit', false)
    .addHelpText('after', HELP)
    .action(async ({ only, ...options }: ProxyOptions, command: Command) =>
      done(await runText(proxyConfig({ ...options, onlyAllowed: only }), options, command)),
    )
}
