// The messages of grpc.health.v1.Health/Check as bytes: HealthCheckRequest {string service = 1}, HealthCheckResponse {enum
// status = 1}, each behind gRPC's five bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message").

const PREFIX_BYTES = 5

/** What a server says of a service. */
export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'

const STATUSES: readonly ServingStatus[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** The request's body. */
export function checkRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** The one message of a response's body; undefined when it is none, compressed, or more than one. */
export function checkResponse(body: Buffer): ServingStatus | undefined {
  if (body.length < PREFIX_BYTES || body[0] !== 0) return undefined
  if (body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return undefined
  return statusOf(body.subarray(PREFIX_BYTES))
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return bytes
}

/** The last value of field 1 counts, unknown fields are passed over (Protocol Buffers encoding). */
function statusOf(message: Buffer): ServingStatus | undefined {
  const reader = { message, at: 0 }
  let status = 0
  while (reader.at < message.length) {
    const key = readVarint(reader)
    if (key === undefined) return undefined
    const value = readValue(reader, key % 8)
    if (value === undefined) return undefined
    if (key === 8) status = value
  }
  return STATUSES[status] ?? 'UNKNOWN'
}

interface Reader {
  readonly message: Buffer
  at: number
}

/** Reads a value of a wire type; of a varint its number, of others 0. */
function readValue(reader: Reader, wireType: number): number | undefined {
  if (wireType === 0) return readVarint(reader)
  const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? readVarint(reader) : undefined
  if (length === undefined || length > reader.message.length - reader.at) return undefined
  reader.at += length
  return 0
}

function readVarint(reader: Reader): number | undefined {
  let value = 0
  for (let factor = 1; reader.at < reader.message.length && factor <= 2 ** 63; factor *= 128) {
    const byte = reader.message[reader.at++] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
  }
  return undefined
}
