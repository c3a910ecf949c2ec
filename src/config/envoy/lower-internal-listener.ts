// Listeners that clusters of this process reach by name. Envoy: Listener.internal_listener, its checks word for word.

import { isMessage } from '@bufbuild/protobuf'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { InternalListenerSchema, type Bootstrap, type Listener } from './messages.ts'

/** Envoy's 1 MiB. */
const BUFFER_KB = 1024

/** Reads the bootstrap extension, and makes the names of internal listeners known. Bytes per direction. */
export function registerInternalListeners(loading: Loading, bootstrap: Bootstrap): number {
  let bufferKb = BUFFER_KB
  for (const extension of bootstrap.bootstrapExtensions) {
    const config = loading.unpack(extension.typedConfig)
    if (!isMessage(config, InternalListenerSchema)) continue
    loading.internalListenersAllowed = true
    bufferKb = config.bufferSizeKb ?? BUFFER_KB
  }
  for (const listener of bootstrap.staticResources?.listeners ?? []) {
    if (listener.listenerSpecifier.case === 'internalListener') loading.internalListeners.add(listener.name)
  }
  return bufferKb * 1024
}

/** A listener with `internal_listener`. */
export function checkInternal(loading: Loading, message: Listener, spot: Spot): void {
  const { name } = message
  if (message.address !== undefined || message.additionalAddresses.length > 0) {
    loading.error(
      spot.field(message.address === undefined ? 'additional_addresses' : 'address'),
      `error adding listener '${name}': address should not be used when an internal listener config is provided`,
      'clusters reach it by envoy_internal_address: {server_listener_name: …}',
    )
  }
  const feature = tcpFeature(message)
  if (feature !== undefined) {
    loading.error(
      spot.field(feature),
      `error adding listener named '${name}': has unsupported tcp listener feature`,
      `leave ${feature} out: there is no socket`,
    )
  }
  if (message.socketOptions.length > 0)
    loading.error(spot.field('socket_options'), `error adding listener named '${name}': does not support socket option`)
  if (!loading.internalListenersAllowed) {
    loading.error(
      spot.field('internal_listener'),
      `error adding listener named '${name}': InternalListener bootstrap extension is mandatory`,
      'bootstrap_extensions: [{name: envoy.bootstrap.internal_listener, typed_config: {"@type": ' +
        `type.googleapis.com/${InternalListenerSchema.typeName}}}]`,
    )
  }
  if (message.apiListener !== undefined)
    loading.error(
      spot.field('api_listener'),
      `error adding listener named '${name}': api_listener and internal_listener cannot be both set`,
    )
  if (name === '')
    loading.warning(spot, 'an internal listener without a name is never reached', 'clusters know it by its name')
}

/** The first field that only a socket could have. */
function tcpFeature(message: Listener): string | undefined {
  if (message.connectionBalanceConfig?.balanceType.case === 'exactBalance') return 'connection_balance_config'
  if (message.enableMptcp) return 'enable_mptcp'
  if (message.enableReusePort !== undefined) return 'enable_reuse_port'
  if (message.freebind === true) return 'freebind'
  if (message.tcpBacklogSize !== undefined) return 'tcp_backlog_size'
  if (message.tcpFastOpenQueueLength !== undefined) return 'tcp_fast_open_queue_length'
  return message.transparent === true ? 'transparent' : undefined
}

/** A listener with an address, which must be one that can be bound. */
export function checkNotInternal(loading: Loading, message: Listener, spot: Spot): void {
  const additional = message.additionalAddresses.findIndex(
    ({ address }) => address?.address.case === 'envoyInternalAddress',
  )
  if (message.address?.address.case !== 'envoyInternalAddress' && additional < 0) return
  loading.error(
    additional < 0 ? spot.field('address') : spot.field('additional_addresses').at(additional).field('address'),
    `error adding listener named '${message.name}': use internal_listener field instead of address for internal listeners`,
    'internal_listener: {}',
  )
}
