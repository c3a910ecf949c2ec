// The gRPC status of a response, for GRPC_STATUS and the access-log filter of that name.

import type { StreamFacts } from './stream-facts.ts'

/** Names by number, in the two styles that GRPC_STATUS knows. */
const NAMES: readonly (readonly [camel: string, snake: string])[] = [
  ['OK', 'OK'],
  ['Canceled', 'CANCELLED'],
  ['Unknown', 'UNKNOWN'],
  ['InvalidArgument', 'INVALID_ARGUMENT'],
  ['DeadlineExceeded', 'DEADLINE_EXCEEDED'],
  ['NotFound', 'NOT_FOUND'],
  ['AlreadyExists', 'ALREADY_EXISTS'],
  ['PermissionDenied', 'PERMISSION_DENIED'],
  ['ResourceExhausted', 'RESOURCE_EXHAUSTED'],
  ['FailedPrecondition', 'FAILED_PRECONDITION'],
  ['Aborted', 'ABORTED'],
  ['OutOfRange', 'OUT_OF_RANGE'],
  ['Unimplemented', 'UNIMPLEMENTED'],
  ['Internal', 'INTERNAL'],
  ['Unavailable', 'UNAVAILABLE'],
  ['DataLoss', 'DATA_LOSS'],
  ['Unauthenticated', 'UNAUTHENTICATED'],
]

/** The number in the trailers, else in the head; undefined when neither has one. */
export function grpcStatus(facts: StreamFacts): number | undefined {
  const text = facts.responseTrailers?.get('grpc-status') ?? facts.response?.headers.get('grpc-status')
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined
}

/** The status that an HTTP answer without one stands for, as gRPC's mapping of HTTP statuses says. */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 400:
      return 13
    case 401:
      return 16
    case 403:
      return 7
    case 404:
      return 12
    case 429:
    case 502:
    case 503:
    case 504:
      return 14
    default:
      return 2
  }
}

/** The name of a status; the number itself when it has none. */
export const grpcName = (status: number, style: 'camel' | 'snake'): string =>
  NAMES[status]?.[style === 'camel' ? 0 : 1] ?? String(status)
