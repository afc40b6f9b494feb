/**
 * What a kernel wrote against what its operator defines.
 *
 *     expected 12.25 within 0.001, found 12.2504      right, 0.4 of what rounding allows
 *     expected 12.25 within 0.001, found 12.5         wrong; the first of them is told, with who wrote it
 *     nothing found                                   unwritten: wrong, unless only some blocks ran
 */
import type { Truth } from '../operators/evaluate.ts'
import type { Access, Written } from './engine.ts'

export interface Comparison {
  /** Elements that were found and compared. */
  readonly compared: number
  /** Of these, and of those that nobody wrote unless the run was partial. */
  readonly wrong: number
  /** Elements that nobody wrote. */
  readonly unwritten: number
  /** Elements of which anything may be found, since errors before them decide what they are. */
  readonly unjudged: number
  /** The greatest |found - expected| / bound; 0 where both are 0, infinite where only the bound is. */
  readonly worst: number
  readonly first: WrongElement | undefined
}

export interface WrongElement {
  /** In the output's declared shape. */
  readonly indices: readonly number[]
  readonly expected: number
  readonly bound: number
  readonly found: number
  /** Undefined: nobody wrote it. */
  readonly writer: Access | undefined
}

/** `partial`: not all blocks ran, so what is unwritten may still be to come. */
export function compare(truth: Truth, written: Written, { partial }: { readonly partial: boolean }): Comparison {
  const { elements, writerOf } = written
  let compared = 0, wrong = 0, unwritten = 0, unjudged = 0, worst = 0, first: WrongElement | undefined
  for (let element = 0; element < elements.length; element++) {
    const found = elements[element]!, isUnwritten = Number.isNaN(found) && writerOf(element) === undefined
    if (isUnwritten) unwritten++
    else compared++
    if (isUnwritten && partial) continue
    const { value, bound } = truth.at(element)
    if (bound === Infinity && !isUnwritten) unjudged++
    const share = isUnwritten ? Infinity : shareOf(found, value, bound)
    if (!isUnwritten) worst = Math.max(worst, share)
    if (share <= 1) continue
    wrong++
    first ??= { indices: indicesOf(element, truth.shape), expected: value, bound, found, writer: writerOf(element) }
  }
  return { compared, wrong, unwritten, unjudged, worst, first }
}

/** The error as a share of the bound. NaN is found as NaN, an infinity as itself. */
function shareOf(found: number, expected: number, bound: number): number {
  if (found === expected || (Number.isNaN(found) && Number.isNaN(expected)) || bound === Infinity) return 0
  const share = Math.abs(found - expected) / bound
  return Number.isNaN(share) ? Infinity : share
}

function indicesOf(element: number, shape: readonly number[]): readonly number[] {
  const indices: number[] = []
  let rest = element
  for (const extent of shape.toReversed()) {
    indices.unshift(rest % extent)
    rest = Math.floor(rest / extent)
  }
  return indices
}
