// TCP in an HTTP request. Envoy: TcpProxy.TunnelingConfig.

import type { TunnelingConfig } from '../model/tcp-proxy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerTemplate } from './lower-format.ts'
import { lowerAdditions } from './lower-header-mutation.ts'
import type { TcpProxy_TunnelingConfig as Message } from './messages.ts'

export const lowerTunneling = (loading: Loading, message: Message, spot: Spot): TunnelingConfig => ({
  hostname: lowerTemplate(loading, message.hostname, spot.field('hostname')),
  usePost: message.usePost,
  postPath: lowerPostPath(loading, message, spot),
  headers: lowerAdditions(
    loading,
    message.headersToAdd,
    spot.field('headers_to_add'),
    'the request is for hostname, and post_path is its path',
  ),
  propagateResponseHeaders: message.propagateResponseHeaders,
  propagateResponseTrailers: message.propagateResponseTrailers,
  requestId: lowerRequestId(loading, message, spot),
  place: spot.place,
})

/** `/` unless set; only a POST has a path. */
export function lowerPostPath(
  loading: Loading,
  { usePost, postPath }: { readonly usePost: boolean; readonly postPath: string },
  spot: Spot,
): string {
  if (postPath === '') return '/'
  if (!usePost)
    loading.error(
      spot.field('post_path'),
      "Can't set a post path when POST method isn't used",
      'add use_post: true, or leave post_path out',
    )
  // Envoy checks this in the UDP proxy only; the request would be malformed in either.
  if (!postPath.startsWith('/')) loading.error(spot.field('post_path'), "Path must start with '/'")
  return postPath
}

/** Without the extension nothing is generated. */
function lowerRequestId(loading: Loading, message: Message, spot: Spot): TunnelingConfig['requestId'] {
  if (message.requestIdExtension !== undefined) {
    if (message.requestIdExtension.typedConfig === undefined)
      loading.error(
        spot.field('request_id_extension'),
        'needs typed_config',
        '"@type": type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
      )
    return {
      header: (message.requestIdHeader === '' ? 'x-request-id' : message.requestIdHeader).toLowerCase(),
      metadataKey: message.requestIdMetadataKey === '' ? 'tunnel_request_id' : message.requestIdMetadataKey,
    }
  }
  for (const field of ['request_id_header', 'request_id_metadata_key']) {
    if (spot.has(field)) loading.warning(spot.field(field), 'has no effect without request_id_extension')
  }
  return undefined
}
