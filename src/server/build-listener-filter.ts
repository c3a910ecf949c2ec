// Makes the listener filters of a listener.

import type { ListenerFilter } from '../config/model/listener.ts'
import { tlsInspector } from '../listener/filters/tls-inspector.ts'
import type { ListenerFilterRuntime } from '../listener/listener-filter.ts'
import type { ServerServices } from './services.ts'

export function buildListenerFilter(filter: ListenerFilter, _services: ServerServices): ListenerFilterRuntime {
  switch (filter.kind) {
    case 'tls-inspector':
      return tlsInspector
    case 'http-inspector':
    case 'original-dst':
    case 'proxy-protocol':
      throw new Error(`listener filter ${filter.kind} is not built yet`)
  }
}
