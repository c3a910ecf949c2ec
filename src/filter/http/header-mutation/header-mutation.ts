// Header mutation filter: changes fields of the request and the response (Envoy: envoy.filters.http.header_mutation).

import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import type { HeaderMutations } from '../../../config/model/header-mutation.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { ExchangeHandle, HeadVerdict, HttpFilter, HttpFilterFactory } from '../../http-filter.ts'

type MutationConfig = Extract<HttpFilterConfig, { kind: 'header-mutation' }>

/** Applies mutations whose values are format strings; the route tables' own implementation is passed in. */
export type ApplyMutations = (headers: HeaderList, mutations: HeaderMutations, facts: StreamFacts) => void

class HeaderMutationFilter implements HttpFilter {
  readonly #handle: ExchangeHandle
  readonly #configs: readonly MutationConfig[]
  readonly #apply: ApplyMutations

  constructor(handle: ExchangeHandle, configs: readonly MutationConfig[], apply: ApplyMutations) {
    this.#handle = handle
    this.#configs = configs
    this.#apply = apply
  }

  onRequestHead(head: RequestHead): HeadVerdict {
    for (const config of this.#configs) this.#apply(head.headers, config.request, this.#handle.facts)
    return 'continue'
  }

  onResponseHead(head: ResponseHead): HeadVerdict {
    for (const config of this.#configs) this.#apply(head.headers, config.response, this.#handle.facts)
    return 'continue'
  }
}

/** The route's own mutations come after the filter's, so the nearer one has the last word. */
export function headerMutationFilter(config: MutationConfig, apply: ApplyMutations): HttpFilterFactory {
  return {
    name: config.name,
    kind: 'header-mutation',
    disabled: config.disabled,
    create: (handle, override) => {
      const configs = override?.kind === 'header-mutation' ? [config, override] : [config]
      return new HeaderMutationFilter(handle, configs, apply)
    },
  }
}
