// Hides the values of query parameters whose names tell that they are secrets, for logs that outlive the secret. The names
// are those that Azure Application Gateway for Containers hides.

const SECRET_NAMES: ReadonlySet<string> = new Set([
  'secret',
  'password',
  'pwd',
  'passwd',
  'key',
  'token',
  'pat',
  'accesskey',
  'accesstoken',
  'credential',
  'sas',
  'personalaccesstoken',
  'personal.access.token',
])

const REDACTED = '<redacted>'

/** `/chat?token=abc&x=1` → `/chat?token=<redacted>&x=1`. Names are compared decoded and in any case. */
export function redactQuery(uri: string): string {
  const mark = uri.indexOf('?')
  if (mark < 0) return uri
  // Some applications part parameters with a semicolon: what might be a secret to them is one here.
  const query = uri
    .slice(mark + 1)
    .replace(/([^&;=]+)=([^&;#]*)/g, (pair, name: string) =>
      SECRET_NAMES.has(plainName(name)) ? `${name}=${REDACTED}` : pair,
    )
  return uri.slice(0, mark + 1) + query
}

/** Form decoding; a name that is not well encoded is compared as it stands. */
function plainName(name: string): string {
  const text = name.replaceAll('+', ' ')
  try {
    return decodeURIComponent(text).trim().toLowerCase()
  } catch {
    return text.trim().toLowerCase()
  }
}
