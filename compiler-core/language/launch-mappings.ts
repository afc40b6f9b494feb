/**
 * Mappings whose extents are known only when the kernel is launched, such as the tiles of a matrix of unknown size:
 *
 *     spatial(ceil_div(m, 128), ceil_div(n, 128)).at(blockIdx.x)      -> (blockIdx.x / tiles, blockIdx.x % tiles)
 *     for p in (repeat(ceil_div(n, 256)) * spatial(256)).on(threadIdx.x)      -> one loop, p = step * 256 + threadIdx.x
 *
 * They are lists of `spatial` and `repeat`, can be composed and walked, and have a shape; everything else about a
 * mapping (its tasks, its layout, a picture) needs numbers.
 */
import { binary, constant } from '../ir/build.ts'
import type { Expr as DeviceExpr, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import type { Loop } from '../mapping/mapping.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { Node } from './syntax/tree.ts'
import { describe, unknown, type LaunchAtom, type LaunchMapping, type Value } from './values.ts'

/** `*` where one side is a launch mapping. */
export function composeLaunchMappings(
  run: Run, frame: Frame, operator: string, left: Value, right: Value,
  places: { readonly left: Node; readonly right: Node }
): Value {
  const a = asLaunchMapping(left), b = asLaunchMapping(right)
  if (operator !== '*' || !a || !b) {
    problem(run, frame.module, a ? places.right : places.left, 'wrong-type', operator === '*'
      ? `\`*\` composes two mappings; this is ${describe(a ? right : left)}.` : 'Mappings are composed with `*`.')
    return unknown
  }
  if (a.atoms[0]?.extents.length !== b.atoms[0]?.extents.length) {
    problem(run, frame.module, places.right, 'rank-mismatch', 'Composed mappings have equally many dimensions.')
    return unknown
  }
  return { kind: 'launch-mapping', atoms: [...a.atoms, ...b.atoms] }
}

/** A mapping of atoms, as one whose extents are expressions. Undefined for custom and projected ones. */
function asLaunchMapping(v: Value): LaunchMapping | undefined {
  if (v.kind === 'launch-mapping') return v
  if (v.kind !== 'mapping') return undefined
  const atoms = v.mapping.factors.map((f, i): LaunchAtom | undefined => {
    const made = v.origins[i]?.[0]
    if (f.kind === 'custom' || made === undefined || f.axes.some((axis, d) => axis !== d)) return undefined
    const extents = f.extents.map(e => constant(e, 'index', [{ range: made, through: undefined }]))
    return { kind: f.kind, extents, ranks: f.ranks, loops: f.loops, made }
  })
  const known = atoms.filter(a => a !== undefined)
  return known.length === atoms.length ? { kind: 'launch-mapping', atoms: known } : undefined
}

/** The extent of each dimension. */
export function launchShape(m: LaunchMapping): readonly DeviceExpr[] {
  const rank = m.atoms[0]?.extents.length ?? 0
  return Array.from({ length: rank }, (_, d) => product(m.atoms.map(a => a.extents[d] ?? one)))
}

export function launchWorkers(m: LaunchMapping): DeviceExpr { return product(m.atoms.map(workersOf)) }

/** One loop of a walk. */
export interface LaunchLoop { readonly extent: DeviceExpr; readonly loop: Loop }

/**
 * The loops of a worker's tasks, the outermost first, and the index of a task by the variables of these loops.
 */
export function launchTasks(
  m: LaunchMapping, worker: DeviceExpr, origins: Origins
): { readonly loops: readonly LaunchLoop[]; index(steps: readonly Variable[],
  ref: (v: Variable) => DeviceExpr): readonly DeviceExpr[] } {
  const loops = m.atoms.flatMap(a => a.kind === 'repeat' ? byRank(a).map(d => ({ extent: a.extents[d] ?? one, loop: a.loops[d] ?? automatic })) : [])
  return {
    loops,
    index: (steps, ref) => {
      const rank = m.atoms[0]?.extents.length ?? 0
      let index = Array.from({ length: rank }, (): DeviceExpr => zero)
      let next = 0
      m.atoms.forEach((atom, i) => {
        const digits = new Array<DeviceExpr>(rank).fill(zero)
        if (atom.kind === 'repeat') {
          for (const d of byRank(atom)) {
            const step = steps[next++]
            if (step) digits[d] = ref(step)
          }
        } else {
          const inside = product(m.atoms.slice(i + 1).map(workersOf)), isFirst = m.atoms.slice(0, i).every(a => a.kind === 'repeat')
          const part = binary('/', worker, inside, origins)
          spatialDigits(atom, isFirst ? part : binary('%', part, workersOf(atom), origins), origins).forEach((e, d) => { digits[d] = e })
        }
        index = index.map((e, d) => binary('+', binary('*', e, atom.extents[d] ?? one, origins), digits[d] ?? zero, origins))
      })
      return index
    },
  }
}

const one = constant(1), zero = constant(0)
const automatic: Loop = { kind: 'automatic' }

function product(of: readonly DeviceExpr[]): DeviceExpr {
  return of.reduce((a, b) => binary('*', a, b, [...a.origins, ...b.origins]), one)
}
function workersOf(a: LaunchAtom): DeviceExpr { return a.kind === 'spatial' ? product(a.extents) : one }

/** Dimensions from the slowest to the fastest. */
function byRank(a: LaunchAtom): readonly number[] {
  return a.ranks.map((rank, d) => ({ rank, d })).sort((x, y) => x.rank - y.rank).map(x => x.d)
}

/** The digits of a worker below `workersOf(a)`; the slowest needs no remainder. */
function spatialDigits(a: LaunchAtom, worker: DeviceExpr, origins: Origins): readonly DeviceExpr[] {
  const order = byRank(a), digits = new Array<DeviceExpr>(order.length).fill(zero)
  order.forEach((d, position) => {
    const stride = product(order.slice(position + 1).map(inner => a.extents[inner] ?? one))
    const quotient = binary('/', worker, stride, origins)
    digits[d] = position === 0 ? quotient : binary('%', quotient, a.extents[d] ?? one, origins)
  })
  return digits
}
