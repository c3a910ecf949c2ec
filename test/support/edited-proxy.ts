// A running proxy in this process whose configuration says what no dialect of the test's can: it is loaded as Envoy's, and then
// the model is changed.

import type { ProxyConfig } from '../../src/config/model/proxy.ts'
import type { ForwardAction } from '../../src/config/model/route.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ApplicationLog } from '../../src/observe/log.ts'
import { loadText } from '../../src/proxy/load-config.ts'
import { Proxy } from '../../src/proxy/proxy.ts'
import { type YamlMap, yamlText } from './envoy-config.ts'

export interface EditedProxy {
  readonly proxy: Proxy
  port(listener: string): number
  stop(): Promise<void>
}

/** Starts `bootstrap` as `edit` makes it. */
export async function startEdited(
  bootstrap: YamlMap,
  edit: (config: ProxyConfig) => ProxyConfig = (config) => config,
): Promise<EditedProxy> {
  const loaded = await loadText(yamlText(bootstrap), 'edited.yaml')
  if (loaded.config === undefined) throw new Error(loaded.diagnostics.map(({ message }) => message).join('\n'))
  const proxy = new Proxy(edit(loaded.config), new ApplicationLog({ level: 'off' }), {
    started_ms: systemClock.wallNow(),
  })
  await proxy.start()
  return {
    proxy,
    port: (listener) => Number(/:(\d+)$/.exec(proxy.addresses(listener)[0] ?? '')?.[1]),
    stop: () => proxy.stop(),
  }
}

/** Changes the action of every forwarding route, known by its path prefix. */
export function editActions(
  config: ProxyConfig,
  change: (prefix: string, action: ForwardAction) => ForwardAction,
): ProxyConfig {
  const listeners = config.listeners.map((listener) => ({
    ...listener,
    chains: listener.chains.map((chain) => {
      const { filter } = chain
      if (filter?.kind !== 'http-connection-manager') return chain
      const virtualHosts = filter.routes.virtualHosts.map((host) => ({
        ...host,
        routes: host.routes.map((route) => {
          const { path } = route.match
          const prefix = path.kind === 'prefix' ? path.value : ''
          return route.action.kind === 'forward' ? { ...route, action: change(prefix, route.action) } : route
        }),
      }))
      return { ...chain, filter: { ...filter, routes: { ...filter.routes, virtualHosts } } }
    }),
  }))
  return { ...config, listeners }
}
