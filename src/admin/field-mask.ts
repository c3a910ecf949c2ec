// Walks plain configuration trees: children by snake_case or lowerCamelCase name, and field masks over them.

export type Tree = { readonly [key: string]: unknown }

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A child message by snake_case name, whichever way it was written; empty when there is none. */
export function child(tree: Tree, name: string): Tree {
  const value = read(tree, name)
  return isTree(value) ? value : {}
}

/** A list of messages by snake_case name. */
export function list(tree: Tree, name: string): Tree[] {
  const value = read(tree, name)
  return Array.isArray(value) ? value.filter(isTree) : []
}

const read = (tree: Tree, name: string): unknown => tree[name] ?? tree[camel(name)]

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Only the fields that a comma list of dotted paths names; `@type` stays. Lists are masked entry by entry. */
export function applyMask(tree: Tree, mask: string): Tree {
  const paths = mask.split(',').map((path) => path.trim().split('.'))
  return keep(tree, paths)
}

function keep(tree: Tree, paths: readonly (readonly string[])[]): Tree {
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(tree)) {
    const below = paths.filter(([head]) => head === key).map(([, ...rest]) => rest)
    if (key === '@type') kept[key] = value
    else if (below.some((rest) => rest.length === 0)) kept[key] = value
    else if (below.length > 0) kept[key] = keepBelow(value, below)
  }
  return kept
}

function keepBelow(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => keepBelow(item, paths))
  return isTree(value) ? keep(value, paths) : value
}
