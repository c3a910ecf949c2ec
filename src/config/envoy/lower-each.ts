// Lists of messages, item by item.

import type { Spot } from '../source/tree.ts'

/** Lowers each item of a list with its own spot. */
export const each = <Message, Lowered>(
  items: readonly Message[],
  spot: Spot,
  lower: (item: Message, spot: Spot) => Lowered,
): readonly Lowered[] => items.map((item, index) => lower(item, spot.at(index)))
