// What Sluice takes of Envoy's messages for load balancing: policies, hash policies, sessions.

import { fields, FILTER, ROUTE, type Row } from './support-row.ts'

const CLUSTER = 'envoy.config.cluster.v3.Cluster.'
const POLICY = 'envoy.extensions.load_balancing_policies.'
const ASSIGNMENT = 'envoy.config.endpoint.v3.ClusterLoadAssignment.'
const SESSION = 'envoy.extensions.http.stateful_session.'
const HASH_POLICY = `${ROUTE}RouteAction.HashPolicy`
const ZONES = 'routing by zone needs cluster_manager.local_cluster_name, and without it Envoy does not do it either'
const BOUNDED = { hash_balance_factor: 'bounded loads are not there: least_request spreads by load' }

const policies: Record<string, Row> = {
  [`${CLUSTER}RefreshRate`]: fields('base_interval max_interval'),
  [`${CLUSTER}RoundRobinLbConfig`]: fields('slow_start_config'),
  [`${CLUSTER}LeastRequestLbConfig`]: fields('choice_count active_request_bias slow_start_config'),
  [`${CLUSTER}RingHashLbConfig`]: fields('minimum_ring_size hash_function maximum_ring_size'),
  [`${CLUSTER}MaglevLbConfig`]: fields('table_size'),
  [`${CLUSTER}SlowStartConfig`]: fields('slow_start_window aggression min_weight_percent'),
  [`${CLUSTER}CommonLbConfig`]: fields(
    'healthy_panic_threshold zone_aware_lb_config locality_weighted_lb_config consistent_hashing_lb_config',
    { update_merge_window: 'changes are merged until the next pick, and no longer' },
    { ignore_new_hosts_until_first_hc: 'health checks decide when a new endpoint is used' },
  ),
  [`${CLUSTER}CommonLbConfig.ZoneAwareLbConfig`]: fields('fail_traffic_on_panic', {
    routing_enabled: ZONES,
    min_cluster_size: ZONES,
  }),
  [`${CLUSTER}CommonLbConfig.LocalityWeightedLbConfig`]: fields(''),
  [`${CLUSTER}CommonLbConfig.ConsistentHashingLbConfig`]: fields('', {}, BOUNDED),
  'envoy.config.cluster.v3.LoadBalancingPolicy': fields('policies'),
  'envoy.config.cluster.v3.LoadBalancingPolicy.Policy': fields('typed_extension_config'),
  [`${POLICY}round_robin.v3.RoundRobin`]: fields('slow_start_config locality_lb_config'),
  [`${POLICY}least_request.v3.LeastRequest`]: fields(
    'choice_count active_request_bias slow_start_config locality_lb_config selection_method=N_CHOICES',
  ),
  [`${POLICY}random.v3.Random`]: fields('locality_lb_config'),
  [`${POLICY}ring_hash.v3.RingHash`]: fields(
    'hash_function minimum_ring_size maximum_ring_size consistent_hashing_lb_config locality_weighted_lb_config',
    {},
    BOUNDED,
  ),
  [`${POLICY}maglev.v3.Maglev`]: fields('table_size consistent_hashing_lb_config locality_weighted_lb_config'),
  [`${POLICY}cluster_provided.v3.ClusterProvided`]: fields(''),
  [`${POLICY}common.v3.LocalityLbConfig`]: fields('zone_aware_lb_config locality_weighted_lb_config'),
  [`${POLICY}common.v3.LocalityLbConfig.ZoneAwareLbConfig`]: fields('fail_traffic_on_panic', {
    routing_enabled: ZONES,
    min_cluster_size: ZONES,
    locality_basis: ZONES,
  }),
  [`${POLICY}common.v3.LocalityLbConfig.LocalityWeightedLbConfig`]: fields(''),
  [`${POLICY}common.v3.SlowStartConfig`]: fields('slow_start_window aggression min_weight_percent'),
  [`${POLICY}common.v3.ConsistentHashingLbConfig`]: fields('hash_policy', {}, BOUNDED),
  [`${ASSIGNMENT}Policy`]: fields('overprovisioning_factor weighted_priority_health', {
    endpoint_stale_after: 'read for endpoints of a management server only',
  }),
}

const hashPolicies: Record<string, Row> = {
  [HASH_POLICY]: fields('header cookie connection_properties query_parameter filter_state terminal'),
  [`${HASH_POLICY}.Header`]: fields('header_name regex_rewrite'),
  [`${HASH_POLICY}.Cookie`]: fields('name ttl path attributes'),
  [`${HASH_POLICY}.CookieAttribute`]: fields('name value'),
  [`${HASH_POLICY}.ConnectionProperties`]: fields('source_ip'),
  [`${HASH_POLICY}.QueryParameter`]: fields('name'),
  [`${HASH_POLICY}.FilterState`]: fields('key'),
  'envoy.type.v3.HashPolicy': fields('source_ip filter_state'),
  'envoy.type.v3.HashPolicy.SourceIp': fields(''),
  'envoy.type.v3.HashPolicy.FilterState': fields('key'),
}

const sessions: Record<string, Row> = {
  [`${FILTER}stateful_session.v3.StatefulSession`]: fields('session_state strict'),
  [`${FILTER}stateful_session.v3.StatefulSessionPerRoute`]: fields('disabled stateful_session'),
  [`${SESSION}cookie.v3.CookieBasedSessionState`]: fields('cookie'),
  [`${SESSION}header.v3.HeaderBasedSessionState`]: fields('name'),
  'envoy.type.http.v3.Cookie': fields('name ttl path attributes'),
  'envoy.type.http.v3.CookieAttribute': fields('name value'),
}

export const BALANCING_ROWS: Record<string, Row> = { ...policies, ...hashPolicies, ...sessions }
