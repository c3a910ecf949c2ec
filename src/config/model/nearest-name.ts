// The known name that a misspelt one most likely meant.

/** The nearest of `known` by edits, else the shortest that begins alike; undefined when none is worth saying. */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  const names = [...known]
  return nearestByEdits(wrong, names) ?? shortestExtension(wrong, names)
}

/** `%PROTO%` for `%PROTOCOL%`. Three letters at least, or everything would begin alike. */
function shortestExtension(wrong: string, names: readonly string[]): string | undefined {
  if (wrong.length < 3) return undefined
  const folded = wrong.toLowerCase()
  const longer = names.filter((name) => name.toLowerCase().startsWith(folded))
  return longer.sort((a, b) => a.length - b.length)[0]
}

function nearestByEdits(wrong: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(wrong.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  const folded = wrong.toLowerCase()
  for (const name of known) {
    const distance = editDistance(folded, name.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, changes and swaps of neighbours; `limit` or more is as good as infinite. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? limit
}
