// WebSocket close codes, RFC 6455 §7.4 and the IANA registry "WebSocket Close Code Number Registry".

const NAMES: ReadonlyMap<number, string> = new Map([
  [1000, 'Normal Closure'],
  [1001, 'Going Away'],
  [1002, 'Protocol error'],
  [1003, 'Unsupported Data'],
  [1004, 'Reserved'],
  [1005, 'No Status Rcvd'],
  [1006, 'Abnormal Closure'],
  [1007, 'Invalid frame payload data'],
  [1008, 'Policy Violation'],
  [1009, 'Message Too Big'],
  [1010, 'Mandatory Ext.'],
  [1011, 'Internal Error'],
  [1012, 'Service Restart'],
  [1013, 'Try Again Later'],
  [1014, 'Bad Gateway'],
  [1015, 'TLS handshake'],
  [3000, 'Unauthorized'],
  [3003, 'Forbidden'],
  [3008, 'Timeout'],
])

/** The registered name of a close code, or the kind of its range; '' for a number outside all ranges. */
export function closeCodeName(code: number): string {
  const name = NAMES.get(code)
  if (name !== undefined) return name
  if (code >= 1000 && code <= 2999) return 'Unassigned'
  if (code >= 3000 && code <= 3999) return 'Registered by a library or framework'
  if (code >= 4000 && code <= 4999) return 'Private use'
  return ''
}

/**
 * Whether a Close frame may carry `code`: 1004–1006 and 1015 never go on the wire, nor does anything under 1000, from
 * 1016 to 2999, or over 4999 (RFC 6455 §7.4.1–7.4.2).
 */
export function isSendableCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006)
}
