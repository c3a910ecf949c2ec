// Why a configuration that is valid could not be put into effect, with its place: a port in use, a log that cannot be opened.

import { placeText, type Place } from '../config/model/place.ts'

export class StartError extends Error {
  readonly place: Place

  constructor(place: Place, message: string) {
    super(`${placeText(place)}: ${message}`)
    this.place = place
  }
}

/** The system's error in words. */
export function systemReason(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return 'the address is in use by another process; stop it or choose another port'
    case 'EACCES':
      return 'permission denied; ports below 1024 need CAP_NET_BIND_SERVICE, files need the right owner'
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address'
    case 'ENOENT':
      return 'the folder does not exist'
    case 'EISDIR':
      return 'it is a folder'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
