// Metadata that configuration attaches to clusters and endpoints. Envoy: config.core.v3.Metadata.filter_metadata.

/** Namespace → key → value; what is not text stands there as JSON. */
export type FilterMetadata = ReadonlyMap<string, ReadonlyMap<string, string>>
