// The states of a stream (RFC 9113 §5.1) that Sluice can see. Push is off, so nothing is ever reserved; an idle stream has
// no object.
//
//                        HEADERS sent or received
//                 (idle) ────────────────────────► open
//                                                 │    │
//                             END_STREAM received │    │ END_STREAM sent
//                                                 ▼    ▼
//                                  halfClosedRemote    halfClosedLocal
//                                                 │    │
//                                 END_STREAM sent │    │ END_STREAM received
//                                                 ▼    ▼
//                   RST_STREAM either way ───────► closed

export type StreamState = 'open' | 'halfClosedLocal' | 'halfClosedRemote' | 'closed'

/** The state after this side sent END_STREAM. */
export function afterLocalEnd(state: StreamState): StreamState {
  switch (state) {
    case 'open':
      return 'halfClosedLocal'
    case 'halfClosedRemote':
      return 'closed'
    case 'halfClosedLocal':
    case 'closed':
      return state
  }
}

/** The state after the peer sent END_STREAM. */
export function afterRemoteEnd(state: StreamState): StreamState {
  switch (state) {
    case 'open':
      return 'halfClosedRemote'
    case 'halfClosedLocal':
      return 'closed'
    case 'halfClosedRemote':
    case 'closed':
      return state
  }
}

/** Whether the peer may still send a message on it. */
export const remoteOpen = (state: StreamState): boolean => state === 'open' || state === 'halfClosedLocal'
/** Whether this side may still send a message on it. */
export const localOpen = (state: StreamState): boolean => state === 'open' || state === 'halfClosedRemote'
