// What a server selects of what its client offered (RFC 6455 §4.1, steps 5 and 6 on the response): a client must fail a
// connection for which something else was chosen, so a proxy that vouches for the handshake does not accept it either.

/** What is read of a head. */
interface Fields {
  values(name: string): string[]
}

/** What `answer` selects that `request` did not offer, for people; undefined when all is well. */
export function unofferedSelection(request: Fields, answer: Fields): string | undefined {
  const protocols = answer.values('sec-websocket-protocol')
  if (protocols.length > 1) return 'more than one subprotocol'
  const offered = tokens(request.values('sec-websocket-protocol'))
  if (protocols.some((protocol) => !offered.includes(protocol))) return 'a subprotocol that was not offered'
  const extensions = tokens(request.values('sec-websocket-extensions')).map(nameOf)
  const chosen = tokens(answer.values('sec-websocket-extensions')).map(nameOf)
  return chosen.some((name) => !extensions.includes(name)) ? 'an extension that was not offered' : undefined
}

const tokens = (values: readonly string[]): string[] =>
  values.flatMap((value) => value.split(',').map((part) => part.trim())).filter((part) => part !== '')

/** An extension without its parameters. */
const nameOf = (extension: string): string => (extension.split(';', 1)[0] ?? '').trim()
