// Configuration text as a tree that remembers where each piece stood. Dialects read it through a {@link Spot}, so that
// whatever is wrong with a value can be said with file, line, column and field path.

import type { Place } from '../model/place.ts'

/** Where a piece of text starts. */
export interface TextPlace {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A value that YAML or JSON can hold, without nesting. */
export type Scalar = string | number | boolean | null

/** One key of a mapping. */
export interface SourceEntry {
  readonly keyPlace: TextPlace
  readonly value: SourceNode
}

export type SourceNode =
  | { readonly kind: 'map'; readonly place: TextPlace; readonly entries: ReadonlyMap<string, SourceEntry> }
  | { readonly kind: 'list'; readonly place: TextPlace; readonly items: readonly SourceNode[] }
  | {
      readonly kind: 'scalar'
      readonly place: TextPlace
      readonly value: Scalar
      /** As written. */ readonly text: string
    }

/** JSON data; not readonly, because the schema library's type for it is not. */
export type Json = Scalar | Json[] | { [key: string]: Json }

/** The plain data of a tree. */
export function toJson(node: SourceNode): Json {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(toJson)
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry.value)]))
  }
}

/** `snake_case` as `lowerCamelCase`, as the JSON mapping of Protocol Buffers writes it. */
export const camelCase = (name: string): string =>
  name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * A position in the tree with its field path. Stepping to a field that is not there keeps the nearest place that is,
 * so every spot can be shown to the reader.
 */
export class Spot {
  /** undefined where the text says nothing. */
  readonly node: SourceNode | undefined
  readonly path: string
  private readonly keyPlace: TextPlace
  private readonly nearest: TextPlace

  constructor(node: SourceNode | undefined, path: string, nearest: TextPlace, keyPlace: TextPlace = nearest) {
    this.node = node
    this.path = path
    this.nearest = node?.place ?? nearest
    this.keyPlace = keyPlace
  }

  /** The field of that name, written in snake_case or lowerCamelCase. */
  field(name: string): Spot {
    const path = this.path === '' ? name : `${this.path}.${name}`
    const entry = this.entry(name)
    return new Spot(entry?.value, path, this.nearest, entry?.keyPlace ?? this.nearest)
  }

  /** The value of a map field's key. */
  key(name: string): Spot {
    const entry = this.node?.kind === 'map' ? this.node.entries.get(name) : undefined
    const step =
      PLAIN_NAME.test(name) && this.path !== ''
        ? `.${name}`
        : this.path === '' && PLAIN_NAME.test(name)
          ? name
          : `["${name}"]`
    return new Spot(entry?.value, this.path + step, this.nearest, entry?.keyPlace ?? this.nearest)
  }

  /** The item of that number, from 0. */
  at(index: number): Spot {
    const item = this.node?.kind === 'list' ? this.node.items[index] : undefined
    return new Spot(item, `${this.path}[${index}]`, this.nearest, item?.place ?? this.nearest)
  }

  /** Whether the text has the field, even as null. */
  has(name: string): boolean {
    return this.entry(name) !== undefined
  }

  /** Where the value stands. */
  get place(): Place {
    return { ...this.nearest, path: this.path }
  }

  /** Where the key of the value stands. */
  get placeOfKey(): Place {
    return { ...this.keyPlace, path: this.path }
  }

  private entry(name: string): SourceEntry | undefined {
    if (this.node?.kind !== 'map') return undefined
    return this.node.entries.get(name) ?? this.node.entries.get(camelCase(name))
  }
}
