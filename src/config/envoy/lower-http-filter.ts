// HTTP filter chains and what routes say about their filters. The `@type` decides what a filter is, never its name.
// Envoy: HttpFilter, typed_per_filter_config.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { HttpFilterConfig } from '../model/http-filter.ts'
import type { Pipeline } from '../model/pipeline.ts'
import type { PerFilterConfig } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLogs } from './lower-access-log.ts'
import { lowerCorsPolicy } from './lower-cors.ts'
import { lowerDnsCache } from './lower-dns-cache.ts'
import { lowerFilterMutations } from './lower-header-mutation.ts'
import { each } from './lower-each.ts'
import { lowerModelPart } from './lower-model-part.ts'
import { lowerSessionOverride } from './lower-stateful-session.ts'
import { lowerHeaderMatch } from './lower-string-match.ts'
import {
  BufferPerRouteSchema,
  BufferSchema,
  CorsPolicySchema,
  CorsSchema,
  DynamicForwardFilterSchema,
  DynamicForwardPerRouteSchema,
  FilterConfigSchema,
  HeaderMutationFilterSchema,
  HeaderMutationPerRouteSchema,
  HealthCheckSchema,
  ModelPartSchema,
  RouterSchema,
  type HttpFilter,
  type ModelPart,
} from './messages.ts'

/** A chain; unless it is empty the router must be its last filter and stand nowhere else. */
export function lowerHttpFilters(
  loading: Loading,
  filters: readonly HttpFilter[],
  spot: Spot,
): readonly HttpFilterConfig[] {
  const lowered = each(filters, spot, (filter, at) => lowerHttpFilter(loading, filter, at))
  for (const [index, filter] of lowered.entries()) {
    if (filter === undefined) continue
    const last = index === lowered.length - 1
    const at = spot.at(index)
    if (filter.kind === 'router' && !last) {
      loading.error(
        at,
        `terminal filter named ${filter.name} of type ${typeOf(filters[index])} must be the last filter in a http filter chain.`,
      )
    }
    if (filter.kind !== 'router' && last) {
      loading.error(
        at,
        `non-terminal filter named ${filter.name} of type ${typeOf(filters[index])} is the last filter in a http filter chain.`,
        'add envoy.filters.http.router after it',
      )
    }
    if (filter.kind === 'router' && last && filter.disabled)
      loading.error(at.field('disabled'), 'the terminal filter cannot be disabled')
  }
  return lowered.filter((filter) => filter !== undefined)
}

function typeOf(filter: HttpFilter | undefined): string {
  const type = filter?.configType.case === 'typedConfig' ? filter.configType.value.typeUrl : ''
  return type.slice(type.lastIndexOf('/') + 1)
}

function lowerHttpFilter(loading: Loading, filter: HttpFilter, spot: Spot): HttpFilterConfig | undefined {
  const any = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined
  const config = loading.unpack(any)
  if (config === undefined && filter.configType.case !== 'configDiscovery') {
    loading.error(
      spot,
      `filter "${filter.name}" needs typed_config`,
      'the name alone does not say what a filter is; for the router: typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}',
    )
  }
  if (config === undefined) return undefined
  const base = { name: filter.name, disabled: filter.disabled, place: spot.place }
  return lowerConfig(loading, config, base, spot.field('typed_config'))
}

/** `none` is a filter whose routes bring their pipelines. */
interface PipelinePart {
  readonly pipeline: Pipeline | 'none'
}

function lowerPipeline(loading: Loading, message: ModelPart, base: FilterBase, spot: Spot): HttpFilterConfig {
  const { pipeline } = lowerModelPart<PipelinePart>(loading, message, spot)
  return { ...base, kind: 'pipeline', pipeline: pipeline === 'none' ? undefined : pipeline }
}

type FilterBase = Pick<HttpFilterConfig, 'name' | 'disabled' | 'place'>

function lowerConfig(loading: Loading, config: Message, base: FilterBase, spot: Spot): HttpFilterConfig | undefined {
  if (isMessage(config, RouterSchema)) {
    return {
      ...base,
      kind: 'router',
      suppressEnvoyHeaders: config.suppressEnvoyHeaders,
      rejectConnectEarlyData: config.rejectConnectRequestEarlyData ?? false,
      upstreamLogs: lowerAccessLogs(loading, config.upstreamLog, spot.field('upstream_log')),
    }
  }
  if (isMessage(config, ModelPartSchema)) return lowerPipeline(loading, config, base, spot)
  if (isMessage(config, CorsSchema)) return { ...base, kind: 'cors', policy: undefined }
  if (isMessage(config, BufferSchema)) return { ...base, kind: 'buffer', maxRequestBytes: config.maxRequestBytes ?? 0 }
  if (isMessage(config, HeaderMutationFilterSchema) || isMessage(config, HeaderMutationPerRouteSchema)) {
    return {
      ...base,
      kind: 'header-mutation',
      ...lowerFilterMutations(loading, config.mutations, spot.field('mutations')),
    }
  }
  if (isMessage(config, HealthCheckSchema)) {
    const headers = each(config.headers, spot.field('headers'), (header, at) => lowerHeaderMatch(loading, header, at))
    return { ...base, kind: 'health-check', passThrough: config.passThroughMode ?? false, headers }
  }
  if (isMessage(config, DynamicForwardFilterSchema)) {
    const specifier = config.implementationSpecifier
    if (specifier.case === undefined)
      loading.error(spot, 'needs dns_cache_config', 'the one of the dynamic_forward_proxy cluster, with the same name')
    const cache = specifier.case === 'dnsCacheConfig' ? specifier.value : undefined
    return {
      ...base,
      kind: 'dynamic-forward-proxy',
      cache: cache && lowerDnsCache(loading, cache, spot.field('dns_cache_config')),
      hostRewrite: '',
      hostRewriteHeader: '',
    }
  }
  return undefined
}

type PerFilterEntry = { readonly disabled: boolean; readonly config: HttpFilterConfig | undefined }

/** Overrides of a route, virtual host or weighted cluster, by filter name. */
export function lowerPerFilter(loading: Loading, configs: Readonly<Record<string, Any>>, spot: Spot): PerFilterConfig {
  const lowered = new Map<string, PerFilterEntry>()
  for (const [name, any] of Object.entries(configs)) {
    const entry = perFilterEntry(loading, name, any, spot.key(name))
    if (entry !== undefined) lowered.set(name, entry)
  }
  return lowered
}

function perFilterEntry(loading: Loading, name: string, any: Any, spot: Spot): PerFilterEntry | undefined {
  const config = loading.unpack(any)
  const session = lowerSessionOverride(loading, config, spot)
  if (session !== undefined) return session
  const base: FilterBase = { name, disabled: false, place: spot.place }
  if (isMessage(config, FilterConfigSchema)) {
    if (config.disabled) return { disabled: true, config: undefined }
    if (config.config === undefined) return { disabled: false, config: undefined }
    return perFilterEntry(loading, name, config.config, spot.field('config'))
  }
  if (isMessage(config, BufferPerRouteSchema)) {
    if (config.override.case === 'disabled') return { disabled: config.override.value, config: undefined }
    if (config.override.case !== 'buffer') return undefined
    return {
      disabled: false,
      config: { ...base, kind: 'buffer', maxRequestBytes: config.override.value.maxRequestBytes ?? 0 },
    }
  }
  if (isMessage(config, ModelPartSchema)) return { disabled: false, config: lowerPipeline(loading, config, base, spot) }
  if (isMessage(config, CorsPolicySchema)) {
    const { enabled, policy } = lowerCorsPolicy(loading, config, spot)
    return { disabled: !enabled, config: { ...base, kind: 'cors', policy } }
  }
  if (isMessage(config, HeaderMutationPerRouteSchema))
    return { disabled: false, config: lowerConfig(loading, config, base, spot) }
  if (isMessage(config, DynamicForwardPerRouteSchema)) {
    const { case: kind, value = '' } = config.hostRewriteSpecifier
    const hostRewrite = kind === 'hostRewriteLiteral' ? value : ''
    const hostRewriteHeader = kind === 'hostRewriteHeader' ? value.toLowerCase() : ''
    return {
      disabled: false,
      config: { ...base, kind: 'dynamic-forward-proxy', cache: undefined, hostRewrite, hostRewriteHeader },
    }
  }
  if (config === undefined || !isWholeFilter(config)) return undefined
  loading.error(
    spot,
    `${config.$typeName} cannot be set per route`,
    'use the filter’s own per-route message, or envoy.config.route.v3.FilterConfig to disable it',
  )
  return undefined
}

const isWholeFilter = (config: Message): boolean =>
  [RouterSchema, BufferSchema, HeaderMutationFilterSchema, HealthCheckSchema, DynamicForwardFilterSchema].some(
    (schema) => schema.typeName === config.$typeName,
  )
