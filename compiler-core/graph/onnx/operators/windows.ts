/**
 * Windows that move over images, as Conv, the pools and their kin describe them.
 *
 *     kernel (3, 3), strides (2, 2), auto_pad SAME_UPPER, image (224, 224)
 *     before (0, 0), after (1, 1), places (112, 112)
 */
import type { NodeContext } from '../conversion.ts'

export interface Windows {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Zeros before and after the image. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** By the attributes of a node, for images of the extents `image` and windows of the extents `kernel`. */
export function windowsOf(node: NodeContext, image: readonly number[], kernel: readonly number[]): Windows {
  const each = (name: string): readonly number[] => perDimension(node, name, image.length) ?? image.map(() => 1)
  const strides = each('strides'), dilations = each('dilations')
  const pads = padsOf(node, image.length)
  const missing = image.map((n, d) => {
    const places = Math.ceil(n / strides[d]!)
    return Math.max((places - 1) * strides[d]! + span(kernel[d]!, dilations[d]!) - n, 0)
  })
  const less = missing.map(p => Math.floor(p / 2)), more = missing.map(p => Math.ceil(p / 2))
  switch (pads) {
    case 'SAME_UPPER': return { strides, dilations, before: less, after: more }
    case 'SAME_LOWER': return { strides, dilations, before: more, after: less }
    default: return { strides, dilations, ...pads }
  }
}

/** How many windows there are. With `ceil_mode` the last one may end behind the zeros, but begins before their end. */
export function placesOf(
  node: NodeContext, image: readonly number[], kernel: readonly number[], windows: Windows
): readonly number[] {
  const { strides, dilations, before, after } = windows
  const ceil = node.flag('ceil_mode', false)
  return image.map((n, d) => {
    const free = before[d]! + n + after[d]! - span(kernel[d]!, dilations[d]!)
    const places = (ceil ? Math.ceil(free / strides[d]!) : Math.floor(free / strides[d]!)) + 1
    if (places < 1) node.invalid(`A window of ${span(kernel[d]!, dilations[d]!)} elements does not fit into ${n}.`)
    return ceil && (places - 1) * strides[d]! >= n + before[d]! ? places - 1 : places
  })
}

/** The elements from the first to the last of a window. */
export function span(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1
}

/** A list with one positive number for each spatial dimension; undefined where the attribute is absent. */
export function perDimension(node: NodeContext, name: string, rank: number): readonly number[] | undefined {
  const numbers = node.ints(name)
  if (!numbers) return undefined
  if (numbers.length !== rank || numbers.some(n => n < 1)) {
    node.invalid(`\`${name}\` is (${numbers.join(', ')}); it has a positive number for each of ${rank} dimensions.`, name)
  }
  return numbers
}

type Pads = { readonly before: readonly number[]; readonly after: readonly number[] } | 'SAME_UPPER' | 'SAME_LOWER'

export function padsOf(node: NodeContext, rank: number): Pads {
  const auto = node.string('auto_pad', 'NOTSET')
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') return auto
  if (auto !== 'NOTSET' && auto !== 'VALID') {
    node.invalid(`\`auto_pad\` is ${auto}; it is NOTSET, VALID, SAME_UPPER or SAME_LOWER.`, 'auto_pad')
  }
  const pads = auto === 'VALID' ? undefined : node.ints('pads')
  if (pads && pads.length !== 2 * rank) {
    node.invalid(`\`pads\` has ${pads.length} numbers for ${rank} dimensions; it has two for each.`, 'pads')
  }
  const zeros = Array.from({ length: rank }, () => 0)
  return { before: pads?.slice(0, rank) ?? zeros, after: pads?.slice(rank) ?? zeros }
}
