// Makes the listener filters of a listener.

import type { Listener, ListenerFilter } from '../config/model/listener.ts'
import { httpInspector } from '../listener/filters/http-inspector.ts'
import { originalDst } from '../listener/filters/original-dst.ts'
import { proxyProtocol } from '../listener/filters/proxy-protocol.ts'
import { tlsInspector } from '../listener/filters/tls-inspector.ts'
import type { ListenerFilterRuntime } from '../listener/listener-filter.ts'
import { originalDestinationLookup } from '../transport/original-destination.ts'
import type { ServerServices } from './services.ts'
import { StartError } from './start-error.ts'

/** Throws a StartError when this system cannot do what the filter is for. */
export function buildListenerFilter(
  filter: ListenerFilter,
  listener: Listener,
  { registry }: ServerServices,
): ListenerFilterRuntime {
  switch (filter.kind) {
    case 'tls-inspector':
      return tlsInspector
    case 'http-inspector':
      return httpInspector(registry)
    case 'proxy-protocol':
      return proxyProtocol(filter.config, registry)
    case 'original-dst': {
      const lookup = originalDestinationLookup()
      if (typeof lookup !== 'string') return originalDst(lookup)
      throw new StartError(listener.place, `listener filter original_dst cannot work here: ${lookup}`)
    }
  }
}
