// Which step comes after which. Easegress: Pipeline, flow and jumpIf.

/** What the flow needs to know of a step. */
export interface FlowStep {
  readonly name: string
  /** Result → index of a later step, or of the end. */
  readonly jumps: ReadonlyMap<string, number>
}

/** The index after step `at` answered `result`; `steps.length` is the end. A result without a jump ends the pipeline. */
export function nextStep(steps: readonly FlowStep[], at: number, result: string): number {
  const target = steps[at]?.jumps.get(result)
  if (target !== undefined) return target
  return result === '' ? at + 1 : steps.length
}

/** `jumpIf` with indexes; the end where the target is END or is not there. */
export function jumpsOf(
  jumpIf: ReadonlyMap<string, string>,
  at: number,
  names: readonly string[],
): Map<string, number> {
  const jumps = new Map<string, number>()
  for (const [result, target] of jumpIf) {
    const index = target === 'END' ? -1 : names.indexOf(target, at + 1)
    jumps.set(result, index < 0 ? names.length : index)
  }
  return jumps
}
