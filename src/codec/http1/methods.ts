// The methods of the IANA registry, and what is special about a few of them (RFC 9110 §9).

const REGISTERED = new Set([
  'ACL',
  'BASELINE-CONTROL',
  'BIND',
  'CHECKIN',
  'CHECKOUT',
  'CONNECT',
  'COPY',
  'DELETE',
  'GET',
  'HEAD',
  'LABEL',
  'LINK',
  'LOCK',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MKREDIRECTREF',
  'MKWORKSPACE',
  'MOVE',
  'OPTIONS',
  'ORDERPATCH',
  'PATCH',
  'POST',
  'PROPFIND',
  'PROPPATCH',
  'PUT',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'TRACE',
  'UNBIND',
  'UNCHECKOUT',
  'UNLINK',
  'UNLOCK',
  'UPDATE',
  'UPDATEREDIRECTREF',
  'VERSION-CONTROL',
])

/** Whether `method` is registered; case counts. */
export const isRegisteredMethod = (method: string): boolean => method === 'GET' || REGISTERED.has(method)

/** Whether a request with `method` and no content says so with `Content-Length: 0` (RFC 9110 §8.6). */
export const anticipatesContent = (method: string): boolean =>
  method === 'POST' || method === 'PUT' || method === 'PATCH'
