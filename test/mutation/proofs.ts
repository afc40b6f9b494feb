/**
 * Mutants that are the same in real arithmetic, by a reason that no run can show: rounding tells them from the
 * original. What stands here counts as no mistake, so each line says why.
 */
const proofs: ReadonlyArray<readonly [name: RegExp, why: string]> = [
  [
    /^layer_norm.*: v\[j\] \+ mean for v\[j\] - mean/,
    'the sum of (v + mean) (v - mean) is that of v^2 less n mean^2, which is that of (v - mean)^2'
  ]
]

export function proofOf(name: string): string | undefined {
  return proofs.find(([pattern]) => pattern.test(name))?.[1]
}
