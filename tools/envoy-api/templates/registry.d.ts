import type { DescFile, Registry } from '@bufbuild/protobuf'

/** Resolves Envoy's types, as `fromJson` and `anyUnpack` want it. Walking through all of it decodes all of it. */
export declare const envoyRegistry: Registry

/** Full names of all types, without decoding any. */
export declare const envoyTypeNames: readonly string[]

/** The descriptor of one .proto file, for the generated modules. Throws when there is none. */
export declare function envoyFile(path: string): DescFile
