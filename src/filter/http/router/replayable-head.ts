// The head of a request that may be sent more than once. Each endpoint may get a host of its own (auto_host_rewrite), so the
// next attempt starts from what the head was before the last one.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { Destination } from './prepare-request.ts'

export class ReplayableHead {
  readonly #head: RequestHead
  readonly #authority: string
  /** undefined = no attempt changes them. */
  readonly #headers: HeaderList | undefined

  constructor(head: RequestHead, { rewrite }: Destination) {
    this.#head = head
    this.#authority = head.authority
    if (rewrite.action.hostRewrite?.kind === 'auto') this.#headers = head.headers.clone()
  }

  /** Makes the head what it was when this was made. */
  restore(): void {
    if (this.#headers === undefined) return
    this.#head.authority = this.#authority
    this.#head.headers.assign(this.#headers)
  }
}
