/** Arguments to parameters: which belongs to which, and whether its value is what the parameter's type says. */
import { builtinUri } from '../library/library.ts'
import type { Bound } from './native-call.ts'
import { problem, type Frame, type Module, type Run } from './run.ts'
import { listText, nearest } from './suggestions.ts'
import type { Expr, Name, Node, Param, Type } from './syntax/tree.ts'
import { textOf } from './syntax/walk.ts'
import { isFloating } from './device.ts'
import { describe, float, itemsOf, tuple, type Value } from './values.ts'

/** An argument of a call, spreads opened. */
export interface Given extends Bound { readonly node: Expr; readonly name: Name | undefined }

/**
 * Arguments by parameter, converted to the parameters' types; undefined after a problem. `variadic` names the parameter
 * that takes all positional arguments; loop words among them go to `loops`. Parameters without an argument are left
 * out.
 */
export function bindArguments(
  run: Run, frame: Frame, call: Node, callee: string, params: readonly Param[], home: Module | undefined,
  args: readonly Given[], variadic: string | undefined,
): ReadonlyMap<string, readonly Bound[]> | undefined {
  const bound = new Map<string, readonly Bound[]>()
  const { module } = frame
  const state = { right: true }
  const wrong = (node: Node, code: 'unknown-argument' | 'duplicate-argument' | 'too-many-arguments' | 'missing-argument' | 'wrong-type', message: string): void => {
    state.right = false
    problem(run, module, node, code, message)
  }
  const positional = variadic === undefined ? params : params.filter(p => p.name.text === variadic)
  let next = 0
  for (const arg of args) {
    let param: Param | undefined
    if (arg.name) {
      const { text } = arg.name
      param = params.find(p => p.name.text === text)
      if (!param) {
        state.right = false
        if (resolvesNames(frame, call)) continue
        const names = params.map(p => p.name.text), near = nearest(text, names)
        wrong(arg.name, 'unknown-argument', `\`${callee}\` has no parameter \`${text}\`. ${near !== undefined ? `Did you mean \`${near}\`?` : names.length === 0 ? 'It has none.' : `It has ${listText(names)}.`}`)
        continue
      }
      if (bound.has(text)) {
        wrong(arg.name, 'duplicate-argument', `\`${text}\` of \`${callee}\` is given twice.`)
        continue
      }
    } else if (variadic !== undefined) param = arg.value.kind === 'loop' ? params.find(p => p.name.text === 'loops') ?? positional[0] : positional[0]
    else param = positional[next++]
    if (!param) {
      wrong(arg.node, 'too-many-arguments', `\`${callee}\` takes ${params.length === 0 ? 'no arguments' : `at most ${params.length} argument${params.length === 1 ? '' : 's'}: ${listText(params.map(p => p.name.text))}`}.`)
      continue
    }
    if (arg.name === undefined && variadic === undefined && bound.has(param.name.text)) {
      wrong(arg.node, 'duplicate-argument', `\`${param.name.text}\` of \`${callee}\` is given twice.`)
      continue
    }
    if (arg.name === undefined && param.name.text === 'extents' && (bound.get('loops')?.length ?? 0) > 0) {
      wrong(arg.node, 'wrong-type', 'Loop words stand behind all extents.')
      continue
    }
    const several = variadic === param.name.text && arg.value.kind !== 'unknown'
    const value = home === undefined || several ? arg.value : convert(home, arg.value, param.type)
    if (value === undefined) {
      wrong(arg.node, 'wrong-type', `\`${param.name.text}\` of \`${callee}\` is ${home ? typePhrase(textOf(home.source, param.type)) : 'something else'}; this is ${describe(arg.value)}.`)
      continue
    }
    bound.set(param.name.text, [...bound.get(param.name.text) ?? [], { value, node: arg.node }])
  }
  for (const param of params) {
    if (bound.has(param.name.text) || param.default || param.name.text === '') continue
    if (!state.right) break
    wrong(call, 'missing-argument', param.name.text === variadic && params.length > 0
      ? `\`${callee}\` needs at least one ${variadic === 'extents' ? 'extent' : 'argument'}.` : `\`${callee}\` needs \`${param.name.text}\`.`)
  }
  return state.right ? bound : undefined
}

/** Named arguments of a function that is called by its own name are checked where names are resolved. */
function resolvesNames(frame: Frame, call: Node): boolean {
  if (call.kind !== 'Call' || call.callee.kind !== 'NameRef') return false
  return frame.module.definitionOf.get(call.callee)?.scope !== undefined
}

function typePhrase(type: string): string {
  switch (type) {
    case 'int': return 'a whole number'
    case 'float': case 'number': return 'a number'
    case 'bool': return 'true or false'
    case 'shape': return 'a shape: whole numbers'
    case 'dtype': return 'an element type'
    case 'loop': return 'a loop word (`vector`, `unrolled`, `rolled`, `parallel`)'
    default: return /^\w+$/.test(type) ? `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}` : `of type \`${type}\``
  }
}

/**
 * The value as the type has it (a whole number as a float, a list of numbers as a shape); undefined where it does not
 * fit.
 */
export function convert(home: Module, v: Value, type: Type): Value | undefined {
  if (v.kind === 'unknown' || v.kind === 'tensor') return v
  if (type.kind === 'TupleType') {
    const items = itemsOf(v)
    if (items?.length !== type.items.length) return undefined
    const converted: Value[] = []
    for (const [i, item] of items.entries()) {
      const itemType = type.items[i]
      const value = itemType && convert(home, item, itemType)
      if (!value) return undefined
      converted.push(value)
    }
    return tuple(converted)
  }
  const definition = home.definitionOf.get(type.element)
  if (type.scope !== undefined || type.dims.length > 0 || definition?.uri !== builtinUri) return v
  switch (definition.name) {
    case 'int': if (v.kind === 'device') return v.expr.type === 'bool' || isFloating(v) ? undefined : v
      return v.kind === 'int' || (v.kind === 'symbolic' && v.type === 'int') ? v : undefined
    case 'float': if (v.kind === 'device') return isFloating(v) ? v : undefined
      return v.kind === 'int' ? float(Number(v.value)) : v.kind === 'float' ? v : undefined
    case 'number': return v.kind === 'device' || v.kind === 'int' || v.kind === 'float' || v.kind === 'symbolic' ? v : undefined
    case 'bool': if (v.kind === 'device') return v.expr.type === 'bool' ? v : undefined
      return v.kind === 'bool' || (v.kind === 'symbolic' && v.type === 'bool') ? v : undefined
    case 'shape': {
      const items = itemsOf(v)
      const whole = items?.every(i => i.kind === 'int' || i.kind === 'unknown' || (i.kind === 'symbolic' && i.type === 'int')
        || (i.kind === 'device' && i.expr.type !== 'bool' && !isFloating(i)))
      return items && whole === true ? tuple(items) : undefined
    }
    case 'tuple': return v.kind === 'tuple' ? v : undefined
    case 'mapping': return v.kind === 'mapping' || v.kind === 'launch-mapping' ? v : undefined
    case 'string': case 'list': case 'layout': case 'dtype': case 'reducer': case 'loop': return v.kind === definition.name ? v : undefined
    case 'architecture': return v.kind === 'target' ? v : undefined
    default: return v
  }
}

