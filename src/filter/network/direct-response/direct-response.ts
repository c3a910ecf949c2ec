// Sends every client the same bytes and closes. Envoy: extensions.filters.network.direct_response.

import { closeCause } from '../../../core/close-cause.ts'
import type { DirectResponseFilter } from '../../../config/model/network-filter.ts'
import type { ServedConnection, TerminalNetworkFilter } from '../../network-filter.ts'

const CAUSE = closeCause('proxy', 'tcp', 'direct_response', 'the filter chain answers by itself')

export const directResponse = ({ response }: DirectResponseFilter): TerminalNetworkFilter => ({
  serve({ stream }, onClosed) {
    const connection: ServedConnection = {
      denseIndex: -1,
      // It is over as soon as the client has read: nothing to wait for.
      drain: () => undefined,
      close: (cause) => stream.reset(cause),
    }
    stream.setSink({
      // What the client says is not listened to.
      onData: () => undefined,
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => onClosed(connection),
    })
    stream.write(response, 0, response.length)
    stream.close(CAUSE)
    return connection
  },
})
